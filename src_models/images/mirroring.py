"""What lies beyond the ends of an image: the image again, mirrored at its edge.

>>> mirrored(-2, 9, 4).tolist()
[1, 0, 0, 1, 2, 3, 3, 2, 1]
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["mirrored"]


def mirrored(start: int, count: int, length: int) -> NDArray[np.intp]:
    """Return which pixels of an axis are seen in a row of places, some of which may lie before or after it.

    Parameters
    ----------
    start
        The first place; 0 is the first pixel of the axis.
    count
        How many places.
    length
        Pixels of the axis.

    Returns
    -------
    ndarray of int, shape (count,)
        From 0 to below `length`.
    """
    period = 2 * length
    places = np.arange(start, start + count) % period
    return np.minimum(places, period - 1 - places)
