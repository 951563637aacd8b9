"""Med-Former and its ablations as whole networks."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src_models.nets.architecture import ATTENTION, HEAD
from src_models.nets.med_former.network import MedFormer
from src_models.nets.med_former.windows import WindowAttention

# The rows of the paper's ablation.
ABLATIONS = {
    "Swin": {"local": False, "fusion": "none"},
    "Swin + Concat": {"local": False, "fusion": "concat"},
    "Swin + SAF": {"local": False, "fusion": "saf"},
    "LGT": {"local": True, "fusion": "none"},
    "LGT + Concat": {"local": True, "fusion": "concat"},
    "LGT + SAF": {"local": True, "fusion": "saf"},
}
SMALL = {"width": 8, "head_channels": 4, "stages": 2, "windows": [3, 2], "patch": 2}


def made(**config):
    torch.manual_seed(0)
    return MedFormer(**{"classes": 5, **SMALL, **config}).double().eval()


def noise(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("row", ABLATIONS)
def test_each_row_of_the_ablation_is_its_parts_in_their_order(row):
    network, image = made(**ABLATIONS[row]), noise(2, 3, 21, 26)
    local, fusion = ABLATIONS[row]["local"], ABLATIONS[row]["fusion"]
    x = network.embedding(image)
    grids = [x.shape[1:3]]
    for number, stage in enumerate(network.stages):
        before = x
        assert (stage.merging is None) == (number == 0)
        x = x if stage.merging is None else stage.merging(x)
        for block in stage.blocks:
            assert len(block.attentions) == (2 if local else 1)
            x = block(x)
        if number and fusion != "none":
            x = stage.fusion(before, x)
        else:
            assert stage.fusion is None
        grids.append(x.shape[1:3])
    assert grids == [(11, 13), (11, 13), (6, 7), (3, 4)]
    expected = network.head(torch.nn.functional.layer_norm(x, (32,)).mean((1, 2)))
    assert torch.allclose(network(image), expected, atol=1e-12)


def test_every_second_block_has_shifted_windows():
    network = made(depths=[3, 2], stages=None)
    shifted = [[block.large.shifted for block in stage.blocks] for stage in network.stages]
    assert shifted == [[False, True, False], [False, True]]


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.sampled_from(sorted(ABLATIONS)))
def test_images_of_any_size_are_taken_with_gradients_and_without_alike(height, width, row):
    network, image = made(**ABLATIONS[row]), noise(2, 3, height, width)
    with torch.inference_mode():
        alone = torch.cat([network(each[None]) for each in image])
    logits = network(image)
    assert torch.isfinite(logits).all()
    assert torch.allclose(logits, alone, atol=1e-10)


def test_an_image_of_one_channel_is_taken_and_of_another_number_refused():
    assert made(in_channels=1)(noise(1, 1, 9, 9)).shape == (1, 5)
    with pytest.raises(ValueError, match="the network takes 3 channels, the image has 2"):
        made()(noise(1, 2, 9, 9))


def test_every_parameter_learns():
    network = made().train()
    network(noise(4, 3, 24, 24)).square().sum().backward()
    assert [name for name, parameter in network.named_parameters() if not parameter.grad.abs().sum() > 0] == []


def test_what_is_deepest_is_what_is_averaged_before_the_head():
    network, kept = made(), []
    network.deepest().register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    logits = network(noise(2, 3, 24, 32))
    assert kept[0].shape == (2, 32, 3, 4)
    assert torch.allclose(network.head(kept[0].mean((2, 3))), logits)


def test_what_decides_where_is_looked_can_learn_alone_and_so_can_the_head():
    network = made()
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    parts = {part: {names[id(parameter)] for parameter in each} for part, each in network.learnable().items()}
    assert parts[HEAD] == {"head.weight", "head.bias"}
    inside = {name for name, module in network.named_modules() if isinstance(module, WindowAttention)}
    windows = {
        name for name in names.values() if name.rsplit(".", 1)[0].removesuffix(".qkv").removesuffix(".proj") in inside
    }
    assert parts[ATTENTION] == windows | {name for name in names.values() if ".fusion." in name}


def test_a_new_head_has_its_classes_and_nothing_else_changes():
    network, image = made(), noise(2, 3, 12, 12)
    kept = []
    network.deepest().register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    network(image)
    parameters = network.double().new_head(7)
    assert {id(parameter) for parameter in parameters} == {id(parameter) for parameter in network.head.parameters()}
    assert network.double()(image).shape == (2, 7)
    assert torch.equal(kept[0], kept[1])


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"dimensions": 3}, "dimensions 3 must be 2"),
        ({"combine": "product"}, "combine 'product' is not one of sum, mean"),
        ({"fusion": "add"}, "fusion 'add' is not one of saf, concat, none"),
        ({"drop_path": 1.0}, "drop_path 1.0 must be at least 0 and below 1"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(config, words):
    with pytest.raises(ValueError, match=words):
        made(**config)
