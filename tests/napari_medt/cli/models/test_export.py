"""``napari-medt export``: files for other programs, and what is asked for first."""

from __future__ import annotations

import zipfile

import pytest
import torch
from typer.testing import CliRunner

from napari_medt.cli import app
from src_models.models.architectures import create
from src_models.models.checkpoint import Model, save
from src_models.models.header import ModelHeader

CONFIG = {"in_channels": 1, "classes": 2, "widths": [4, 8]}


@pytest.fixture
def run(tmp_path):
    torch.manual_seed(0)
    header = ModelHeader(
        name="toy", purpose="a test", architecture="attention-unet", config=CONFIG, classes=("background", "cell"),
        channels=("grey",),
    )  # fmt: skip
    network = create("attention-unet", **CONFIG).eval()
    torch.nn.init.constant_(network.final.bias, 1.0)  # tolerances of packages need a positive result
    model = save(Model(network, header), tmp_path / "toy.safetensors")
    runner = CliRunner(env={"COLUMNS": "200"})
    return lambda *arguments: runner.invoke(app, ["export", str(model), *map(str, arguments)])


def test_onnx_says_how_near_it_is(run, tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    done = run("-o", tmp_path / "toy.onnx")
    assert done.exit_code == 0, done.output
    assert "multiples of 2 px" in done.output
    assert "logits differ by at most" in done.output
    assert run("-o", tmp_path / "toy.onnx").exit_code == 1


def test_a_package_asks_for_author_and_licence(run, tmp_path):
    pytest.importorskip("bioimageio.spec")
    for given, asked in (([], "--licence"), (["--licence", "MIT"], "--author")):
        done = run("--format", "bioimageio", "-o", tmp_path / "toy.zip", *given)
        assert done.exit_code == 1
        assert asked in done.output
    given = ["--licence", "MIT", "--author", "A. Person"]
    done = run("--format", "bioimageio", "-o", tmp_path / "toy.zip", *given)
    assert done.exit_code == 0, done.output
    with zipfile.ZipFile(tmp_path / "toy.zip") as archive:
        assert {"weights.pt", "test_input.npy", "test_output.npy"} <= set(archive.namelist())
