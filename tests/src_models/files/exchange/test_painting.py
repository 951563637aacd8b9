"""Shapes that were drawn elsewhere become labels by the middles of pixels."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.draw import polygon2mask

from src_models.errors import ImageError
from src_models.files.exchange.painting import Drawing, Drawn, filled, paint

SQUARE = np.array([[1, 1], [1, 4], [4, 4], [4, 1]])


@pytest.mark.parametrize("seed", range(8))
def test_filling_agrees_with_scikit_image(seed):
    """Which takes the middle of a pixel for its place."""
    generator = np.random.default_rng(seed)
    corners = generator.uniform(-5, 35, (generator.integers(3, 12), 2))
    mask, part = filled([corners], (30, 30))
    whole = np.zeros((30, 30), bool)
    whole[part] = mask
    np.testing.assert_array_equal(whole, polygon2mask((30, 30), corners - 0.5))


def test_a_ring_in_a_ring_is_a_hole():
    mask, part = filled([SQUARE, np.array([[2, 2], [2, 3], [3, 3], [3, 2]])], (6, 6))
    assert part == (slice(1, 4), slice(1, 4))
    np.testing.assert_array_equal(mask, [[1, 1, 1], [1, 0, 1], [1, 1, 1]])


def test_numbers_are_kept_and_others_follow():
    drawing = Drawing((Drawn((SQUARE,)), Drawn((SQUARE + 4,), number=9, name="cell", kind="nucleus")))
    painted = paint(drawing, "shapes", axes="YX", shape=(10, 10))
    assert painted.labels[1, 1] == 10
    assert painted.labels[5, 5] == 9
    assert painted.names == {9: "cell"}
    assert painted.kinds == {9: "nucleus"}


def test_the_later_of_two_lies_on_top_and_that_is_said():
    painted = paint(Drawing((Drawn((SQUARE,)), Drawn((SQUARE + 2,)))), "shapes")
    assert painted.labels.shape == (6, 6)
    assert painted.labels[3, 3] == 2
    assert painted.labels[2, 2] == 1
    assert "1 pixels lie in several" in painted.notes[0]


def test_slices_and_frames():
    shapes = (
        Drawn((SQUARE,), number=1, z=1, t=0),
        Drawn((SQUARE,), number=2, t=1),
        Drawn((SQUARE,), number=3, position=4),
    )
    painted = paint(Drawing(shapes), "shapes", axes="ZTYX", shape=(3, 2, 8, 8))
    assert painted.labels[:, :, 1, 1].tolist() == [[0, 2], [1, 3], [0, 2]]


def test_a_slice_that_the_image_has_not_is_refused():
    with pytest.raises(ImageError, match="slice 6, and the image has 3"):
        paint(Drawing((Drawn((SQUARE,), z=5),)), "shapes", axes="ZYX", shape=(3, 8, 8))


def test_shapes_beyond_all_reason_are_refused():
    with pytest.raises(ImageError, match="name the image"):
        paint(Drawing((Drawn((SQUARE * 10**6,)),)), "shapes")


def test_shapes_outside_are_left_out_and_counted():
    painted = paint(Drawing((Drawn((SQUARE + 50,)), Drawn((SQUARE,)))), "shapes", axes="YX", shape=(6, 6))
    assert set(np.unique(painted.labels)) == {0, 2}
    assert "1 of its shapes" in painted.notes[0]
