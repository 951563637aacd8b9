"""The square of an image around an object that a network of clicks sees, small objects large and large ones small.

Where nothing is known of an object but a place in it, the place is shown in squares of doubling side. In the right one
the object is of a good size, the network is sure of it, and the next larger or smaller square tells the same.

>>> crop = Crop(top=10, left=20, side=40)
>>> crop.to_grid(29.5, 39.5, size=20)
(9.5, 9.5)
>>> crop.from_grid(9.5, 9.5, size=20)
(29.5, 39.5)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import csr_matrix

from src_models.clicking.prompts import Box, Prompt

__all__ = ["SQUARE", "Crop", "Pixel", "best_zoom", "crop_around", "first_crops", "sureness"]

# An object's longer side takes this share of the square: it is seen with what lies around it.
SHARE = 0.5
SMALLEST = 24
AGREEMENT, SIZE = 1.0, 0.2  # what agreement of neighbouring squares, and each doubling away from the good size, count
CONTRADICTION = 2.0  # what each place counts that is said to lie outside of the object, and was found in it
NOTHING = -10.0
SAMPLED = 6  # rows and columns at least of which a cell is the mean, where it has more than twice as many
MOVED, GROWN = 0.06, 1.1  # shares of a square's side by which one that is nearly the same lies further, or is larger
Pixel = tuple[float, float]
SQUARE: Pixel = (1.0, 1.0)
Places = Sequence[tuple[float, float]]
Read = Callable[[tuple[slice, slice]], NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Crop:
    """A square of whole pixels, which may reach beyond the image.

    Parameters
    ----------
    top, left
        Its first row and column.
    side
        Its rows and columns, as many as the finer ones of its pixels take.
    pixel
        Height and width of a pixel, the smaller one 1. Of tall pixels there are fewer rows, so that the square is a
        square in the object's own measures.
    """

    top: int
    left: int
    side: int
    pixel: Pixel = SQUARE

    @property
    def sides(self) -> tuple[int, int]:
        """Its number of rows and of columns."""
        height, width = self.pixel
        return math.ceil(self.side / height), math.ceil(self.side / width)

    def cells(self, size: int) -> tuple[float, float]:
        """Return height and width (px) of a cell of a grid of `size` x `size`."""
        rows, columns = self.sides
        return rows / size, columns / size

    def share(self, extent: tuple[slice, slice]) -> float:
        """Return which share of the square some rows and columns take along their longer side."""
        return max(float(part.stop - part.start) / side for part, side in zip(extent, self.sides, strict=True))

    def holds(self, y: float, x: float) -> bool:
        """Whether a place lies in the square."""
        rows, columns = self.sides
        return self.top <= y < self.top + rows and self.left <= x < self.left + columns

    def to_grid(self, y: float, x: float, size: int) -> tuple[float, float]:
        """Take a place in the image to a grid of `size` x `size` cells over the square."""
        down, across = (size / side for side in self.sides)
        return (y - self.top + 0.5) * down - 0.5, (x - self.left + 0.5) * across - 0.5

    def from_grid(self, row: float, column: float, size: int) -> tuple[float, float]:
        """Take a place on the grid back to the image."""
        height, width = self.cells(size)
        return (row + 0.5) * height - 0.5 + self.top, (column + 0.5) * width - 0.5 + self.left

    def nearer(self, y: float, x: float, share: float) -> Crop:
        """Return the square around a place whose side is a share of this one's."""
        return _centred((y, x), max(share * self.side, SMALLEST), self.pixel)

    def unless_moved(self, other: Crop) -> Crop:
        """Return another square, or this one where the other is nearly the same.

        What was found in it can then be shown as it was, and the image need not be read again.
        """
        moved = [
            abs(start - own + (theirs - mine) / 2) / mine
            for start, own, theirs, mine in zip(
                (other.top, other.left), (self.top, self.left), other.sides, self.sides, strict=True
            )
        ]
        alike = self.side / GROWN <= other.side <= self.side * GROWN
        return self if alike and max(moved) <= MOVED else other

    def read(self, read: Read, shape: tuple[int, int], size: int) -> NDArray[np.float32]:
        """Read the square on its grid; beyond the image its border goes on.

        Where a cell is many pixels wide, some of its rows and columns are read, evenly spread: of a large image all of
        it would take longer than its answer.

        Parameters
        ----------
        read
            Returns a region of the image, (..., *region), whose slices may have steps.
        shape
            Rows and columns of the image.
        size
            Side of the grid.

        Returns
        -------
        ndarray, shape (..., size, size)
        """
        (down, rows), (across, columns) = self._reading(shape, size)
        return _sampled(np.asarray(read((down, across)), np.float32), rows, columns)

    def _reading(self, shape: tuple[int, int], size: int) -> list[tuple[slice, csr_matrix]]:
        """Return, for each axis, what is read of an image and the weights by which it comes to the grid."""
        found = []
        for start, cell, length in zip((self.top, self.left), self.cells(size), shape, strict=True):
            places = start - 0.5 + (np.arange(size, dtype=np.float64) + 0.5) * cell
            width, step = max(cell - 1, 0.0), max(1, int(cell / SAMPLED))
            span = _span(places, width, length)
            count = len(range(span.start, span.stop, step))
            found.append((_every(span, step), _sampling((places - span.start) / step, width / step, count)))
        return found

    def from_other(
        self, grid: NDArray[np.float32], other: Crop, shape: tuple[int, int], size: int
    ) -> NDArray[np.float32]:
        """Take what is known on the grid of another square to this one's (size, size); 0 where nothing is known.

        That is what :meth:`read` gives of its :meth:`to_image`, without going through all pixels.
        """
        ends = zip(other.inside(shape), (other.top, other.left), other.sides, strict=True)
        weights = []
        for (span, reading), (known, start, side) in zip(self._reading(shape, size), ends, strict=True):
            pixels = np.arange(span.start, span.stop, span.step or 1)
            inside = (pixels >= known.start) & (pixels < known.stop)
            there = _sampling((pixels[inside] - start + 0.5) * len(grid) / side - 0.5, 0.0, len(grid))
            weights.append(reading[:, inside] @ there)
        return _sampled(grid, *weights)

    def inside(self, shape: Sequence[int]) -> tuple[slice, slice]:
        """Return the part of the square that lies in an image; of one that lies outside, nothing."""
        rows, columns = (
            slice(min(max(start, 0), length), min(max(start + side, 0), length))
            for start, side, length in zip((self.top, self.left), self.sides, shape, strict=True)
        )
        return rows, columns

    def to_image(
        self, plane: NDArray[Any], shape: Sequence[int], part: tuple[slice, slice] | None = None
    ) -> NDArray[np.float32]:
        """Take a plane (size, size) on the grid back to the pixels of :meth:`inside`, or to a part of these."""
        size = plane.shape[-1]
        rows, columns = (
            _sampling((np.arange(cut.start, cut.stop) - start + 0.5) * size / side - 0.5, 0.0, size)
            for cut, start, side in zip(part or self.inside(shape), (self.top, self.left), self.sides, strict=True)
        )
        return _sampled(np.asarray(plane, np.float32), rows, columns)

    def under(self, cells: NDArray[np.bool_], shape: Sequence[int]) -> tuple[slice, slice]:
        """Return the part of :meth:`inside` that cells of the grid (size, size) reach to in :meth:`to_image`."""
        found = []
        for axis, cell, start, part in zip(
            (1, 0), self.cells(len(cells)), (self.top, self.left), self.inside(shape), strict=True
        ):
            there = np.flatnonzero(cells.any(axis))
            if not len(there):
                return slice(part.start, part.start), slice(part.start, part.start)
            # Beyond the last cells' middles they count for a cell more.
            low, high = (there[0] - 0.5) * cell + start, (there[-1] + 1.5) * cell + start
            low, high = max(part.start, math.floor(low)), min(part.stop, math.ceil(high))
            found.append(slice(low, max(low, high)))
        return found[0], found[1]


def crop_around(prompts: Iterable[Prompt], extent: tuple[slice, slice] | None, pixel: Pixel = SQUARE) -> Crop:
    """Return the square that shows an object with what lies around it.

    Parameters
    ----------
    prompts
        What was given; all of it is to lie inside.
    extent
        Rows and columns that the object is thought to take, if that is known.
    pixel
        Height and width of a pixel.
    """
    edges = [] if extent is None else [(extent[0].start, extent[1].start), (extent[0].stop - 1, extent[1].stop - 1)]
    for prompt in prompts:
        if isinstance(prompt, Box):
            edges += [(prompt.top, prompt.left), (prompt.bottom, prompt.right)]
        elif extent is None or prompt.positive:
            edges += list(prompt.points())
    places = np.asarray(edges, dtype=float)
    low, high = places.min(0), places.max(0)
    longest = float(((high - low + 1) * pixel).max())
    return _centred((low + high) / 2, max(longest / SHARE, SMALLEST), pixel)


def first_crops(y: float, x: float, shape: Sequence[int], step: float = 2.0, pixel: Pixel = SQUARE) -> list[Crop]:
    """Return squares of growing side, each `step` times the one before, around a click on an object of any size."""
    sides: list[float] = [2 * SMALLEST]
    while sides[-1] < max(length * size for length, size in zip(shape, pixel, strict=True)):
        sides.append(step * sides[-1])
    return [_centred((y, x), side, pixel) for side in sides]


def best_zoom(
    crops: Sequence[Crop], grids: NDArray[np.float32], places: Places, threshold: float, outside: Places = ()
) -> int:
    """Return which of several squares around a place shows its object best.

    Parameters
    ----------
    crops
        The squares, each twice as large as the one before, with one middle.
    grids
        Probabilities of the object in each, (N, size, size).
    places
        Places in the object (px of the plane).
    threshold
        From which probability on a cell belongs to it.
    outside
        Places beside the object.
    """
    found = [_held(grid > threshold, crop, places) for crop, grid in zip(crops, grids, strict=True)]
    agreements = [_agreement(near, far) for near, far in pairwise(found)]
    worths = []
    for number, (crop, grid, mask) in enumerate(zip(crops, grids, found, strict=True)):
        if not mask.any():
            worths.append(NOTHING)
            continue
        agreement = max(agreements[max(number - 1, 0) : number + 1], default=0.0)
        away = abs(float(np.log2(_share(mask) / SHARE)))
        contradicted = CONTRADICTION * _inside(mask, crop, outside)
        worths.append(sureness(grid, mask) + AGREEMENT * agreement - SIZE * away - contradicted)
    return int(np.argmax(worths))


def sureness(grid: NDArray[np.float32], found: NDArray[np.bool_]) -> float:
    """Return how far from undecided a network is in and around what it found, 0 to 1; 0 if it found nothing."""
    if not found.any():
        return 0.0
    around = max(1, round(0.15 * _share(found) * len(found)))
    near = ndimage.binary_dilation(found, iterations=around)
    return float(np.abs(2 * grid[near] - 1).mean())


def _centred(centre: Any, side: float, pixel: Pixel) -> Crop:
    whole = math.ceil(side)
    rows, columns = Crop(0, 0, whole, pixel).sides
    return Crop(round(float(centre[0]) - (rows - 1) / 2), round(float(centre[1]) - (columns - 1) / 2), whole, pixel)


def _every(span: slice, step: int) -> slice:
    return slice(span.start, span.stop, step) if step > 1 else span


def _span(places: NDArray[np.float64], width: float, length: int) -> slice:
    """Return the pixels of an axis that are needed to sample some places; at least the one nearest to them."""
    reach = width / 2 + 1
    start = int(np.clip(np.floor(places[0] - reach) + 1, 0, length - 1))
    return slice(start, int(np.clip(np.ceil(places[-1] + reach), start + 1, length)))


def _sampling(places: NDArray[np.float64], width: float, count: int) -> csr_matrix:
    """Return the weights (places x count) that sample an axis at some places.

    Between its pixels the axis is a straight line, beyond its ends it goes on as there. Each sample is the mean over a
    width around its place, none where that is 0: so what shrinks is blurred by as much as it must be.
    """
    reach = width / 2 + 1
    taps = np.floor(places - reach).astype(int)[:, None] + np.arange(1, int(np.ceil(2 * reach)) + 2)
    away = places[:, None] - taps
    if width > 0:
        weights = (_area(away + width / 2) - _area(away - width / 2)) / width
    else:
        weights = np.maximum(0, 1 - np.abs(away))
    ends = np.arange(0, taps.size + 1, taps.shape[1])
    inside = np.clip(taps, 0, count - 1).ravel()
    return csr_matrix((weights.astype(np.float32).ravel(), inside, ends), shape=(len(places), count))


def _area(end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the area below a triangle of base -1 to 1 and height 1, up to some places."""
    end = np.clip(end, -1, 1)
    return np.where(end < 0, (end + 1) ** 2 / 2, 1 - (1 - end) ** 2 / 2)


def _sampled(block: NDArray[np.float32], rows: csr_matrix, columns: csr_matrix) -> NDArray[np.float32]:
    planes = block.reshape(-1, *block.shape[-2:])
    found = np.empty((len(planes), rows.shape[0], columns.shape[0]), np.float32)
    grows = columns.shape[0] > columns.shape[1]
    for plane, out in zip(planes, found, strict=True):
        # What is turned over is copied, so that is done while there is little of it.
        out[:] = rows @ np.ascontiguousarray((columns @ plane.T).T) if grows else (columns @ (rows @ plane).T).T
    return found.reshape(*block.shape[:-2], *found.shape[1:])


def _held(found: NDArray[np.bool_], crop: Crop, places: Places) -> NDArray[np.bool_]:
    """Return the connected parts in which the places lie; nothing if they lie in none."""
    parts, _ = ndimage.label(found)
    meant = {int(parts[cell]) for cell in _cells(crop, places, len(found))} - {0}
    return np.isin(parts, list(meant))


def _inside(found: NDArray[np.bool_], crop: Crop, places: Places) -> int:
    """Return how many places lie in what was found."""
    return sum(bool(found[cell]) for cell in _cells(crop, places, len(found)))


def _cells(crop: Crop, places: Places, size: int) -> list[tuple[int, ...]]:
    """Return the cells of places that lie on the grid of a square."""
    cells = [tuple(np.round(crop.to_grid(*place, size)).astype(int)) for place in places]
    return [cell for cell in cells if min(cell) >= 0 and max(cell) < size]


def _share(found: NDArray[np.bool_]) -> float:
    rows, columns = (np.flatnonzero(found.any(axis)) for axis in (1, 0))
    return float(max(np.ptp(rows), np.ptp(columns)) + 1) / len(found)


def _agreement(near: NDArray[np.bool_], far: NDArray[np.bool_]) -> float:
    """Return the IoU of what was found in a square and in one twice as large, in areas of the image."""
    size = len(near)
    quarter = size // 4
    middle = far[quarter : quarter + size // 2, quarter : quarter + size // 2]
    enlarged = np.kron(middle, np.ones((2, 2), bool))
    outside = 4 * (int(far.sum()) - int(middle.sum()))
    union = int((near | enlarged).sum()) + outside
    return int((near & enlarged).sum()) / union if union else 0.0
