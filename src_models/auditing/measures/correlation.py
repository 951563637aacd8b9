"""How alike two maps are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["chance_correlation", "cosine", "rank_correlation"]


def chance_correlation(cells: int) -> float:
    """Return the mean size of the rank correlation of random orders of so many cells: ``sqrt(2 / (pi (n - 1)))``.

    Its distribution is close to a normal one with the variance 1 / (n - 1), exactly so in its variance.

    Examples
    --------
    >>> round(chance_correlation(9), 2), round(chance_correlation(1025), 2), chance_correlation(1)
    (0.28, 0.02, 1.0)
    """
    return float(np.sqrt(2 / (np.pi * (cells - 1)))) if cells > 1 else 1.0


def rank_correlation(first: NDArray[np.floating], second: NDArray[np.floating]) -> float | None:
    """Return Spearman's rank correlation of two arrays of equal size; equal values share their mean rank.

    None if one of them is the same everywhere: then there is no order to compare.

    Examples
    --------
    >>> rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([10.0, 1000.0, 30000.0]))
    1.0
    """
    from scipy.stats import rankdata

    ranks = [rankdata(values.ravel()) - (values.size + 1) / 2 for values in (first, second)]
    return cosine(*ranks) if all(np.any(rank) for rank in ranks) else None


def cosine(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Return the cosine between two arrays as vectors, not all 0: 1 where one is a positive multiple of the other."""
    a, b = (values.ravel().astype(np.float64) for values in (first, second))
    return float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1, 1))
