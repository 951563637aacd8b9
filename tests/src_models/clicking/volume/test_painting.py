"""Strokes through paint: on it, without a jump, all over it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn
from scipy import ndimage

from src_models.clicking.volume.painting import MOST, innermost, strokes

EIGHT = np.ones((3, 3), bool)
painted = stn.arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14)))


@given(painted)
def test_each_of_the_largest_pieces_has_one_line_that_never_leaves_it_and_never_jumps(paint):
    pieces, count = ndimage.label(paint, EIGHT)
    lines = strokes(paint)
    assert len(lines) == min(count, MOST)
    numbers = [{int(pieces[pixel]) for pixel in line} for line in lines]
    assert all(len(number) == 1 and 0 not in number for number in numbers)
    assert len(set.union(set(), *numbers)) == len(lines)
    for line in lines:
        steps = np.abs(np.diff(np.array(line), axis=0))
        assert (steps <= 1).all()


def test_a_thick_stroke_is_a_line_through_its_middle():
    paint = np.zeros((20, 60), bool)
    paint[8:13, 5:55] = True
    line = np.array(strokes(paint)[0])
    assert set(line[:, 0]) <= {9, 10, 11}
    assert np.ptp(line[:, 1]) > 40


def test_a_branched_stroke_is_walked_all_over():
    paint = np.zeros((31, 31), bool)
    paint[15, :] = paint[:, 15] = True
    assert {(0, 15), (30, 15), (15, 0), (15, 30)} <= set(strokes(paint)[0])


@given(painted.filter(np.any))
def test_the_innermost_pixel_is_as_far_from_the_edge_as_any(paint):
    place = innermost(paint)
    assert paint[place]
    outside = np.argwhere(~np.pad(paint, 1))
    away = [np.hypot(*(outside - 1 - pixel).T).min() for pixel in np.argwhere(paint)]
    assert np.isclose(np.hypot(*(outside - 1 - np.array(place)).T).min(), max(away))
