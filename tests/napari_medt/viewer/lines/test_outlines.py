"""An outline is what parts a mask's pixels from all others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from napari_medt.viewer.lines.outlines import outline


def edges_of(mask):
    """Edges between pixels that differ, one by one: (row, column) of their middles."""
    padded = np.pad(mask, 1)
    found = set()
    for row in range(padded.shape[0]):
        for column in range(padded.shape[1]):
            if row + 1 < padded.shape[0] and padded[row, column] != padded[row + 1, column]:
                found.add((row - 0.5, column - 1.0))
            if column + 1 < padded.shape[1] and padded[row, column] != padded[row, column + 1]:
                found.add((row - 1.0, column - 0.5))
    return found


@given(arrays.arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 7))))
def test_lines_go_along_every_edge_once(mask):
    drawn = []
    for start, way in outline(mask):
        length = int(np.abs(way).sum())
        assert np.count_nonzero(way) == 1  # along rows or along columns
        drawn += [tuple(start + way * (step + 0.5) / length) for step in range(length)]
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == edges_of(mask)


def test_lines_are_as_long_as_they_can_be():
    assert len(outline(np.ones((40, 70), bool))) == 4


@pytest.mark.parametrize("shape", [(3, 4), (0, 4)])
def test_of_nothing_there_is_no_outline(shape):
    assert outline(np.zeros(shape, bool)).shape == (0, 2, 2)
