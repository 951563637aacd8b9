"""Fusion of stages, against its equation."""

import pytest
import torch

from src_models.nets.med_former.fusion import StageFusion


def fusion(name):
    torch.manual_seed(0)
    return StageFusion(6, name, name="2", level=2, stride=8).double()


def brought_down(before):
    """The mean of the cells that fall together, cell by cell; at odd far ends there are fewer."""
    _, height, width, _ = before.shape
    rows = [
        torch.stack([before[:, y : y + 2, x : x + 2].mean((1, 2)) for x in range(0, width, 2)], dim=1)
        for y in range(0, height, 2)
    ]
    return torch.stack(rows, dim=1)


@pytest.mark.parametrize("grid", [(6, 4), (5, 7)])
def test_each_place_is_weighed_by_what_its_neighbourhood_says_in_mean_and_maximum(grid):
    made = fusion("saf")
    before = torch.rand(2, *grid, 3, dtype=torch.float64)
    now = torch.rand(2, *(-(-cells // 2) for cells in grid), 6, dtype=torch.float64)
    kept = {}
    for which in ("earlier", "later"):
        tap = getattr(made, which).tap
        tap.register_forward_hook(lambda module, _inputs, output: kept.__setitem__(module.name, output))
    found = made(before, now)
    expected = torch.zeros_like(now)
    for which, each in (("earlier", made.reduce(brought_down(before))), ("later", now)):
        conv = getattr(made, which).attention
        padded = torch.zeros(2, now.shape[1] + 6, now.shape[2] + 6, 2, dtype=torch.float64)
        padded[:, 3:-3, 3:-3, 0], padded[:, 3:-3, 3:-3, 1] = each.mean(-1), each.max(-1).values
        for y in range(now.shape[1]):
            for x in range(now.shape[2]):
                around = padded[:, y : y + 7, x : x + 7].permute(0, 3, 1, 2)
                weight = torch.sigmoid((around * conv.weight[0]).sum((1, 2, 3)) + conv.bias)
                expected[:, y, x] += weight[:, None] * each[:, y, x]
                assert torch.allclose(kept[f"fusion 2 {which}"][:, 0, y, x], weight)
    assert torch.allclose(found, expected, atol=1e-12)


def test_concatenation_is_a_linear_map_of_both_beside_each_other():
    made = fusion("concat")
    before, now = torch.rand(2, 5, 4, 3, dtype=torch.float64), torch.rand(2, 3, 2, 6, dtype=torch.float64)
    both = torch.cat([brought_down(before), now], dim=-1)
    weight = torch.cat([made.earlier.weight, made.later.weight], dim=1)
    assert torch.allclose(made(before, now), both @ weight.T + made.earlier.bias, atol=1e-12)


def test_another_fusion_is_refused():
    with pytest.raises(ValueError, match="fusion 'add' is not one of saf, concat, none"):
        fusion("add")
