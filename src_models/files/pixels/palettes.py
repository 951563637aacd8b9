"""Tables of colours: whether they make the colours of a picture, or only make grey values colourful to look at.

Examples
--------
>>> steps = np.arange(256)
>>> is_for_looking(np.stack([0 * steps, steps, 0 * steps]), of_grey=False)  # green
True
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["as_bytes", "is_for_looking", "is_grey"]

# Neighbours in a table that shows grey values look alike; those in one that holds a picture's colours do not.
_STEP = 16 / 255


def as_bytes(table: NDArray[Any]) -> NDArray[Any]:
    """Return a table of 16 bits as one of 8 where that loses nothing: (3, n) either way.

    A byte stands for itself times 257 or times 256, and some programs write it as it is.
    """
    if table.max() <= 255:
        return table.astype(np.uint8)
    if not (table % 257).any() or not (table % 256).any():
        return (table >> 8).astype(np.uint8)
    return table


def is_grey(table: NDArray[Any]) -> bool:
    """Whether all colours of a table (3, n) are greys."""
    return bool((table == table[0]).all())


def is_for_looking(table: NDArray[Any], *, of_grey: bool) -> bool:
    """Whether a table of colours shows grey values, which are then what counts.

    Parameters
    ----------
    table
        (3, n) of an unsigned type: the red, green and blue of each number.
    of_grey
        Whether it comes from a program that gives tables to grey images (ImageJ, microscopes).

    Returns
    -------
    bool
        True for a table in which red, green and blue all grow with the number; from such a program also for one that
        changes little from each number to the next.
    """
    steps = np.diff(table.astype(np.int64))
    grows = bool((steps >= 0).all() and steps.any())
    if is_grey(table):
        return grows and table.shape[1] == 256 and bool((table[0] == np.arange(256)).all())
    return grows or (of_grey and float(np.abs(steps).mean(axis=1).max()) < _STEP * np.iinfo(table.dtype).max)
