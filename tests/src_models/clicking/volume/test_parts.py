"""What of a plane is meant."""

import numpy as np
import pytest

from src_models.clicking.answering.known import answer_of
from src_models.clicking.clicked_object import ObjectInPlane
from src_models.clicking.volume.given import Drawn, Point
from src_models.clicking.volume.parts import Part, meant
from src_models.clicking.volume.views import VIEWS

SHAPE = (60, 80)


def disk(row, column, radius):
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


LEFT, RIGHT = disk(30, 20, 8), disk(30, 60, 8)


def given_in(drawn):
    return next(iter(drawn.planes(VIEWS[0], (5, *SHAPE))))


def click(row, column, positive=True):
    return given_in(Point((2, row, column), positive))


def test_a_click_means_the_piece_that_it_lies_in_or_next_to():
    for place in ((30, 20), (30, 31), (38, 24)):
        what = meant(LEFT | RIGHT, (), 0, click(*place))
        np.testing.assert_array_equal(what.pixels, LEFT)
        np.testing.assert_array_equal(what.aside, RIGHT)
        assert what.number is None


def test_a_click_far_from_all_means_something_new():
    what = meant(LEFT, (), 0, click(30, 60))
    assert not what.pixels.any()
    np.testing.assert_array_equal(what.aside, LEFT)


def test_a_box_means_what_lies_mostly_in_it():
    box = given_in(Drawn.box([(2, 3), (15, 45), (5, 56)]))
    what = meant(LEFT | RIGHT, (), 0, box)
    np.testing.assert_array_equal(what.pixels, LEFT)


def test_an_object_of_several_pieces_is_meant_as_a_whole():
    both = ObjectInPlane(answer_of(LEFT | RIGHT, 64))
    parts = (Part(0, (2,), {(2,): ObjectInPlane(answer_of(disk(10, 70, 3), 64))}), Part(0, (2,), {(2,): both}))
    what = meant(LEFT | RIGHT | disk(10, 70, 3), parts, 0, click(30, 20))
    assert what.number == 1
    np.testing.assert_array_equal(what.pixels, LEFT | RIGHT)


@pytest.mark.parametrize(("axis", "index"), [(1, 2), (0, 3)])
def test_a_part_of_another_view_or_plane_is_not_taken_for_it(axis, index):
    part = Part(axis, (index,), {(index,): ObjectInPlane(answer_of(LEFT, 64))})
    assert meant(LEFT, (part,), 0, click(30, 20)).number is None


def test_a_plane_that_was_never_reached_holds_nothing_of_a_part():
    part = Part(0, (2,), {}).with_plane((2,), ObjectInPlane(answer_of(LEFT, 64)))
    np.testing.assert_array_equal(part.in_plane((2,), SHAPE), LEFT)
    assert not part.in_plane((3,), SHAPE).any()
