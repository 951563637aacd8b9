"""What changed in a volume, and how it was before: the smallest box around it, eight voxels a byte."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Before", "Bounds", "bounds_of"]

Mask = NDArray[np.bool_]
Bounds = tuple[tuple[int, int], ...]  # from the first voxel to the one after the last, along each axis


def bounds_of(mask: Mask) -> Bounds | None:
    """Return the smallest box that holds all of a mask; None if it is empty.

    >>> bounds_of(np.array([[[0, 0, 0], [0, 1, 1]]], bool))
    ((0, 1), (1, 2), (1, 3))
    """
    bounds: Bounds = ()
    for axis in range(mask.ndim):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        taken = np.flatnonzero(mask.any(others))
        if not taken.size:
            return None
        first, last = int(taken[0]), int(taken[-1]) + 1
        bounds = (*bounds, (first, last))
        mask = mask[(slice(None),) * axis + (slice(first, last),)]
    return bounds


@dataclass(frozen=True, slots=True)
class Before:
    """How a box of a mask was.

    Parameters
    ----------
    bounds
        The box; None where nothing changed.
    packed
        Its voxels in the order of C, eight a byte.
    """

    bounds: Bounds | None
    packed: NDArray[np.uint8]

    @classmethod
    def of(cls, before: Mask, now: Mask | None = None) -> Before:
        """Return how a mask was where it is otherwise now; None stands for an empty one."""
        bounds = bounds_of(before if now is None else before != now)
        part = before[_index(bounds)] if bounds is not None else np.zeros(0, bool)
        return cls(bounds, np.packbits(part))

    def put_back(self, mask: Mask) -> None:
        """Write into a mask what was there."""
        if self.bounds is not None:
            part = mask[_index(self.bounds)]
            part[...] = np.unpackbits(self.packed, count=part.size).reshape(part.shape)


def _index(bounds: Bounds) -> tuple[slice, ...]:
    return tuple(slice(first, last) for first, last in bounds)
