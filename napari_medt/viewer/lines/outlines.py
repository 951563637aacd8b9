"""The outline of some pixels: lines along the edges of those that lie at the border."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["outline"]


def outline(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the lines between the pixels of a mask and all others, neighbours in one row or column put together.

    Parameters
    ----------
    mask
        Rows and columns.

    Returns
    -------
    array, (N, 2, 2)
        Where each line starts, and how far it goes along rows and columns; 0 is the centre of the first pixel.

    Examples
    --------
    >>> outline(np.ones((1, 2), bool))[:2]
    array([[[-0.5, -0.5],
            [ 0. ,  2. ]],
    <BLANKLINE>
           [[ 0.5, -0.5],
            [ 0. ,  2. ]]])
    """
    return np.concatenate([_along_rows(mask), _along_rows(mask.T)[..., ::-1]])


def _along_rows(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    edges = np.diff(np.pad(mask, ((1, 1), (1, 1))), axis=0)  # of booleans: where they differ
    ends = np.diff(edges, axis=1)
    rows, columns = np.nonzero(ends)  # the start and the end of each line, in turn
    starts, stops = columns[::2], columns[1::2]
    still = np.zeros(len(starts))
    return np.stack(
        [np.stack([rows[::2] - 0.5, starts - 0.5], axis=1), np.stack([still, (stops - starts).astype(float)], axis=1)],
        axis=1,
    )
