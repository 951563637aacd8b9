"""Vision Transformer, against its equations and torch's own layer."""

import pytest
import torch
from torch import nn

from src_models.attention.recording import record_attention
from src_models.nets.architecture import ATTENTION, HEAD
from src_models.nets.vit.network import TokenAttention, VisionTransformer

SMALL = {"classes": 5, "image_size": 12, "patch": 4, "width": 8, "depth": 2, "heads": 2}
POOL = pytest.mark.parametrize("pool", ["average", "token"])


def made(**config):
    torch.manual_seed(0)
    return VisionTransformer(**{**SMALL, **config}).double().eval()


def noise(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_attention_is_torchs_own():
    torch.manual_seed(0)
    attention = TokenAttention(8, 2, name="layer 1", stride=4, first=0).double()
    theirs = nn.MultiheadAttention(8, 2, batch_first=True).double()
    theirs.load_state_dict(
        {
            "in_proj_weight": attention.qkv.weight,
            "in_proj_bias": attention.qkv.bias,
            "out_proj.weight": attention.proj.weight,
            "out_proj.bias": attention.proj.bias,
        }
    )
    x = noise(3, 12, 8)
    expected, weights = theirs(x, x, x, average_attn_weights=False)
    assert torch.allclose(attention(x, (3, 4)), expected, atol=1e-12)
    kept = []
    for tap in (attention.matrix, attention.received):
        tap.register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    assert torch.allclose(attention(x, (3, 4)), expected, atol=1e-12)
    assert torch.allclose(kept[0], weights, atol=1e-12)
    assert torch.allclose(kept[1], weights.mean(1).sum(1).view(3, 1, 3, 4), atol=1e-12)


@POOL
def test_it_is_blocks_of_norm_attention_norm_and_mlp_with_sums_around(pool):
    network, image = made(pool=pool), noise(2, 3, 12, 12)
    tokens = (network.embedding(image) + network.positions).flatten(1, 2)
    if pool == "token":
        tokens = torch.cat([network.token.expand(2, 1, 8), tokens], dim=1)
    for block in network.blocks:
        tokens = tokens + block.attention(block.norm1(tokens), (3, 3))
        tokens = tokens + block.mlp(block.norm2(tokens))
    normed = nn.functional.layer_norm(tokens, (8,))
    expected = network.head(normed[:, 0] if pool == "token" else normed.mean(1))
    assert torch.allclose(network(image), expected, atol=1e-12)


@POOL
@pytest.mark.parametrize("size", [(1, 1), (12, 12), (13, 30)])
def test_images_of_any_size_are_taken_and_recording_changes_nothing(pool, size):
    network, image = made(pool=pool), noise(2, 3, *size)
    with torch.inference_mode():
        logits = network(image)
        with record_attention(network) as attention:
            assert torch.equal(network(image), logits)
    assert torch.isfinite(logits).all()
    grid = tuple(-(-side // 4) for side in size)
    for each in attention:
        if each.name.endswith("matrix"):
            assert torch.allclose(each.tensor.sum(-1), torch.ones(()).double())
        else:
            assert each.shape == (2, 1, *grid)


def test_positions_of_another_grid_lie_between_those_that_were_learnt():
    network = made()
    with torch.no_grad():
        network.positions.copy_(torch.linspace(-1, 1, 3, dtype=torch.float64)[:, None, None].expand(3, 3, 8))
    found = network._positions((9, 5))
    assert found.shape == (1, 9, 5, 8)
    assert torch.allclose(found[0, 4], torch.zeros(5, 8).double(), atol=1e-12), "the middle stays in the middle"
    rows = found[0, :, 2, 0]
    assert torch.all(rows.diff() >= -0.02)
    assert torch.allclose(rows, -rows.flip(0), atol=1e-12)


def test_parts_and_the_head_are_told():
    network = made()
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    parts = {part: {names[id(parameter)] for parameter in each} for part, each in network.learnable().items()}
    assert parts[HEAD] == {"head.weight", "head.bias"}
    assert parts[ATTENTION] == {name for name in names.values() if ".attention." in name}
    kept = []
    network.deepest().register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    logits = network(noise(2, 3, 12, 8))
    assert kept[0].shape == (2, 8, 3, 2)
    assert torch.allclose(network.head(kept[0].mean((2, 3))), logits)
    assert len(network.new_head(3)) == 2
    assert network.double()(noise(1, 3, 8, 8)).shape == (1, 3)


def test_every_parameter_learns():
    network = made(pool="token").train()
    network(noise(4, 3, 12, 12)).square().sum().backward()
    assert [name for name, parameter in network.named_parameters() if not parameter.grad.abs().sum() > 0] == []


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"dimensions": 3}, "dimensions 3 must be 2"),
        ({"size": "huge"}, "size 'huge' is not one of small, paper"),
        ({"pool": "max"}, "pool 'max' is not one of average, token"),
        ({"image_size": 0}, "image_size 0 must be at least 1"),
        ({"heads": 3}, "8 channels cannot be shared by 3 heads"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(config, words):
    with pytest.raises(ValueError, match=words):
        made(**config)
