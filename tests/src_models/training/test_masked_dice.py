"""Dice scores over the pixels that count."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src_models.labels.metrics import dice
from src_models.training.masked_dice import dice_counts, mean_dice
from src_models.training.masked_loss import IGNORED


def example(seed, shape=(2, 7, 9), classes=4):
    generator = torch.Generator().manual_seed(seed)
    return (torch.randint(0, classes, shape, generator=generator) for _ in range(2))


@given(st.integers(0, 10_000))
def test_over_what_counts_it_is_the_dice_of_that_part_alone(seed):
    found, targets = example(seed)
    ignored = torch.rand(targets.shape, generator=torch.Generator().manual_seed(seed)) < 0.5
    counts = dice_counts(found, torch.where(ignored, IGNORED, targets), 4)
    expected = dice(found[~ignored].numpy(), targets[~ignored].numpy(), classes=4)
    np.testing.assert_allclose(counts[0] / counts[1], expected, rtol=1e-6)
    assert mean_dice(counts, empty=0.0) == pytest.approx(np.nanmean(expected[1:]))


def test_counts_of_two_images_add_up_to_those_of_both():
    one, other = (dice_counts(*example(seed), 4) for seed in (0, 1))
    both = dice_counts(*(torch.cat(pair) for pair in zip(example(0), example(1), strict=True)), 4)
    torch.testing.assert_close(one + other, both)


def test_a_class_that_is_nowhere_has_no_part_in_the_mean():
    targets = torch.tensor([0, 1, 1, 0])
    counts = dice_counts(torch.tensor([0, 1, 0, 0]), targets, 3)
    assert mean_dice(counts, empty=0.0) == pytest.approx(2 / 3)
    invented = dice_counts(torch.tensor([2, 1, 0, 0]), targets, 3)
    assert mean_dice(invented, empty=0.0) == pytest.approx((2 / 3 + 0) / 2)


@pytest.mark.parametrize("empty", [0.0, 1.0])
def test_where_there_is_only_background_it_is_what_is_said(empty):
    nothing = torch.zeros(5, dtype=torch.int64)
    assert mean_dice(dice_counts(nothing, nothing, 3), empty=empty) == empty
    assert mean_dice(dice_counts(nothing + 1, nothing + IGNORED, 3), empty=empty) == empty
