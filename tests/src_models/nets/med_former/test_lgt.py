"""Blocks of two windows, and merging, against their equations and Swin Transformer's own code."""

import pytest
import torch
from swin_golden import values, weights

from src_models.nets.med_former.lgt import LocalGlobalBlock, PatchMerging


@pytest.mark.parametrize(
    ("part", "window", "shifted"), [("w7", 7, False), ("sw7", 7, True), ("w2", 2, False), ("sw2", 2, True)]
)
@pytest.mark.parametrize("gradients", [False, True])
def test_with_large_windows_alone_it_is_the_block_of_swin_transformer(shared, part, window, shifted, gradients):
    block = LocalGlobalBlock(24, 3, window, shifted=shifted).double().eval()
    own = weights(shared, part)
    own.pop("attn_mask", None)
    block.load_state_dict({name.replace("attn.", "large."): each for name, each in own.items()})
    x, expected = (values(shared, f"{part}.{end}").view(2, 14, 14, 24) for end in "xy")
    with torch.set_grad_enabled(gradients):
        found = block(x)
    assert torch.allclose(found, expected, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.parametrize(("combine", "share"), [("sum", 1.0), ("mean", 0.5)])
def test_what_both_windows_find_is_added_or_averaged(combine, share):
    torch.manual_seed(0)
    block = LocalGlobalBlock(8, 2, 4, 2, shifted=True, combine=combine).double().eval()
    x = torch.rand(2, 5, 7, 8, dtype=torch.float64)
    normed = block.norm1(x)
    after = x + share * (block.large(normed) + block.small(normed))
    assert torch.allclose(block(x), after + block.mlp(block.norm2(after)), atol=1e-12)
    assert [each.window for each in block.attentions] == [4, 2]
    assert all(each.shifted for each in block.attentions)


def test_merging_is_that_of_swin_transformer(shared):
    merging = PatchMerging(24).double()
    merging.load_state_dict(weights(shared, "merge"))
    expected = values(shared, "merge.y").view(2, 7, 7, 48)
    found = merging(values(shared, "merge.x").view(2, 14, 14, 24))
    assert torch.allclose(found, expected, atol=1e-5 * float(expected.abs().max()))


def test_where_a_grid_is_odd_its_last_row_and_column_count_twice():
    torch.manual_seed(0)
    merging = PatchMerging(4).double()
    x = torch.rand(1, 5, 3, 4, dtype=torch.float64)
    by_hand = x[:, [0, 1, 2, 3, 4, 4]][:, :, [0, 1, 2, 2]]
    assert torch.equal(merging(x), merging(by_hand))
    assert merging(x).shape == (1, 3, 2, 8)
