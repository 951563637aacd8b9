"""Which parts of a network can learn alone."""

from __future__ import annotations

import pytest
import torch

from src_models.errors import UserError
from src_models.finetuning.parts import learning_parts, parameters_of
from src_models.models.architectures import ARCHITECTURES


def network(make_model, architecture):
    torch.manual_seed(0)
    return make_model(architecture).network


def names(network, part):
    chosen = {id(parameter) for parameter in parameters_of(network, part)}
    return {name for name, parameter in network.named_parameters() if id(parameter) in chosen}


SEGMENTING = sorted(record.name for record in ARCHITECTURES if record.task == "segmentation")


@pytest.mark.parametrize("architecture", SEGMENTING)
def test_parts_are_nested_and_counted(make_model, architecture):
    net = network(make_model, architecture)
    parts = {part.name: part for part in learning_parts(net)}
    assert list(parts)[:2] == ["full", "decoder"]
    looking = ("attention-unet", "medt", "gated-axial-unet", "guided-attention")
    assert ("gates" in parts) == (architecture in looking)
    every = sum(parameter.numel() for parameter in net.parameters())
    assert parts["full"].parameters == every
    assert 0 < parts["decoder"].parameters < every
    for name, part in parts.items():
        chosen = parameters_of(net, name)
        assert len({id(parameter) for parameter in chosen}) == len(chosen), "none twice"
        assert part.parameters == sum(parameter.numel() for parameter in chosen)
        assert f": {part.parameters:,} of the {every:,} numbers" in part.detail
        assert not any(letter.isdigit() for letter in part.title + part.cost), "numbers are no biologist's words"


def test_what_comes_after_the_encoder_is_decoder(make_model):
    net = network(make_model, "attention-unet")
    encoder = {name for name, _ in net.named_parameters() if name.startswith("encoder.")}
    assert encoder
    assert names(net, "decoder") == {name for name, _ in net.named_parameters()} - encoder
    assert all(name.startswith(("gates.", "gating.")) for name in names(net, "gates"))
    assert names(net, "gates") < names(net, "decoder")


@pytest.mark.parametrize("architecture", ["logo", "medt", "axial-unet", "gated-axial-unet"])
def test_of_axial_networks_what_comes_after_the_encoder_is_decoder(make_model, architecture):
    net = network(make_model, architecture)
    decoder = names(net, "decoder")
    assert all("decoder" in name or name.startswith(("fuse", "head")) for name in decoder)
    rest = {name for name, _ in net.named_parameters()} - decoder
    assert not any("decoder" in name or name.startswith(("fuse", "head")) for name in rest)


@pytest.mark.parametrize("architecture", ["medt", "gated-axial-unet"])
def test_the_gates_of_axial_attention_are_its_four_scalars(make_model, architecture):
    net = network(make_model, architecture)
    found = names(net, "gates")
    assert {name.split(".")[-1] for name in found} == {"g_q", "g_k", "g_v1", "g_v2"}
    assert found == {name for name, _ in net.named_parameters() if ".g_" in name}


@pytest.mark.parametrize("architecture", ["unet", "axial-unet", "logo", "fcn"])
def test_networks_without_gates_say_what_they_have(make_model, architecture):
    with pytest.raises(UserError, match="this network has no gates that could learn; choose from: full, decoder"):
        parameters_of(network(make_model, architecture), "gates")
