"""Networks that are made ready once and lent to one run after the other, and never to two at a time."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch

from src_models.computing import ready_networks
from src_models.computing.execution import choose_execution, prepare
from src_models.computing.ready_networks import ready_network
from src_models.models.architectures import create
from src_models.models.checkpoint import Model, load
from src_models.prediction.segment import segment


@pytest.fixture
def network():
    torch.manual_seed(0)
    return create("attention-unet", in_channels=1, classes=2, widths=(4, 8)).eval()


@pytest.fixture
def made(monkeypatch):
    """How often a network was made ready."""
    times = []
    monkeypatch.setattr(ready_networks, "prepare", lambda *given: times.append(given) or prepare(*given))
    return times


def answer(network):
    execution = choose_execution("cpu")
    with ready_network(network, execution) as ready, torch.inference_mode():
        return ready(torch.ones(1, 1, 16, 16))


def test_one_is_made_for_many_runs_and_answers_as_the_network_does(network, made):
    with torch.inference_mode():
        expected = network(torch.ones(1, 1, 16, 16))
    for _ in range(3):
        torch.testing.assert_close(answer(network), expected, rtol=1e-4, atol=1e-5)
    assert len(made) == 1


@pytest.mark.parametrize("where", ["a weight", "what a weight holds", "a buffer"])
def test_whatever_is_learnt_is_answered_by(network, made, where):
    before = answer(network)
    with torch.no_grad():
        if where == "a weight":
            next(network.parameters()).mul_(2)
        elif where == "what a weight holds":  # of which torch does not tell
            next(network.parameters()).data.mul_(2)
        else:
            next(buffer for name, buffer in network.named_buffers() if name.endswith("running_mean")).add_(1)
        expected = network(torch.ones(1, 1, 16, 16))
    assert not torch.equal(answer(network), before)
    torch.testing.assert_close(answer(network), expected, rtol=1e-4, atol=1e-5)
    assert len(made) == 2


def test_two_runs_at_a_time_have_each_their_own(network):
    execution = choose_execution("cpu")
    with ready_network(network, execution) as one, ready_network(network, execution) as other:
        assert one is not other
        assert network not in (one, other)


def test_one_in_which_a_run_was_stopped_is_lent_to_nobody(network, made):
    with pytest.raises(KeyboardInterrupt), ready_network(network, choose_execution("cpu")):
        raise KeyboardInterrupt
    answer(network)
    assert len(made) == 2


def test_it_goes_with_its_network():
    network = create("attention-unet", in_channels=1, classes=2, widths=(4, 8)).eval()
    with ready_network(network, choose_execution("cpu")) as ready:
        gone = weakref.ref(ready)
    del ready
    gc.collect()
    assert gone() is not None
    del network
    gc.collect()
    assert gone() is None


def test_a_batch_of_images_makes_its_network_ready_once(tiny_model_path, discs, made):
    model: Model = load(tiny_model_path)
    for shift in range(3):
        segment(discs + shift, model, device="cpu")
    assert len(made) == 1
