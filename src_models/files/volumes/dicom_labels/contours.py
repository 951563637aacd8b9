"""Closed contours to voxels, by the even-odd rule.

A voxel is inside if a ray from its centre crosses the contours an odd number of times. So holes are holes, whether they
are contours of their own or joined to the outer one by a keyhole, whose two edges cancel each other.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

__all__ = ["inside_contours"]


def inside_contours(contours: Iterable[NDArray[np.float64]], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the pixels whose centres lie inside of closed contours.

    Parameters
    ----------
    contours
        Each (N, 2): its points (row, column), in pixels; the centre of the first pixel is (0, 0). The last point is
        joined to the first.
    shape
        Rows and columns.

    Returns
    -------
    NDArray
        (rows, columns) booleans. A centre on a contour's upper or left edge is inside, one on its lower or right edge
        is not, so that two contours that share an edge share no pixel.

    Examples
    --------
    >>> square = np.array([[0.5, 0.5], [0.5, 3.5], [2.5, 3.5], [2.5, 0.5]])
    >>> inside_contours([square], (4, 5)).astype(int).tolist()
    [[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]]
    """
    rows, columns = shape
    crossings = np.zeros((rows, columns + 1), np.int64)
    for points in contours:
        begin, end = points, np.roll(points, -1, axis=0)
        # Each edge from its upper end to its lower one: the two edges of a keyhole then cross at the very same place.
        down = (begin[:, 0] <= end[:, 0])[:, None]
        upper, lower = np.where(down, begin, end), np.where(down, end, begin)
        first = np.clip(np.ceil(upper[:, 0]), 0, rows).astype(np.int64)
        behind = np.clip(np.ceil(lower[:, 0]), 0, rows).astype(np.int64)
        counts = np.maximum(behind - first, 0)
        edge = np.repeat(np.arange(len(points)), counts)
        if not edge.size:
            continue
        row = np.arange(edge.size) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
        share = (row - upper[edge, 0]) / (lower[edge, 0] - upper[edge, 0])
        column = upper[edge, 1] + share * (lower[edge, 1] - upper[edge, 1])
        np.add.at(crossings, (row, np.clip(np.ceil(column), 0, columns).astype(np.int64)), 1)
    return np.asarray(np.cumsum(crossings[:, :columns], axis=1) % 2 == 1)
