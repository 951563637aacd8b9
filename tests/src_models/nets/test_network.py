"""What a network tells of itself."""

import pytest
import torch
from torch import nn

from src_models.models.architectures import ARCHITECTURES, create, find_architecture
from src_models.nets.architecture import HEAD
from src_models.nets.axial.attention import AxialAttention, axial_blocks
from src_models.nets.classifier import Classifier
from src_models.nets.guided.attention import position_blocks
from src_models.nets.network import Foldable, Network, SupervisedNetwork, stride_of
from src_models.nets.tap import AttentionTap

NETWORKS = {
    "attention-unet": {"widths": [2, 4, 4, 4]},
    "unet": {"widths": [2, 4, 4, 4]},
    "fcn": {"widths": [2, 4, 4]},
    **{name: {"image_size": 64} for name in ("medt", "logo", "gated-axial-unet", "axial-unet")},
    "guided-attention": {"width": 4},
}
# Those that say what a whole image shows, and the cell (px) of their deepest features.
CLASSIFIERS = {
    "med-former": ({"width": 8, "head_channels": 4}, 32),
    "swin": ({"width": 8, "head_channels": 4}, 32),
    "vit": ({"width": 8, "heads": 2, "depth": 2, "image_size": 64}, 8),
    "resnet18": ({"classes": 2}, 32),
    "efficientnet-lite0": ({"classes": 2}, 32),
}
NAME = pytest.mark.parametrize("name", NETWORKS)
CLASSIFIER = pytest.mark.parametrize("name", CLASSIFIERS)


def made(name):
    torch.manual_seed(0)
    config = CLASSIFIERS[name][0] if name in CLASSIFIERS else NETWORKS[name]
    return create(name, in_channels=1, **config).eval()


def test_every_architecture_is_looked_at():
    assert len({record.name for record in ARCHITECTURES}) == len(ARCHITECTURES), "none twice"
    tasks = {record.name: record.task for record in ARCHITECTURES}
    expected = {**dict.fromkeys(NETWORKS, "segmentation"), **dict.fromkeys(CLASSIFIERS, "classification")}
    assert tasks == expected


@CLASSIFIER
def test_what_is_deepest_in_a_network_that_classifies_is_averaged_before_its_head(name):
    network, kept = made(name), []
    assert isinstance(network, Classifier)
    network.deepest().register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    with torch.inference_mode():
        logits = network(torch.rand(2, 1, 64, 96))
    cell = CLASSIFIERS[name][1]
    assert (*kept[0].shape[:1], *kept[0].shape[2:]) == (2, 64 // cell, 96 // cell)
    head = list(network.learnable()[HEAD])
    torch.testing.assert_close(kept[0].mean((2, 3)) @ head[0].T + head[1], logits)
    taps = [module for module in network.modules() if isinstance(module, AttentionTap)]
    assert all(network.stride % tap.stride == 0 for tap in taps)


@CLASSIFIER
def test_a_new_head_of_a_network_that_classifies_has_its_classes(name):
    network = made(name)
    network.new_head(7)
    assert network(torch.rand(1, 1, 40, 32)).shape == (1, 7)


@NAME
def test_an_image_that_is_moved_by_the_stride_is_seen_alike_in_every_map(name):
    """So that the cells of all maps lie in the same places in every tile: the stride is a multiple of each map's."""
    network = made(name)
    taps = [module for module in network.modules() if isinstance(module, AttentionTap)]
    assert all(stride_of(network) % tap.stride == 0 for tap in taps if tap.kind != "axial attention")
    assert stride_of(network) == network.stride == {"guided-attention": 32}.get(name, 8)


@NAME
def test_what_is_deepest_is_on_the_coarsest_grid_that_a_result_still_comes_from(name):
    """Of one branch, it is the last of the encoder; MedT's local branch does not see the image whole."""
    network, kept = made(name), []
    network.deepest().register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    network(torch.rand(2, 1, 64, 64))
    (features,) = kept
    cells = {"unet": 8, "attention-unet": 8, "fcn": 8, "medt": 4, "logo": 4, "guided-attention": 32}
    cell = cells.get(name, 16)
    assert (len(features), *features.shape[2:]) == (2, 64 // cell, 64 // cell)
    encoder = {id(parameter) for parameter in network.deepest().parameters()}
    decoder = next(iter(network.learnable().values()))
    assert encoder
    assert not encoder & {id(parameter) for parameter in decoder}


@NAME
def test_the_finest_head_makes_the_logits_of_the_finest_features(name):
    network, kept = made(name), []
    head = network.finest_head()
    head.register_forward_pre_hook(lambda _module, inputs: kept.append(inputs[0]))
    logits = network(torch.rand(2, 1, 64, 64))
    cell = {"guided-attention": 4, "fcn": 2}.get(name, 1)
    (features,) = kept
    assert (len(features), *features.shape[2:]) == (2, 64 // cell, 64 // cell)
    assert head(features).shape[1] == logits.shape[1]
    new = {id(parameter) for parameter in network.new_head(3)}
    assert {id(parameter) for parameter in network.finest_head().parameters()} <= new


@NAME
def test_what_learns_late_are_the_gates_of_axial_attention(name):
    network = made(name)
    gates = {id(parameter) for key, parameter in network.named_parameters() if key.split(".")[-1].startswith("g_")}
    assert {id(parameter) for parameter in network.late()} == gates
    assert bool(gates) == (name in ("medt", "gated-axial-unet"))


def test_a_network_that_says_nothing_has_no_parts_and_begins_tiles_anywhere():
    network = Network()
    assert (stride_of(network), dict(network.learnable()), network.late()) == (1, {}, [])
    for asked in (network.deepest, network.finest_head):
        with pytest.raises(NotImplementedError):
            asked()


def test_a_plain_module_may_have_a_stride():
    module = nn.Identity()
    assert stride_of(module) == 1
    module.stride = 4
    assert stride_of(module) == 4


def test_layers_of_axial_attention_can_be_folded_and_convolutions_are_folded_with_their_norms():
    assert isinstance(AxialAttention(16, "height", length=4), Foldable)
    assert not isinstance(nn.Conv2d(1, 1, 1), Foldable)
    assert not isinstance(nn.Unfold(2), Foldable)


@NAME
def test_blocks_are_found_by_the_name_that_their_maps_begin_with(name):
    network = made(name)
    taps = [m.name for m in network.modules() if isinstance(m, AttentionTap) and m.name.endswith(" received")]
    blocks = [*axial_blocks(network), *position_blocks(network)]
    assert sorted(f"{block} received" for block in blocks) == sorted(taps)
    assert sorted(blocks) == sorted(find_architecture(name).blocks(NETWORKS[name]))


def test_a_network_that_is_supervised_by_more_says_so_when_it_is_asked():
    networks = {name: made(name) for name in NETWORKS}
    assert [name for name, each in networks.items() if isinstance(each, SupervisedNetwork)] == ["guided-attention"]
    image = torch.rand(1, 1, 64, 64)
    with torch.inference_mode():
        assert isinstance(networks["guided-attention"](image), torch.Tensor)
        found = networks["guided-attention"](image, supervised=True)
    assert {logits.shape for logits in found.predictions} == {(1, 2, 64, 64)}
    assert found.penalty.shape == ()
    with pytest.raises(NotImplementedError):
        SupervisedNetwork()(image)
