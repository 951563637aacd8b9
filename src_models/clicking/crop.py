"""The square of an image around an object that a network of clicks sees, small objects large and large ones small.

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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.clicking.prompts import Box, Prompt
from src_models.resampling import read_resized

__all__ = ["Crop", "crop_around", "first_crops"]

# An object's longer side takes this share of the square: it is seen with what lies around it.
SHARE = 0.5
SMALLEST = 24
Read = Callable[[tuple[slice, slice]], NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Crop:
    """A square of whole pixels, which may reach beyond the image.

    Parameters
    ----------
    top, left
        Its first row and column.
    side
        Its rows and columns.
    """

    top: int
    left: int
    side: int

    def to_grid(self, y: float, x: float, size: int) -> tuple[float, float]:
        """Take a place in the image to a grid of `size` x `size` cells over the square."""
        step = size / self.side
        return (y - self.top + 0.5) * step - 0.5, (x - self.left + 0.5) * step - 0.5

    def from_grid(self, row: float, column: float, size: int) -> tuple[float, float]:
        """Take a place on the grid back to the image."""
        step = self.side / size
        return (row + 0.5) * step - 0.5 + self.top, (column + 0.5) * step - 0.5 + self.left

    def read(self, read: Read, shape: tuple[int, int], size: int) -> NDArray[np.float32]:
        """Read the square on its grid; beyond the image its border goes on.

        Parameters
        ----------
        read
            Returns a region of the image, (..., *region).
        shape
            Rows and columns of the image.
        size
            Side of the grid.

        Returns
        -------
        ndarray, shape (..., size, size)
        """
        rows, columns = (
            np.clip(np.arange(start, start + self.side), 0, length - 1)
            for start, length in zip((self.top, self.left), shape, strict=True)
        )
        block = np.asarray(read((slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))), np.float32)
        whole = block[..., rows[:, None] - rows[0], columns[None, :] - columns[0]]
        return np.ascontiguousarray(_resized(whole, size), dtype=np.float32)

    def inside(self, shape: Sequence[int]) -> tuple[slice, slice]:
        """Return the part of the square that lies in an image; of one that lies outside, nothing."""
        rows, columns = (
            slice(min(max(start, 0), length), min(max(start + self.side, 0), length))
            for start, length in zip((self.top, self.left), shape, strict=True)
        )
        return rows, columns

    def to_image(self, plane: NDArray[Any], shape: Sequence[int]) -> NDArray[np.float32]:
        """Take a plane (size, size) on the grid back to the pixels of :meth:`inside`."""
        whole = _resized(plane, self.side)
        rows, columns = self.inside(shape)
        return whole[rows.start - self.top : rows.stop - self.top, columns.start - self.left : columns.stop - self.left]


def crop_around(prompts: Iterable[Prompt], extent: tuple[slice, slice] | None) -> Crop:
    """Return the square that shows an object with what lies around it.

    Parameters
    ----------
    prompts
        What was given; all of it is to lie inside.
    extent
        Rows and columns that the object is thought to take, if that is known.
    """
    edges = [] if extent is None else [(extent[0].start, extent[1].start), (extent[0].stop - 1, extent[1].stop - 1)]
    for prompt in prompts:
        if isinstance(prompt, Box):
            edges += [(prompt.top, prompt.left), (prompt.bottom, prompt.right)]
        elif extent is None or prompt.positive:
            edges += list(prompt.points())
    places = np.asarray(edges, dtype=float)
    low, high = places.min(0), places.max(0)
    return _centred((low + high) / 2, max(float((high - low).max() + 1) / SHARE, SMALLEST))


def first_crops(y: float, x: float, shape: Sequence[int]) -> list[Crop]:
    """Return squares of doubling side around a first click, whose object may be of any size."""
    sides = [2 * SMALLEST]
    while sides[-1] < max(shape):
        sides.append(2 * sides[-1])
    return [_centred((y, x), side) for side in sides]


def _centred(centre: Any, side: float) -> Crop:
    whole = math.ceil(side)
    return Crop(round(float(centre[0]) - (whole - 1) / 2), round(float(centre[1]) - (whole - 1) / 2), whole)


def _resized(plane: NDArray[Any], size: int) -> NDArray[np.float32]:
    shape = plane.shape[-2:]
    everything = (slice(0, size), slice(0, size))

    def read(part: tuple[slice, ...]) -> NDArray[Any]:
        return plane[..., part[0], part[1]]

    return np.asarray(read_resized(read, shape, (size, size), everything), np.float32)
