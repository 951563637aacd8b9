"""Answers in one plane, with a network that finds what is bright."""

import numpy as np
import pytest

from src_models.clicking.click_image import ClickImage
from src_models.clicking.volume.answered import answered
from src_models.clicking.volume.given import Drawn, Point
from src_models.clicking.volume.views import VIEWS
from src_models.images.axes import read_axes

SHAPE = (5, 60, 80)
VIEW = VIEWS[0]


def disk(row, column, radius):
    rows, columns = np.mgrid[:60, :80]
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


LEFT, RIGHT = disk(30, 20, 8), disk(30, 60, 8)
NOTHING = np.zeros((60, 80), bool)


@pytest.fixture
def image(bright):
    scan = np.broadcast_to((LEFT | RIGHT).astype(np.float32), SHAPE)
    return ClickImage(scan, bright, axes=read_axes(SHAPE, axes="ZYX"))


def in_plane(drawn):
    return next(iter(drawn.planes(VIEW, SHAPE)))


def test_a_first_click_begins_a_part(image):
    found = answered(image, NOTHING, (), VIEW, in_plane(Point((2, 30, 20))))
    assert (found.content & ~LEFT).sum() == 0
    assert (found.content & LEFT).sum() > 0.95 * LEFT.sum()
    assert (found.number, found.part.origin, found.part.axis) == (0, (2,), 0)
    assert not found.aside.any()
    assert not found.taken.any()


def test_what_lies_beside_is_neither_lost_nor_part_of_it(image):
    corner = disk(5, 5, 3)
    found = answered(image, corner | RIGHT, (), VIEW, in_plane(Point((2, 30, 20))))
    np.testing.assert_array_equal(found.aside, corner | RIGHT)
    assert found.content[corner | RIGHT].all()
    np.testing.assert_array_equal(found.part.in_plane((2,), (60, 80)), found.content & ~found.aside)


def test_a_second_click_goes_on_with_the_part_of_the_first(image):
    first = answered(image, NOTHING, (), VIEW, in_plane(Point((2, 30, 20))))
    second = answered(image, first.content, first.parts, VIEW, in_plane(Point((2, 30, 24), positive=False)))
    assert (second.number, len(second.parts)) == (0, 1)
    assert len(second.part.planes[2,].prompts) == 2
    assert not second.content[30, 24]
    np.testing.assert_array_equal(second.taken, first.content & ~second.content)
    assert second.taken.any()


def test_a_click_beside_nothing_has_no_answer(image):
    assert answered(image, NOTHING, (), VIEW, in_plane(Point((2, 30, 20), positive=False))) is None
    far = answered(image, LEFT, (), VIEW, in_plane(Point((2, 30, 70), positive=False)))
    assert far is None


def test_a_click_on_it_takes_nothing_from_a_mask(image):
    larger = disk(30, 20, 11)
    found = answered(image, larger, (), VIEW, in_plane(Point((2, 30, 20))))
    assert found.content[larger].all()


def test_a_box_around_a_mask_says_where_it_ends(image):
    larger = LEFT | (disk(30, 20, 12) & (np.mgrid[:60, :80][1] > 20))
    found = answered(image, larger, (), VIEW, in_plane(Drawn.box([(2, 3), (22, 39), (12, 29)])))
    assert not found.content[:, 32:].any()
    assert (found.content & LEFT).sum() > 0.9 * LEFT.sum()


def test_settled_it_is_what_lies_in_the_plane(image):
    found = answered(image, NOTHING, (), VIEW, in_plane(Point((2, 30, 20))))
    pixels = found.content.copy()
    pixels[30, 15:18] = False
    now = found.settled(pixels, 2)
    np.testing.assert_array_equal(now.part.in_plane((2,), (60, 80)), pixels)
    np.testing.assert_array_equal(now.taken, found.content & ~pixels)
