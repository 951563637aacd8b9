"""Which cells of a grid lie in which window.

Windows of one size cover the grid from its top left; shifted ones are moved down and right by half of their size, so
that the first along each axis are smaller. Two cells see one another if they lie in one window, whatever the grid's
size: windows may reach beyond its far ends, and what they hold there is no cell and is not seen. A grid that is no
larger than a window along an axis is one window along it, which has no need to be shifted.

So that all windows hold the same number of places, what shifted windows lack at the near ends is joined to what they
have too much at the far ends, as in Swin Transformer (Liu et al. 2021, arXiv 2103.14030, Figure 4), and a mask keeps
the parts of such a window from one another.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["PlaceTables", "WindowLattice"]


class PlaceTables(NamedTuple):
    """Where cells go.

    Parameters
    ----------
    cell
        (windows * places,) The cell that each place of each window holds; of places beyond the grid, any.
    place
        (H * W,) The place of each cell.
    region
        (windows, places) Places see one another where this is equal; -1 beyond the grid.
    """

    cell: Tensor
    place: Tensor
    region: Tensor


@dataclass(frozen=True, slots=True)
class WindowLattice:
    """Windows over a grid.

    Parameters
    ----------
    grid
        Cells along height and width.
    size
        Cells of a window along both.
    shift
        By how many cells windows are moved down and right.
    """

    grid: tuple[int, int]
    size: tuple[int, int]
    shift: tuple[int, int]

    @classmethod
    def over(cls, grid: tuple[int, int], window: int, *, shifted: bool) -> WindowLattice:
        """Return windows of a number of cells per side over a grid, or of fewer where the grid has fewer."""
        height, width = (min(window, cells) for cells in grid)
        down, right = (window // 2 if shifted and cells > window else 0 for cells in grid)
        return cls(grid, (height, width), (down, right))

    @property
    def windows(self) -> int:
        """How many windows there are."""
        rows, columns = (-(-cells // side) for cells, side in zip(self.grid, self.size, strict=True))
        return rows * columns

    @property
    def places(self) -> int:
        """How many places a window has."""
        return self.size[0] * self.size[1]

    @property
    def filled(self) -> bool:
        """Whether every place of every window holds a cell."""
        return not any(cells % side for cells, side in zip(self.grid, self.size, strict=True))

    @property
    def whole(self) -> bool:
        """Whether every place of every window holds a cell that sees all others of the window."""
        return self.filled and not any(self.shift)

    def tables(self, device: torch.device) -> PlaceTables:
        """Return where cells go; the tables are made once."""
        return _tables(self, device)

    def to_windows(self, cells: Tensor) -> Tensor:
        """Bring (N, H, W, C) into windows: (N, windows, places, C). What lies beyond the grid is arbitrary."""
        # Of a shape, and not by len(), since only the former is left open where a network is traced.
        order = self.tables(cells.device).cell
        moved = cells.flatten(1, 2).index_select(1, order)
        return moved.view(cells.shape[0], self.windows, self.places, cells.shape[-1])

    def from_windows(self, windows: Tensor) -> Tensor:
        """Bring (N, windows, places, C) back: (N, H, W, C)."""
        order = self.tables(windows.device).place
        moved = windows.flatten(1, 2).index_select(1, order)
        return moved.view(windows.shape[0], *self.grid, windows.shape[-1])

    def offsets(self, window: int, device: torch.device) -> Tensor:
        """Return the row of a table of relative positions for each pair of places, query by key: (places, places).

        The place of the displacement (dy, dx) from key to query is ``(dy + w - 1) (2 w - 1) + dx + w - 1`` in a table
        for windows of w cells per side.
        """
        return _offsets(self.size, window, device)

    def seen_from(self, cell: tuple[int, int]) -> tuple[slice, slice]:
        """Return the rows and columns of the cells that a cell sees."""
        starts = [
            (at - moved) // side * side + moved for at, side, moved in zip(cell, self.size, self.shift, strict=True)
        ]
        rows, columns = (
            slice(max(start, 0), min(start + side, cells))
            for start, side, cells in zip(starts, self.size, self.grid, strict=True)
        )
        return rows, columns


# Tables are kept for good, and may be made while a network only predicts: they must be of use in training as well.
@lru_cache(maxsize=256)
def _tables(lattice: WindowLattice, device: torch.device) -> PlaceTables:
    with torch.inference_mode(mode=False):
        (rows, row_window), (columns, column_window) = (
            _along(cells, side, moved)
            for cells, side, moved in zip(lattice.grid, lattice.size, lattice.shift, strict=True)
        )
        height, width = lattice.grid
        cell = rows.clamp_max(height - 1)[:, None] * width + columns.clamp_max(width - 1)
        region = row_window[:, None] * (len(columns) + 2) + column_window
        beyond = (rows >= height)[:, None] | (columns >= width)
        cell, region = (_cut(table, lattice.size) for table in (cell, region.masked_fill(beyond, -1)))
        place = torch.empty(height * width, dtype=torch.long)
        real = (region >= 0).flatten().nonzero()[:, 0]
        place[cell.flatten()[real]] = real
        return PlaceTables(cell.flatten().to(device), place.to(device), region.to(device))


def _along(cells: int, side: int, moved: int) -> tuple[Tensor, Tensor]:
    """Return, for each place along an axis, its cell (beyond the grid: more than there are) and its true window."""
    places = -(-cells // side) * side
    cell = (torch.arange(places) + moved) % places
    return cell, (cell - moved).div(side, rounding_mode="floor") + 1


def _cut(table: Tensor, size: tuple[int, int]) -> Tensor:
    """Cut a table (rows, columns) into windows (windows, places)."""
    height, width = size
    rows, columns = table.shape
    cut = table.view(rows // height, height, columns // width, width).transpose(1, 2)
    return cut.reshape(-1, height * width)


@lru_cache(maxsize=256)
def _offsets(size: tuple[int, int], window: int, device: torch.device) -> Tensor:
    with torch.inference_mode(mode=False):
        rows, columns = (places.flatten() for places in torch.meshgrid(*map(torch.arange, size), indexing="ij"))
        down, right = (axis[:, None] - axis + window - 1 for axis in (rows, columns))
        return (down * (2 * window - 1) + right).to(device)
