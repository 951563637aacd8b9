"""Where objects of a plane are: their boxes, centres and areas, found in one pass.

Examples
--------
>>> found = places(np.array([[0, 7, 7], [3, 0, 7]]))
>>> found.ids, found.areas
(array([3, 7]), array([1, 3]))
>>> found.boxes
array([[1, 2, 0, 1],
       [0, 2, 1, 3]])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Places", "places"]


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Objects of a plane, by number.

    Parameters
    ----------
    ids
        (N,) their numbers, ascending.
    boxes
        (N, 4) first row, row after the last, first column, column after the last.
    centres
        (N, 2) row and column (px) of the centre of mass; of the middle of a pixel they are whole.
    areas
        (N,) px.
    """

    ids: NDArray[np.int64]
    boxes: NDArray[np.int64]
    centres: NDArray[np.float64]
    areas: NDArray[np.int64]


def places(labels: NDArray[Any]) -> Places:
    """Return where the objects of a plane are.

    Parameters
    ----------
    labels
        (H, W) of whole numbers; 0 and what is below are no objects.
    """
    rows, columns = np.nonzero(labels > 0)
    if not len(rows):
        return Places(np.zeros(0, np.int64), np.zeros((0, 4), np.int64), np.zeros((0, 2)), np.zeros(0, np.int64))
    ids, which = np.unique(labels[rows, columns], return_inverse=True)
    areas = np.bincount(which)
    boxes = np.empty((len(ids), 4), np.int64)
    for first, positions in ((0, rows), (2, columns)):
        low, high = np.full(len(ids), np.iinfo(np.int64).max), np.full(len(ids), -1)
        np.minimum.at(low, which, positions)
        np.maximum.at(high, which, positions)
        boxes[:, first], boxes[:, first + 1] = low, high + 1
    centres = np.stack([np.bincount(which, positions) / areas for positions in (rows, columns)], axis=1)
    return Places(ids.astype(np.int64), boxes, centres, areas.astype(np.int64))
