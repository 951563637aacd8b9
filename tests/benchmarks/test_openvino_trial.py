"""The trial of OpenVINO, which is no dependency: without it, a sentence; with it, the numbers of our own networks."""

import importlib.util
import sys

import pytest
import torch

from benchmarks import openvino_trial
from src_models.computing.execution import choose_execution, prepare
from src_models.models.architectures import create


def test_without_openvino_there_is_a_sentence_and_no_table(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["openvino_trial"])
    monkeypatch.setattr(openvino_trial, "report", lambda *_: pytest.fail("nothing was measured"))
    openvino_trial.main()
    assert capsys.readouterr().out == "OpenVINO is not installed, so nothing was measured: pip install openvino\n"


@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="OpenVINO is not installed")
def test_openvino_computes_what_we_do():
    torch.manual_seed(0)
    execution = choose_execution("cpu")
    batch = torch.rand(1, 3, 64, 64)
    for network in (create("attention-unet", in_channels=3, widths=(4, 8, 16)), create("medt", image_size=64)):
        ready = prepare(network, execution)
        theirs = openvino_trial.OpenVINO(ready, "f32", 1)
        torch.testing.assert_close(execution(theirs, batch), execution(ready, batch), rtol=0, atol=1e-5)
