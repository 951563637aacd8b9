"""What two corrections of one plane share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from src_models.corrections.correction import Bounds, Correction

__all__ = ["counted_of", "same_image"]


def counted_of(correction: Correction, region: Bounds) -> NDArray[np.bool_]:
    """Return which pixels of another region of its plane count in a correction."""
    (top, bottom), (left, right) = region
    counted = np.zeros((bottom - top, right - left), bool)
    here, there = _overlap(region, correction.record.region)
    counted[here] = correction.counts[there]
    return counted


def same_image(one: Correction, other: Correction) -> bool:
    """Return whether two corrections of one place show the same pixels where both are: images may share a name."""
    here, there = _overlap(one.record.region, other.record.region)
    holes = one.image.dtype.kind == "f" == other.image.dtype.kind  # which are equal to nothing, not even themselves
    return bool(np.array_equal(one.image[here], other.image[there], equal_nan=holes))


def _overlap(one: Bounds, other: Bounds) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return the part that two regions of a plane share, as each of them cuts it out."""
    first, second = [], []
    for (start, stop), (begin, end) in zip(one, other, strict=True):
        low = max(start, begin)
        high = max(low, min(stop, end))
        first.append(slice(low - start, high - start))
        second.append(slice(low - begin, high - begin))
    return tuple(first), tuple(second)
