"""Contours to voxels, against a ray that is followed edge by edge."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.draw import polygon2mask

from src_models.files.volumes.dicom_labels.contours import inside_contours

SHAPE = (12, 10)
SQUARE = np.array([[1.5, 1.5], [1.5, 8.5], [9.5, 8.5], [9.5, 1.5]])
HOLE = np.array([[3.5, 3.5], [3.5, 6.5], [6.5, 6.5], [6.5, 3.5]])


def followed(contours, shape):
    """Count for each centre the edges that a ray to the left crosses."""
    inside = np.zeros(shape, bool)
    for y, x in np.ndindex(shape):
        crossed = 0
        for points in contours:
            for (y0, x0), (y1, x1) in zip(points, np.roll(points, -1, axis=0), strict=True):
                if (y0 <= y) != (y1 <= y):
                    crossed += x0 + (y - y0) * (x1 - x0) / (y1 - y0) <= x
        inside[y, x] = crossed % 2
    return inside


coordinate = st.floats(-3, 14).map(lambda number: round(number, 2) + 0.0037)
contour = st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=9).map(np.array)


@settings(deadline=None, max_examples=60)
@given(st.lists(contour, min_size=1, max_size=3))
def test_any_contours_are_filled_by_the_even_odd_rule(contours):
    np.testing.assert_array_equal(inside_contours(contours, SHAPE), followed(contours, SHAPE))


def test_a_contour_is_filled_as_scikit_image_fills_it():
    star = np.array([[6 + 5 * np.sin(a), 5 + 4.3 * np.cos(a)] for a in np.arange(0, 4 * np.pi, 4 * np.pi / 5)])
    around = star[[0, 3, 1, 4, 2]] + 0.013  # its corners, once around
    np.testing.assert_array_equal(inside_contours([around], SHAPE), polygon2mask(SHAPE, around))


def test_a_contour_within_another_is_a_hole():
    wanted = np.zeros(SHAPE, bool)
    wanted[2:10, 2:9] = True
    wanted[4:7, 4:7] = False
    np.testing.assert_array_equal(inside_contours([SQUARE, HOLE], SHAPE), wanted)
    np.testing.assert_array_equal(inside_contours([HOLE, SQUARE[::-1]], SHAPE), wanted)


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.5, 1 / 3])
def test_a_keyhole_is_a_hole_and_leaves_no_trace_where_it_was_cut(shift):
    key = np.concatenate([SQUARE, SQUARE[:1], HOLE, HOLE[:1], SQUARE[:1]]) + shift
    np.testing.assert_array_equal(inside_contours([key], SHAPE), inside_contours([SQUARE + shift, HOLE + shift], SHAPE))


def test_neighbours_share_no_pixel_and_leave_none_out():
    left = np.array([[2.0, 1.0], [2.0, 4.0], [7.0, 4.0], [7.0, 1.0]])
    right = left + np.array([0, 3])
    both = np.array([[2.0, 1.0], [2.0, 7.0], [7.0, 7.0], [7.0, 1.0]])
    one, other = inside_contours([left], SHAPE), inside_contours([right], SHAPE)
    assert not (one & other).any()
    np.testing.assert_array_equal(one | other, inside_contours([both], SHAPE))
    assert one.sum() == 5 * 3
