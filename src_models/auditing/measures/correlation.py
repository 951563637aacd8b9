"""How alike two maps are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["cosine", "rank_correlation"]


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
