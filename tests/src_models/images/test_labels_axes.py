"""Planes of an image in labels that cover it, held against writing the planes out one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from src_models.images.labels_axes import LabelsAxes


@pytest.mark.parametrize(
    ("letters", "shape"),
    [("YX", (4, 5)), ("ZYX", (3, 4, 5)), ("YZX", (4, 3, 5)), ("TCZYX", (2, 1, 3, 4, 5)), ("YXC", (4, 5, 1))],
)
def test_every_pixel_of_every_plane_is_one_of_the_labels_and_no_other(letters, shape):
    covering = LabelsAxes(letters, shape)
    rows, columns = covering.plane_shape
    assert (rows, columns) == (4, 5)
    labels = np.zeros(shape, int)
    leading = [range(size) for letter, size in zip(letters, shape, strict=True) if letter not in "YXC"]
    for plane in itertools.product(*leading):
        labels[covering.plane_index(plane)] += 1
        part = labels[covering.index(plane, slice(1, 3), slice(2, 5))]
        assert part.shape == (2, 3)
        for y, x in ((0, 0), (2, 4)):
            place = covering.position(plane, y, x)
            assert labels[tuple(int(at) for at in place)] == labels[covering.plane_index(plane)][y, x]
            assert (place[covering.core[0]], place[covering.core[1]]) == (y, x)
    assert (labels == 1).all()
