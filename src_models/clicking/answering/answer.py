"""What a network of clicks answered: where an object is in a plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from src_models.clicking.answering.crop import Crop, sureness
from src_models.clicking.prompts import Click

__all__ = ["THRESHOLD", "Answer", "Rectangle"]

THRESHOLD = 0.5
Rectangle = tuple[slice, slice]  # rows and columns of a plane
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Answer:
    """Where the object is in a plane.

    Parameters
    ----------
    crop
        The square that was looked at.
    region
        The part of it that lies in the plane (rows and columns); elsewhere the object is not.
    grid
        Probability of the object on the network's grid over the square, float32.
    given
        What the network saw besides the image (places and previous answer), on the same grid.
    mask
        The object's pixels in `region`.
    shape
        Rows and columns of the plane.
    threshold
        Probability above which a pixel is the object. Where an object ends is a matter of taste, which a box tells.
    """

    crop: Crop
    region: Rectangle
    grid: NDArray[np.float32]
    given: NDArray[np.float32]
    mask: NDArray[np.bool_]
    shape: tuple[int, int]
    threshold: float = THRESHOLD

    @property
    def probability(self) -> NDArray[np.float32]:
        """Probability of each pixel in `region`."""
        return self.crop.to_image(self.grid, self.shape)

    @property
    def pixels(self) -> NDArray[np.intp]:
        """Rows and columns (N, 2) of the plane that are the object."""
        rows, columns = np.nonzero(self.mask)
        return np.stack([rows + self.region[0].start, columns + self.region[1].start], axis=1)

    @property
    def seen(self) -> bool:
        """Whether the network found anything; where it did not, the object is what was clicked and nothing else."""
        return bool((self.grid > self.threshold).any())

    @property
    def extent(self) -> Rectangle | None:
        """Rows and columns of the plane that the object takes; None if nothing was found."""
        if not self.mask.any():
            return None
        rows, columns = (np.flatnonzero(self.mask.any(axis)) for axis in (1, 0))
        top, left = self.region[0].start, self.region[1].start
        return slice(top + rows[0], top + rows[-1] + 1), slice(left + columns[0], left + columns[-1] + 1)

    @property
    def middle(self) -> Click:
        """A click in the middle of the object, as far from its edge as can be."""
        depth = ndimage.distance_transform_edt(np.pad(self.mask, 1))[1:-1, 1:-1]
        y, x = np.unravel_index(int(np.argmax(depth)), depth.shape)
        return Click(float(y + self.region[0].start), float(x + self.region[1].start))

    @property
    def sureness(self) -> float:
        """How far from undecided the network is in and around the object, 0 to 1; 0 if nothing was found."""
        return sureness(self.grid, self.grid > THRESHOLD)

    def probability_at(self, y: float, x: float) -> float | None:
        """Return the probability of one pixel of the plane; None where the answer says nothing."""
        row, column = round(y) - self.region[0].start, round(x) - self.region[1].start
        if not (0 <= row < self.mask.shape[0] and 0 <= column < self.mask.shape[1]):
            return None
        at = self.crop.to_grid(row + self.region[0].start, column + self.region[1].start, len(self.grid))
        return float(ndimage.map_coordinates(self.grid, [[at[0]], [at[1]]], order=1, mode="nearest")[0])

    @property
    def cells(self) -> NDArray[np.float32]:
        """How much of each cell of the grid the object takes, 0 to 1."""

        def read(part: tuple[slice, slice]) -> NDArray[np.float32]:
            rows, columns = part
            every = self.on((slice(rows.start, rows.stop), slice(columns.start, columns.stop)))
            return every[:: rows.step, :: columns.step].astype(np.float32)

        return self.crop.read(read, self.shape, len(self.grid))

    def on(self, region: Rectangle) -> NDArray[np.bool_]:
        """Return the object's pixels in a region of the plane, or of one beside it."""
        return self._spread(self.mask, region)

    def on_grid(self, crop: Crop, size: int) -> NDArray[np.float32]:
        """Return the probabilities on the grid (size, size) of another square; 0 where the answer says nothing."""
        if crop == self.crop and len(self.grid) == size:
            return self.grid
        return crop.from_other(self.grid, self.crop, self.shape, size)

    def overlap(self, other: Answer) -> float:
        """Return the IoU with another answer in this plane, or in one beside it."""
        rows, columns = (
            slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(self.region, other.region, strict=True)
        )
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return 0.0
        one, another = (answer.mask[answer.in_region(rows, columns)] for answer in (self, other))
        common = int((one & another).sum())
        return common / max(int(self.mask.sum()) + int(other.mask.sum()) - common, 1)

    def in_region(self, rows: slice, columns: slice) -> Rectangle:
        """Return rows and columns of the plane as those of `region`."""
        top, left = self.region[0].start, self.region[1].start
        return slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)

    def _spread(self, values: NDArray[T], region: Rectangle) -> NDArray[T]:
        """Return what is known in `region` of the plane, of values in the answer's own; 0 elsewhere."""
        out = np.zeros([cut.stop - cut.start for cut in region], values.dtype)
        rows, columns = (
            slice(max(cut.start, own.start), min(cut.stop, own.stop))
            for cut, own in zip(region, self.region, strict=True)
        )
        if rows.start < rows.stop and columns.start < columns.stop:
            top, left = region[0].start, region[1].start
            into = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)
            out[into] = values[self.in_region(rows, columns)]
        return out
