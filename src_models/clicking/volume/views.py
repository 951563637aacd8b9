"""The three ways in which a volume is cut into planes, and where a voxel lies in them.

>>> sagittal = View(2)
>>> sagittal.place((4, 5, 6))
(6, (4, 5))
>>> sagittal.voxels(6, np.array([[4, 5]])).tolist()
[[4, 5, 6]]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from src_models.images.axes import AxesReading

__all__ = ["VIEWS", "View", "coarsest"]

T = TypeVar("T", bound=np.generic)
_AXES = ("ZYX", "YZX", "YXZ")
# A volume whose planes are so much further apart along one axis than the pixels in them was made of these planes.
COARSER = 1.25


@dataclass(frozen=True, slots=True)
class View:
    """A volume as planes one behind the other.

    Parameters
    ----------
    axis
        The axis of the volume (k, j, i) along which they lie: 0, 1 or 2.
    """

    axis: int

    @property
    def core(self) -> tuple[int, int]:
        """The axes of the volume that are rows and columns."""
        first, second = (axis for axis in range(3) if axis != self.axis)
        return first, second

    def reading(self, volume: AxesReading) -> AxesReading:
        """Return how the volume, which is read as ZYX, is read from this side."""
        axes = _AXES[self.axis]
        sizes = [volume.spacing[letter] for letter in volume.axes]
        return replace(volume, axes=axes, spacing=dict(zip(axes, sizes, strict=True)))

    def plane(self, volume: NDArray[T], index: int) -> NDArray[T]:
        """Return a plane (rows, columns) of a volume; writing in it writes in the volume."""
        return volume[(slice(None),) * self.axis + (index,)]

    def place(self, voxel: Sequence[int]) -> tuple[int, tuple[int, int]]:
        """Return which plane a voxel lies in, and its row and column there."""
        rows, columns = self.core
        return voxel[self.axis], (voxel[rows], voxel[columns])

    def voxels(self, index: int, pixels: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the voxels (N, 3) that some pixels (N, 2) of a plane are."""
        return np.insert(np.asarray(pixels, np.intp).reshape(-1, 2), self.axis, index, axis=1)


VIEWS = (View(0), View(1), View(2))


def coarsest(spacing: Sequence[float]) -> View:
    """Return the view in whose planes a volume was made, as far as the sizes (k, j, i) of a voxel tell; else the first.

    >>> coarsest((1.0, 1.0, 3.0)).axis, coarsest((1.0, 1.0, 1.1)).axis
    (2, 0)
    """
    order = np.argsort(np.negative(spacing), kind="stable")
    longest, next_one = order[:2]
    return VIEWS[int(longest)] if spacing[longest] >= COARSER * spacing[next_one] else VIEWS[0]
