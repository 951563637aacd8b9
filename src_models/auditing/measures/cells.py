"""Between pixels and the cells of a coarser grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["cell_means", "to_pixels"]


def cell_means(values: NDArray[np.generic], size: int) -> NDArray[np.float64]:
    """Return the mean of values (H, W) over each cell of size x size pixels; the last ones may have fewer pixels.

    Examples
    --------
    >>> cell_means(np.array([[0, 2, 5], [4, 6, 7]]), 2).tolist()
    [[3.0, 6.0]]
    """
    starts = [np.arange(0, length, size) for length in values.shape]
    sums = np.add.reduceat(np.add.reduceat(values.astype(np.float64), starts[0], 0), starts[1], 1)
    rows, columns = (np.diff([*start, length]) for start, length in zip(starts, values.shape, strict=True))
    return np.asarray(sums / np.outer(rows, columns))


def to_pixels(cells: NDArray[np.float32], size: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Give every pixel of an image of this shape (H, W) the value of its cell; the inverse of :func:`cell_means`."""
    return cells.repeat(size, axis=0).repeat(size, axis=1)[: shape[0], : shape[1]]
