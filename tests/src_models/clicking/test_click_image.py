"""An image made ready for clicks: each plane is answered for itself, whatever the order of its axes."""

from __future__ import annotations

import numpy as np
import pytest

from src_models.clicking.click_image import ClickImage
from src_models.clicking.prompts import Click
from src_models.errors import UserError
from src_models.models.header import Intensity

ROWS, COLUMNS = np.mgrid[:60, :70]


def disc(radius):
    return (radius**2 >= (ROWS - 30) ** 2 + (COLUMNS - 35) ** 2).astype(np.float32)


def found(image, plane):
    answer = image.answers(plane).next((Click(30.0, 35.0),), None)
    whole = np.zeros(image.shape, bool)
    whole[answer.region] = answer.mask
    return whole


def iou(one, other):
    return (one & other).sum() / (one | other).sum()


@pytest.mark.parametrize("axes", ["TZYX", "TZCYX", "TZYXC"])
def test_planes_are_told_apart_by_their_places_along_the_leading_axes(bright, axes):
    radii = np.arange(8, 20, 2).reshape(2, 3)
    stack = np.stack([np.stack([disc(radius) for radius in row]) for row in radii])
    if "C" in axes:
        stack = np.stack([stack] * 3, axes.index("C"))
    image = ClickImage(stack, bright, axes=axes)
    assert (image.shape, image.leading_shape, image.first, image.depth) == ((60, 70), (2, 3), (0, 0), 3)
    for plane in np.ndindex(2, 3):
        assert iou(found(image, plane), disc(radii[plane]) > 0) > 0.9
        assert image.answers(plane) is image.answers(plane)


@pytest.mark.parametrize("plane", [(), (3,), (-1,), (0, 0)])
def test_a_plane_that_there_is_not_is_named(bright, plane):
    image = ClickImage(np.zeros((3, 60, 70), np.float32), bright, axes="ZYX", name="layer 'a'")
    with pytest.raises(UserError, match=r"layer 'a' has no plane"):
        image.answers(plane)


def test_a_window_takes_the_place_of_the_models_own(bright):
    grey = disc(14) * 40 + 100
    assert not found(
        ClickImage(grey, bright, axes="YX", intensity=Intensity(kind="window", low=200.0, high=300.0)), ()
    ).any()
    image = ClickImage(grey, bright, axes="YX", intensity=Intensity(kind="window", low=100.0, high=140.0))
    assert iou(found(image, ()), disc(14) > 0) > 0.9


def test_a_flat_image_has_one_plane_to_carry_nothing_to(bright):
    image = ClickImage(disc(14).tolist(), bright)
    assert (image.first, image.depth, image.leading_shape) == ((), 1, ())
    assert iou(found(image, ()), disc(14) > 0) > 0.9
