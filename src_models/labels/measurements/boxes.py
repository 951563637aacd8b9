"""Where the objects of a label image lie, and which touch: found in one pass, a slab at a time.

Examples
--------
>>> from src_models.progress import finish
>>> found = finish(find_steps(np.array([[7, 7, 0, 2], [7, 9, 9, 0]])))
>>> found.ids.tolist(), found.boxes[0], found.neighbours.tolist()
([2, 7, 9], (slice(0, 1, None), slice(3, 4, None)), [0, 1, 1])
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.progress import Progress

__all__ = ["Box", "FoundObjects", "find_steps"]

Box = tuple[slice, ...]

_SLAB = 2**23  # px that are looked at at a time
_DENSE = 2**16  # numbers up to here are looked for without being sorted


@dataclass(frozen=True, slots=True, eq=False)
class FoundObjects:
    """The objects of a label image.

    Parameters
    ----------
    ids
        (N,) their numbers, in order.
    boxes
        For each, the smallest box that holds it.
    neighbours
        (N,) how many others each touches: across a side of a pixel, not over a corner.
    """

    ids: NDArray[np.int64]
    boxes: list[Box]
    neighbours: NDArray[np.int64]


def find_steps(labels: Any) -> Generator[Progress, None, FoundObjects]:
    """Find the objects, in steps.

    Parameters
    ----------
    labels
        Integers or booleans of any number of axes, NumPy or lazy; what is not above 0 is background.
    """
    rows = max(1, _SLAB // max(1, int(np.prod(labels.shape[1:]))))
    ends: dict[int, NDArray[np.int64]] = {}
    pairs = np.zeros((0, 2), np.int64)
    total = labels.shape[0]
    for start in range(0, total, rows):
        yield Progress(start, total, "looking for objects")
        slab = np.asarray(labels[start : start + rows + 1])  # and the first row of the next
        slab = slab.astype(np.uint8) if slab.dtype.kind == "b" else slab
        pairs = np.unique(np.concatenate([pairs, _touching(slab)]), axis=0)
        for own, box in _boxes(slab[:rows]):
            here = np.array([[cut.start, cut.stop] for cut in box])
            here[0] += start
            known = ends.get(own, here)
            ends[own] = np.stack([np.minimum(known[:, 0], here[:, 0]), np.maximum(known[:, 1], here[:, 1])], axis=1)
    ids = np.array(sorted(ends), np.int64)
    boxes = [tuple(slice(int(low), int(high)) for low, high in ends[own]) for own in ids.tolist()]
    counts = np.zeros(len(ids), np.int64)
    np.add.at(counts, np.searchsorted(ids, pairs.ravel()), 1)
    return FoundObjects(ids, boxes, counts)


def _boxes(slab: NDArray[Any]) -> list[tuple[int, Box]]:
    from scipy.ndimage import find_objects

    highest = int(slab.max(initial=0))
    if highest <= 0:
        return []
    if highest <= _DENSE:
        found = find_objects(slab.astype(np.int32, copy=False))
        return [(number, box) for number, box in enumerate(found, start=1) if box is not None]
    numbers, compact = np.unique(slab, return_inverse=True)
    found = find_objects(compact.reshape(slab.shape).astype(np.int64) + 1)
    return [(number, box) for number, box in zip(numbers.tolist(), found, strict=True) if number > 0]


def _touching(slab: NDArray[Any]) -> NDArray[np.int64]:
    """Return the pairs (P, 2) of numbers that meet across a side, the smaller one first."""
    met = [np.zeros((0, 2), np.int64)]
    for axis in range(slab.ndim):
        along = np.moveaxis(slab, axis, 0)
        low, high = along[:-1], along[1:]
        where = (low != high) & (low > 0) & (high > 0)
        both = np.stack([low[where], high[where]], axis=1).astype(np.int64)
        met.append(np.unique(np.sort(both, axis=1), axis=0))
    return np.concatenate(met)
