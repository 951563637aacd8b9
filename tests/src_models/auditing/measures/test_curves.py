"""Deletion and insertion, on a result whose dependence on the image is known."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src_models.auditing.measures.cells import cell_means, to_pixels
from src_models.auditing.measures.curves import blurred, compare_orders, gradient_size, ranking, survival

SIZE, PART = 64, 16  # a quarter of a quarter: 4 of the 64 blocks
FRACTIONS = (0.0, *(k / 64 for k in range(1, 5)), 1.0)


def checks():
    """A checkerboard, of which a blur leaves nothing."""
    return torch.from_numpy(np.indices((SIZE, SIZE)).sum(0) % 2 * 2.0 - 1)[None].float()


def seen_in_a_corner(batch):
    """A result that depends on the contrast in the top left corner alone."""
    found = torch.zeros_like(batch[:, 0])
    found[:, :PART, :PART] = batch[:, 0, :PART, :PART].abs()
    return found


def corner():
    marked = np.zeros((SIZE, SIZE), np.float32)
    marked[:PART, :PART] = 1
    return marked


def finish(steps):
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


def test_survival_is_the_dice_of_probabilities():
    q = torch.tensor([[1.0, 1.0, 0.0, 0.0]])
    found = torch.tensor([[[1.0, 1, 0, 0]], [[1, 0, 0, 0]], [[0, 0, 0, 0]], [[1, 1, 1, 1]], [[0.5, 0.5, 0, 0]]])
    wanted = [1, 2 / 3, 0, 2 * 2 / (4 + 2), 2 * 1 / (0.5 + 2)]
    assert survival(found, q).tolist() == pytest.approx(wanted)


def test_a_true_map_has_the_areas_that_the_formula_gives_and_an_inverted_one_loses():
    maps = {"true": corner(), "inverted": 1 - corner()}
    random, (true, inverted), floor = finish(compare_orders(seen_in_a_corner, checks(), maps, fractions=FRACTIONS))
    kept = [2 * n / (n + 4) for n in (4, 3, 2, 1, 0, 0)]  # n of the corner's 4 blocks are left
    shown = [2 * n / (n + 4) for n in (0, 1, 2, 3, 4, 4)]
    assert floor == pytest.approx(0, abs=0.01)
    assert true.deletion.scores == pytest.approx(kept, abs=0.01)
    assert true.insertion.scores == pytest.approx(shown, abs=0.01)
    steps = np.diff(FRACTIONS)
    assert true.deletion.area == pytest.approx(np.dot(steps, (np.add(kept[1:], kept[:-1])) / 2), abs=0.01)
    assert true.insertion.area == pytest.approx(np.dot(steps, (np.add(shown[1:], shown[:-1])) / 2), abs=0.01)
    assert inverted.deletion.scores[:-1] == pytest.approx([1] * 5)
    assert inverted.insertion.scores[:-1] == pytest.approx([0] * 5, abs=0.01)
    for order in (true, inverted):
        assert order.deletion_gain.mean == pytest.approx(random.deletion.area - order.deletion.area)
        assert order.insertion_gain.mean == pytest.approx(order.insertion.area - random.insertion.area)
    assert true.deletion_gain.mean > 0 > inverted.deletion_gain.mean
    assert true.insertion_gain.mean > 0 > inverted.insertion_gain.mean


def test_marking_the_half_that_counts_is_clearly_better_than_chance_and_the_other_half_clearly_worse():
    def left_half(batch):
        return batch[:, 0].abs() * (torch.arange(SIZE) < SIZE // 2)

    left = np.tile((np.arange(SIZE, dtype=np.float32) < SIZE // 2), (SIZE, 1)).astype(np.float32)
    _, (true, wrong), _ = finish(compare_orders(left_half, checks(), {"left": left, "right": 1 - left}))
    for order, verdict in ((true, 1), (wrong, -1)):
        assert (order.deletion_gain.verdict, order.insertion_gain.verdict) == (verdict, verdict)


def test_a_map_that_knows_nothing_is_not_told_from_chance():
    noise = np.random.default_rng(5).random((SIZE, SIZE), np.float32)
    everywhere = finish(compare_orders(lambda x: x[:, 0].abs(), checks(), {"noise": noise}, random_orders=4))
    assert everywhere[1][0].deletion_gain.verdict == 0
    # of a result that lies everywhere alike, a share s removed leaves 2 (1 - s) / (2 - s)
    for fraction, score in zip(everywhere[0].deletion.fractions, everywhere[0].deletion.scores, strict=True):
        assert score == pytest.approx(2 * (1 - fraction) / (2 - fraction), abs=0.03)


def test_equal_seeds_give_equal_curves_and_others_do_not():
    runs = [finish(compare_orders(seen_in_a_corner, checks(), {}, seed=seed))[0] for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_a_blur_leaves_the_mean_and_no_detail():
    picture = (
        torch.rand(2, 40, 60, generator=torch.Generator().manual_seed(0)) + torch.tensor([1.0, 5.0])[:, None, None]
    )
    smooth = blurred(picture)
    torch.testing.assert_close(smooth.mean((1, 2)), picture.mean((1, 2)), atol=0.02, rtol=0)
    assert (smooth.std((1, 2)) < 0.1 * picture.std((1, 2))).all()


def test_the_gradient_is_that_of_the_formula_inside_the_mask_alone():
    weights = torch.rand(1, 2, 6, 7, generator=torch.Generator().manual_seed(1)) - 0.5
    picture = torch.rand(2, 6, 7, generator=torch.Generator().manual_seed(2))
    mask = torch.zeros(6, 7, dtype=torch.bool)
    mask[1:4, 2:5] = True

    def network(x):
        found = (x * weights).sum(1, keepdim=True)
        return torch.cat([torch.zeros_like(found), found], 1)

    f = torch.sigmoid((picture * weights[0]).sum(0))
    wanted = torch.where(mask, f * (1 - f) * weights[0].abs().sum(0), 0)
    np.testing.assert_allclose(gradient_size(network, picture, mask, 2), wanted.numpy(), atol=1e-6)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.integers(0, 9))
def test_a_ranking_names_everything_once_the_largest_first(values, seed):
    values = np.array(values, float)
    order = ranking(values, np.random.default_rng(seed))
    assert sorted(order) == list(range(values.size))
    assert (np.diff(values[order]) <= 0).all()


def test_equal_values_are_ranked_at_random():
    firsts = {int(ranking(np.zeros(4), np.random.default_rng(seed))[0]) for seed in range(40)}
    assert firsts == {0, 1, 2, 3}


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 9), st.integers(0, 9))
def test_cell_means_are_those_of_the_pixels_they_cover(height, width, size, seed):
    values = np.random.default_rng(seed).random((height, width))
    means = cell_means(values, size)
    for row in range(-(-height // size)):
        for column in range(-(-width // size)):
            part = values[row * size : (row + 1) * size, column * size : (column + 1) * size]
            assert means[row, column] == pytest.approx(part.mean())
    np.testing.assert_allclose(cell_means(to_pixels(means, size, values.shape), size), means)
