"""The objects of each frame of a time series of labels: number, place and size.

Examples
--------
>>> labels = np.zeros((2, 4, 4), int)
>>> labels[0, 1:3, 1:3] = labels[1, 2:4, 1:3] = 5
>>> found = frame_objects(labels)
>>> found.frame.tolist(), found.number.tolist(), found.place.tolist()
([0, 1], [5, 5], [[1.5, 1.5], [2.5, 1.5]])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError

__all__ = ["FrameObjects", "frame_objects"]


@dataclass(frozen=True, slots=True, eq=False)
class FrameObjects:
    """The objects of all frames, in the order of frames and numbers.

    Parameters
    ----------
    frame, number
        (N,) the frame from 0, and the number in the labels of it.
    place
        (N, D) the middle ([z, ]y, x) in pixels.
    pixels
        (N,) how many pixels, or voxels, they have.
    """

    frame: NDArray[np.int64]
    number: NDArray[np.int64]
    place: NDArray[np.float64]
    pixels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.frame)

    def diameter(self, spacing: Sequence[float]) -> float:
        """Return the middle one of the diameters of discs, or balls, as large as the objects, in units of `spacing`."""
        size = float(np.median(self.pixels)) * float(np.prod(spacing))
        return float(2 * (size / np.pi) ** 0.5 if len(spacing) == 2 else 2 * (0.75 * size / np.pi) ** (1 / 3))


def frame_objects(labels: Any) -> FrameObjects:
    """Find the objects of each frame.

    Parameters
    ----------
    labels
        Integers (t, [z, ]y, x), 0 the background; in memory or lazy: one frame at a time is read.

    Raises
    ------
    ImageError
        If they have other axes, or hold no object.
    """
    if labels.ndim not in (3, 4):
        raise ImageError(f"objects are followed in labels (t, y, x) or (t, z, y, x), and these have {labels.ndim} axes")
    parts = [_of_frame(frame, np.asarray(labels[frame])) for frame in range(labels.shape[0])]
    found = FrameObjects(*(np.concatenate(each) for each in zip(*parts, strict=True)))
    if not len(found):
        raise ImageError("there is no object in any frame of these labels")
    return found


def _of_frame(frame: int, labels: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    where = np.nonzero(labels)
    numbers, own = np.unique(labels[where], return_inverse=True)
    pixels = np.bincount(own, minlength=len(numbers))
    sums = [np.bincount(own, axis.astype(np.float64), minlength=len(numbers)) for axis in where]
    place = np.stack(sums, axis=1) / pixels[:, None] if len(numbers) else np.zeros((0, labels.ndim))
    return np.full(len(numbers), frame), numbers.astype(np.int64), place, pixels
