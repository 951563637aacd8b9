"""Windows over a grid, against what the words say of them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src_models.nets.med_former.lattice import WindowLattice

CPU = torch.device("cpu")
GRIDS = st.tuples(st.integers(1, 15), st.integers(1, 15))


def true_window(cell, side, cells, shifted):
    """Number of the window that a cell is in, along one axis: the first shifted one holds half a window."""
    if cells <= side:
        return 0
    return (cell - (side // 2 if shifted else 0)) // side


@given(GRIDS, st.integers(1, 8), st.booleans())
def test_two_cells_see_one_another_if_they_are_in_one_window(grid, window, shifted):
    lattice = WindowLattice.over(grid, window, shifted=shifted)
    tables = lattice.tables(CPU)
    region = tables.region.flatten()[tables.place].view(grid)
    windows = {}
    for y in range(grid[0]):
        for x in range(grid[1]):
            true = (true_window(y, window, grid[0], shifted), true_window(x, window, grid[1], shifted))
            windows.setdefault(true, set()).add(int(region[y, x]))
    assert all(len(found) == 1 for found in windows.values())
    assert len(set.union(*windows.values())) == len(windows)
    assert -1 not in set.union(*windows.values())


@given(GRIDS, st.integers(1, 8), st.booleans())
def test_cells_that_see_one_another_are_in_one_window_as_far_apart_as_on_the_grid(grid, window, shifted):
    lattice = WindowLattice.over(grid, window, shifted=shifted)
    tables = lattice.tables(CPU)
    offsets = lattice.offsets(window, CPU)
    width = grid[1]
    for region, cells in zip(tables.region, tables.cell.view(lattice.windows, lattice.places), strict=True):
        for query in range(lattice.places):
            for key in range(lattice.places):
                if region[query] == region[key] != -1:
                    (y, x), (v, u) = divmod(int(cells[query]), width), divmod(int(cells[key]), width)
                    assert offsets[query, key] == (y - v + window - 1) * (2 * window - 1) + x - u + window - 1


@given(GRIDS, st.integers(1, 8), st.booleans())
def test_what_goes_into_windows_comes_back(grid, window, shifted):
    lattice = WindowLattice.over(grid, window, shifted=shifted)
    cells = torch.rand(2, *grid, 3)
    windows = lattice.to_windows(cells)
    assert windows.shape == (2, lattice.windows, lattice.places, 3)
    assert torch.equal(lattice.from_windows(windows), cells)
    assert int((lattice.tables(CPU).region >= 0).sum()) == grid[0] * grid[1], "all other places are beyond the grid"


@given(GRIDS, st.integers(1, 8), st.booleans(), st.data())
def test_the_cells_that_a_cell_sees_are_a_rectangle(grid, window, shifted, data):
    lattice = WindowLattice.over(grid, window, shifted=shifted)
    cell = tuple(data.draw(st.integers(0, cells - 1)) for cells in grid)
    tables = lattice.tables(CPU)
    region = tables.region.flatten()[tables.place].view(grid)
    expected = region == region[cell]
    found = torch.zeros_like(expected)
    found[lattice.seen_from(cell)] = True
    assert torch.equal(found, expected)


@pytest.mark.parametrize(
    ("grid", "window", "shifted", "size", "shift", "filled", "whole"),
    [
        ((14, 14), 7, False, (7, 7), (0, 0), True, True),
        ((14, 14), 7, True, (7, 7), (3, 3), True, False),
        ((7, 5), 7, True, (7, 5), (0, 0), True, True),
        ((9, 12), 6, False, (6, 6), (0, 0), False, False),
        ((4, 12), 6, True, (4, 6), (0, 3), True, False),
    ],
)
def test_windows_are_no_larger_than_the_grid_and_shifted_where_there_are_several(
    grid, window, shifted, size, shift, filled, whole
):
    lattice = WindowLattice.over(grid, window, shifted=shifted)
    assert (lattice.size, lattice.shift, lattice.filled, lattice.whole) == (size, shift, filled, whole)


def test_tables_that_were_made_while_a_network_predicts_are_of_use_in_training():
    lattice = WindowLattice.over((11, 5), 4, shifted=True)
    with torch.inference_mode():
        lattice.to_windows(torch.rand(1, 11, 5, 2))
    cells = torch.rand(1, 11, 5, 2, requires_grad=True)
    lattice.from_windows(lattice.to_windows(cells)).sum().backward()
    assert torch.equal(cells.grad, torch.ones_like(cells))
