"""Between pixels and cells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.auditing.measures.cells import cell_means, to_pixels


@given(rows=st.integers(1, 20), columns=st.integers(1, 20), size=st.integers(1, 7), seed=st.integers(0, 100))
def test_a_cell_is_the_mean_of_its_pixels_also_at_the_edge(rows, columns, size, seed):
    values = np.random.default_rng(seed).random((rows, columns))
    cells = cell_means(values, size)
    for row, column in np.ndindex(cells.shape):
        part = values[row * size : (row + 1) * size, column * size : (column + 1) * size]
        assert cells[row, column] == pytest.approx(part.mean())
    assert cells.shape == (-(-rows // size), -(-columns // size))


@given(rows=st.integers(1, 20), columns=st.integers(1, 20), size=st.integers(1, 7))
def test_pixels_of_cells_have_the_cells_for_their_means(rows, columns, size):
    cells = np.random.default_rng(0).random((-(-rows // size), -(-columns // size))).astype(np.float32)
    pixels = to_pixels(cells, size, (rows, columns))
    assert pixels.shape == (rows, columns)
    assert pixels[-1, -1] == cells[(rows - 1) // size, (columns - 1) // size]
    np.testing.assert_allclose(cell_means(pixels, size), cells, rtol=1e-6)
