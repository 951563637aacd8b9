"""How an object is looked for in a box, and how large it is taken to be."""

import numpy as np
import pytest

from src_models.clicking.answering.answer import Answer
from src_models.clicking.answering.crop import Crop, crop_around
from src_models.clicking.answering.filling import NEARER, UNUSUAL, filling, squares_of
from src_models.clicking.prompts import Box

SHAPE = (64, 64)


def fading():
    """An answer whose probability falls with the distance from (32, 32): at r px it is 1 - r / 40."""
    rows, columns = np.mgrid[:64, :64]
    grid = np.clip(1 - np.hypot(rows - 32, columns - 32) / 40, 0.01, 0.99).astype(np.float32)
    return Answer(
        Crop(0, 0, 64), (slice(0, 64), slice(0, 64)), grid, np.zeros((3, 64, 64), np.float32), grid > 0.5, SHAPE
    )


@pytest.mark.parametrize(("radius", "threshold"), [(12, 0.7), (20, 0.5), (28, 0.3)])
def test_the_threshold_is_that_at_which_the_object_fills_the_box(radius, threshold):
    box = Box(32 - radius - 0.5, 32 - radius - 0.5, 32 + radius + 0.5, 32 + radius + 0.5)
    found = filling(fading(), box)
    assert found.threshold == pytest.approx(threshold)
    rows = np.flatnonzero(found.mask.any(1))
    assert abs(rows[0] - (32 - radius)) <= 1
    assert abs(rows[-1] - (32 + radius)) <= 1


def test_of_thresholds_that_fill_it_alike_the_usual_one_counts():
    plain = fading()
    sharp = np.where(plain.grid > 0.5, 0.99, 0.01).astype(np.float32)
    answer = Answer(plain.crop, plain.region, sharp, plain.given, sharp > 0.5, SHAPE)
    assert filling(answer, Box(11.5, 11.5, 52.5, 52.5)).threshold == 0.5
    assert UNUSUAL > 0


def test_both_squares_have_the_middle_of_the_box_and_the_nearer_one_holds_it_too():
    box = Box(10.0, 20.0, 40.0, 36.0)
    (far, near), middle = squares_of(box, crop_around([box], None))
    assert (middle.y, middle.x, middle.positive) == (25.0, 28.0, True)
    assert near.side == pytest.approx(NEARER * far.side, abs=1)
    for crop in (far, near):
        assert crop.top + (crop.side - 1) / 2 == pytest.approx(25, abs=1)
        assert crop.top <= box.top
        assert crop.top + crop.side >= box.bottom
