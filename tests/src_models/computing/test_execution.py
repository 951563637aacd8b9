"""Where and how a network runs, without changing what it computes."""

import math
import os

import pytest
import torch
from torch import nn

from src_models.computing import execution
from src_models.computing.execution import (
    Execution,
    available_devices,
    choose_execution,
    computing_threads,
    fold_batch_norms,
    prepare,
)
from src_models.errors import UserError

CPU = Execution(torch.device("cpu"), torch.float32, 1)


def trained_like(model):
    """Batch norms with weights, biases and statistics like those of a trained network."""
    for module in model.network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.weight.data.uniform_(0.3, 2)
            module.bias.data.normal_(0, 0.5)
    return model.network


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("config", [{}, {"gate": "skip", "upsampling": "conv"}, {"subgates": 2}], ids=str)
def test_folding_batch_norms_changes_logits_by_rounding_alone(make_model, dimensions, config):
    network = trained_like(make_model(config=config, dimensions=dimensions))
    image = torch.randn(2, 1, *(24,) * dimensions)
    ready = prepare(network, CPU)
    with torch.inference_mode():
        expected, found = network(image), ready(image)
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()
    assert not any(isinstance(getattr(m, "norm", None), nn.modules.batchnorm._BatchNorm) for m in ready.modules())


@pytest.mark.parametrize("norm", ["instance", "group"])
def test_other_norms_are_left_alone(make_model, norm):
    network = make_model(config={"norm": norm}).network
    image = torch.randn(1, 1, 32, 32)
    with torch.inference_mode():
        expected, found = network(image), prepare(network, CPU)(image)
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()


def test_a_network_in_training_is_prepared_for_use_and_itself_untouched(make_model):
    network = trained_like(make_model()).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    ready = prepare(network, CPU)
    ready(torch.randn(4, 1, 32, 32))
    assert not any(module.training for module in ready.modules() if not isinstance(module, nn.Identity))
    assert not any(parameter.requires_grad for parameter in ready.parameters())
    assert all(module.training for module in network.modules())
    assert all(parameter.requires_grad for parameter in network.parameters())
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_folding_happens_in_place(make_model):
    network = make_model().network
    fold_batch_norms(network)
    assert isinstance(network.encoder[0][0].norm, nn.Identity)


def test_probabilities_are_the_softmax_of_the_logits(make_model):
    network = make_model(classes=("background", "a", "b")).network
    batch = torch.randn(3, 1, 20, 30)
    found = CPU(network, batch)
    with torch.inference_mode():
        logits = network(batch)
    torch.testing.assert_close(found, logits.exp() / logits.exp().sum(1, keepdim=True), atol=1e-5, rtol=1e-4)
    assert found.dtype == torch.float32


def test_what_follows_the_classes_is_handed_on_as_it_is():
    class Fixed(torch.nn.Module):
        def forward(self, batch):
            return torch.tensor([0.0, 1.0, -7.0, 30.0]).reshape(1, 4, 1, 1).expand(1, 4, *batch.shape[2:])

    execution = choose_execution("cpu")
    found = execution(Fixed(), torch.zeros(1, 1, 2, 2), 2)[0, :, 0, 0]
    share = 1 / (1 + math.exp(-1.0))
    torch.testing.assert_close(found, torch.tensor([1 - share, share, -7.0, 30.0]))


def test_half_precision_is_close_and_comes_back_as_float32(make_model):
    network = make_model().network
    batch = torch.randn(1, 1, 32, 32)
    lower = Execution(torch.device("cpu"), torch.bfloat16, 1)
    found = lower(prepare(network, lower), batch)
    assert found.dtype == torch.float32
    difference = (found - CPU(network, batch)).abs().max()
    assert 0 < difference < 0.05


def test_the_cpu_takes_one_tile_at_a_time_and_float32_whatever_it_multiplies(monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    chosen = choose_execution("cpu")
    assert (chosen.device, chosen.dtype, chosen.tile_batch) == (torch.device("cpu"), torch.float32, 1)
    assert choose_execution("cpu", tile_batch=3).tile_batch == 3


def test_a_precision_can_be_forced():
    for dtype in (torch.bfloat16, torch.float32):
        assert choose_execution("cpu", dtype=dtype).dtype == dtype


@pytest.mark.parametrize(("native", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_a_graphics_card_takes_bfloat16_where_it_multiplies_it(monkeypatch, native, dtype):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native and not including_emulation)
    monkeypatch.setattr(execution, "available_devices", lambda: ["cuda", "cpu"])
    assert choose_execution().dtype == dtype


def test_the_fastest_device_is_chosen_and_one_can_be_named(monkeypatch):
    assert available_devices()[-1] == "cpu"
    monkeypatch.setattr(execution, "available_devices", lambda: ["mps", "cpu"])
    assert choose_execution("auto").device.type == "mps"
    assert choose_execution("auto").tile_batch == 8
    assert choose_execution("cpu").device.type == "cpu"


def test_a_device_that_is_not_there_is_said_with_those_that_are(monkeypatch):
    monkeypatch.setattr(execution, "available_devices", lambda: ["mps", "cpu"])
    with pytest.raises(UserError, match="this machine has no device 'cuda'; choose from auto, mps, cpu"):
        choose_execution("cuda")


def test_threads_are_limited_inside_and_as_before_outside():
    torch.set_num_threads(2)
    with computing_threads(1) as count:
        assert count == torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    with pytest.raises(KeyError), computing_threads(1):
        raise KeyError
    assert torch.get_num_threads() == 2


def test_the_window_is_left_a_core():
    with computing_threads() as count:
        assert count == max(1, os.cpu_count() - 1)
