"""A volume as what a network of slices learns from: each slice with its neighbours as further channels (2.5D).

Nothing is copied: neighbours are views of one array, whose first and last slices are repeated beyond its ends.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from src_models.training.patches import TrainingImage

__all__ = ["slices_of", "with_neighbours"]


def with_neighbours(slices: NDArray[Any], offsets: Sequence[int]) -> NDArray[Any]:
    """Return each slice with its neighbours, a view.

    Parameters
    ----------
    slices
        (D, *S).
    offsets
        Which neighbours, counted from the slice: from -n to n, in order.

    Returns
    -------
    ndarray
        (D, len(offsets), *S); beyond the ends, the first and the last slice are repeated.

    Examples
    --------
    >>> with_neighbours(np.array([5, 6, 7]), (-1, 0, 1)).tolist()
    [[5, 5, 6], [5, 6, 7], [6, 7, 7]]
    """
    if tuple(offsets) == (0,):
        return slices[:, None]
    around = np.pad(slices, [(-offsets[0], offsets[-1]), *[(0, 0)] * (slices.ndim - 1)], mode="edge")
    return np.moveaxis(np.lib.stride_tricks.sliding_window_view(around, len(offsets), axis=0), -1, 1)


def slices_of(volume: TrainingImage, offsets: Sequence[int], most: int | None = None) -> Iterator[TrainingImage]:
    """Yield the slices of a volume, without those of which nothing counts.

    Parameters
    ----------
    volume
        (1, D, H, W), and labels (D, H, W).
    offsets
        As in :func:`with_neighbours`.
    most
        How many, spread evenly; None for all.
    """
    stacked = with_neighbours(volume.image[0], offsets)
    counting = [z for z, labels in enumerate(volume.labels) if (labels >= 0).any()]
    for z in counting if most is None else counting[:: -(-len(counting) // most)]:
        labels = volume.labels[z]
        partly = bool((labels < 0).any())
        yield dataclasses.replace(
            volume,
            name=f"{volume.name} slice {z}",
            image=stacked[z],
            labels=labels,
            focus=np.argwhere(labels >= 0) if partly else None,
        )
