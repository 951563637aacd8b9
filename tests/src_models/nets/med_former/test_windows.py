"""Attention in windows, against loops over windows, Swin Transformer's own code, and itself by its other way."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from swin_golden import values, weights

from src_models.attention.recording import record_attention
from src_models.nets.med_former.windows import WindowAttention, attend
from src_models.nets.network import Foldable


def attention(channels=6, heads=2, window=3, *, shifted=False):
    torch.manual_seed(0)
    made = WindowAttention(channels, heads, window, shifted=shifted, name="window 1.1", level=1, stride=4).double()
    torch.nn.init.normal_(made.relative_position_bias_table)
    return made.eval()


def by_loops(made, x):
    """The equation, cell by cell: softmax over the cells of the same window of q k / sqrt(d) + B[displacement]."""
    images, height, width, channels = x.shape
    depth, side = channels // made.heads, made.window
    qkv = made.qkv(x).view(images, height, width, 3, made.heads, depth)
    down, right = (side // 2 if made.shifted and cells > side else 0 for cells in (height, width))
    mixed = torch.zeros_like(x).view(images, height, width, made.heads, depth)
    for y in range(height):
        for x_ in range(width):
            seen = [
                (v, u)
                for v in range(height)
                for u in range(width)
                if (height <= side or (v - down) // side == (y - down) // side)
                and (width <= side or (u - right) // side == (x_ - right) // side)
            ]
            rows = [(y - v + side - 1) * (2 * side - 1) + x_ - u + side - 1 for v, u in seen]
            keys = torch.stack([qkv[:, v, u, 1] for v, u in seen], dim=1)  # N, keys, heads, D
            taken = torch.stack([qkv[:, v, u, 2] for v, u in seen], dim=1)
            similarity = (keys * qkv[:, None, y, x_, 0]).sum(-1) / math.sqrt(depth)
            weight = torch.softmax(similarity + made.relative_position_bias_table[rows], dim=1)
            mixed[:, y, x_] = (weight[..., None] * taken).sum(1)
    return made.proj(mixed.flatten(3))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5), st.booleans(), st.integers(1, 3))
def test_it_is_the_equation_on_grids_of_any_size_with_gradients_and_without(height, width, window, shifted, images):
    made = attention(window=window, shifted=shifted)
    x = torch.rand(images, height, width, 6, dtype=torch.float64)
    with torch.no_grad():
        expected = by_loops(made, x)
        found = made(x)
    assert torch.allclose(found, expected, atol=1e-12)
    assert torch.allclose(made(x), expected, atol=1e-12)
    made.fold()
    with torch.inference_mode():
        assert torch.equal(made(x), made(x))
        assert torch.allclose(made(x), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("part", "window", "shifted"), [("w7", 7, False), ("sw7", 7, True), ("w2", 2, False), ("sw2", 2, True)]
)
def test_it_is_that_of_swin_transformer(shared, part, window, shifted):
    """Their layer is given windows that were cut without a shift, and the mask of those that are shifted."""
    made = attention(24, 3, window, shifted=shifted)
    own = {name.removeprefix("attn."): each for name, each in weights(shared, part).items() if name.startswith("attn.")}
    made.load_state_dict(own)
    x = values(shared, f"{part}.x").view(2, 14, 14, 24)
    cut = x.unflatten(1, (-1, window)).unflatten(3, (-1, window)).transpose(2, 3).reshape(2, -1, window**2, 24)
    expected = values(shared, f"{part}.attn_only").view_as(cut)
    with torch.no_grad():
        mixed = attend(made.qkv(cut).unflatten(-1, (3, 3, -1)), made.bias(made.lattice((14, 14))))
        found = made.proj(mixed)
    assert torch.allclose(found, expected, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.parametrize(("part", "window"), [("sw7", 7), ("sw2", 2)])
def test_windows_that_are_shifted_are_masked_as_in_swin_transformer(shared, part, window):
    made = attention(24, 3, window, shifted=True)
    with torch.no_grad():
        made.relative_position_bias_table.zero_()
    mask = weights(shared, part)["attn_mask"]  # windows, places, places; -100 between what does not see one another
    found = made.bias(made.lattice((14, 14)))
    assert torch.equal(torch.isinf(found[:, 0]), mask != 0)


@pytest.mark.parametrize("shifted", [False, True])
def test_a_grid_that_windows_do_not_divide_is_as_one_that_was_padded_by_hand(shifted):
    """By hand: the grid is made larger, and no key that was added is seen."""
    made = attention(window=4, shifted=shifted)
    x = torch.rand(2, 10, 7, 6, dtype=torch.float64)
    padded = F.pad(x, (0, 0, 0, 1, 0, 2), value=3.0)
    cells = torch.zeros(1, 12, 8, 1, dtype=torch.bool)
    cells[:, :10, :7] = True
    lattice = made.lattice((12, 8))
    hidden = ~lattice.to_windows(cells)[0, :, :, 0]  # windows, places
    qkv = lattice.to_windows(made.qkv(padded)).unflatten(-1, (3, 2, -1))
    query, key, value = qkv.permute(3, 0, 1, 4, 2, 5)
    similarity = query @ key.transpose(-2, -1) / math.sqrt(3) + made.bias(lattice)
    weight = torch.softmax(similarity.masked_fill(hidden[None, :, None, None], -1e9), dim=-1)
    expected = made.proj(lattice.from_windows((weight @ value).transpose(2, 3).flatten(3)))[:, :10, :7]
    assert torch.allclose(made(x), expected, atol=1e-12)


def test_windows_go_together_without_seeing_one_another():
    """12 windows of 4 places alone, by two, and by three."""
    torch.manual_seed(0)
    qkv = torch.rand(2, 6, 4, 3, 2, 5, dtype=torch.float64)
    bias = torch.rand(1, 2, 4, 4, dtype=torch.float64)
    alone = attend(qkv, bias)
    for group in (2, 3):
        apart = torch.arange(4 * group)[:, None] // 4 != torch.arange(4 * group) // 4
        mask = bias.repeat(1, 1, group, group).masked_fill(apart, -torch.inf)
        assert torch.allclose(attend(qkv, mask, group), alone, atol=1e-12)


def test_images_of_a_batch_have_the_same_mask_whether_it_is_repeated_or_not():
    torch.manual_seed(0)
    qkv, mask = torch.rand(3, 4, 9, 3, 2, 5), torch.rand(4, 2, 9, 9)
    assert torch.allclose(attend(qkv, mask), attend(qkv, mask.repeat(3, 1, 1, 1)), atol=1e-6)


@pytest.mark.parametrize("shifted", [False, True])
def test_what_is_recorded_is_what_was_done_and_changes_nothing(shifted):
    made = attention(window=4, shifted=shifted)
    x = torch.rand(2, 10, 7, 6, dtype=torch.float64)
    with torch.inference_mode():
        plain = made(x)
        with record_attention(torch.nn.Sequential(made)) as attentions:
            kept = []
            handle = made.matrix.register_forward_hook(lambda _module, _inputs, output: kept.append(output))
            assert torch.equal(made(x), plain)
            handle.remove()
        lattice = made.lattice((10, 7))
        values_ = lattice.to_windows(made.qkv(x)).unflatten(-1, (3, 2, -1))[..., 2, :, :].transpose(2, 3)
        again = made.proj(lattice.from_windows((kept[0] @ values_).transpose(2, 3).flatten(3)))
    assert torch.allclose(again, plain, atol=1e-12)
    assert torch.allclose(kept[0].sum(-1), torch.ones(()).double())
    assert torch.equal(made.weights(x).detach(), kept[0])
    del attentions


def test_what_each_cell_receives_is_counted_over_the_cells_that_see_it():
    made = attention(window=3, shifted=True)
    x = torch.rand(1, 5, 4, 6, dtype=torch.float64)
    kept = []
    made.received.register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    with torch.inference_mode():
        made(x)
        weight, lattice = made.weights(x).mean(2)[0], made.lattice((5, 4))
    tables = lattice.tables(x.device)
    expected = torch.zeros(20, dtype=torch.float64)
    for window, region in enumerate(tables.region):
        for query in range(lattice.places):
            for key in range(lattice.places):
                if region[query] >= 0 and region[key] >= 0:
                    cell = tables.cell.view(lattice.windows, -1)[window, key]
                    expected[cell] += weight[window, query, key]
    assert torch.allclose(kept[0].flatten(), expected, atol=1e-12)
    assert float(kept[0].mean()) == pytest.approx(1)


def test_gradients_are_those_of_the_equation():
    made = attention(window=2, shifted=True)
    x = torch.rand(1, 3, 5, 6, dtype=torch.float64)
    wanted = torch.autograd.grad(by_loops(made, x).square().sum(), list(made.parameters()))
    found = torch.autograd.grad(made(x).square().sum(), list(made.parameters()))
    assert all(torch.allclose(one, other, atol=1e-10) for one, other in zip(found, wanted, strict=True))


def test_once_it_only_predicts_masks_are_kept_until_an_image_of_another_size_comes():
    made = attention(shifted=True)
    assert isinstance(made, Foldable)
    made.fold()
    with torch.inference_mode():
        first = made(torch.ones(1, 7, 7, 6, dtype=torch.float64))
        torch.nn.init.normal_(made.relative_position_bias_table)
        assert torch.equal(made(torch.ones(1, 7, 7, 6, dtype=torch.float64)), first)
        made(torch.ones(2, 8, 8, 6, dtype=torch.float64))
    assert len(made._kept) == 1


def test_channels_that_heads_cannot_share_are_refused():
    with pytest.raises(ValueError, match="10 channels cannot be shared by 4 heads"):
        attention(10, 4)
