"""From the numbers that are stored to the numbers that are meant: ``slope * stored + intercept`` (HU for CT).

DICOM PS3.3 C.11.1.1.2 and the NIfTI fields ``scl_slope`` and ``scl_inter`` say the same. The result keeps to integers
where these hold it exactly, which is a quarter of the memory of what the libraries give.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rescaling", "value_type"]


@dataclass(frozen=True, slots=True)
class Rescaling:
    """``slope * stored + intercept``.

    Parameters
    ----------
    slope, intercept
        The two numbers.
    """

    slope: float = 1.0
    intercept: float = 0.0

    @property
    def whole(self) -> bool:
        """Whether integers stay integers."""
        return float(self.slope).is_integer() and float(self.intercept).is_integer()

    def __call__(self, stored: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Rescale; values are computed in float64 (or 64-bit integers) and given as `dtype`."""
        if self == Rescaling():
            return stored.astype(dtype, copy=False)
        if dtype.kind in "iu":
            return (stored.astype(np.int64) * int(self.slope) + int(self.intercept)).astype(dtype)
        return (stored.astype(np.float64) * self.slope + self.intercept).astype(dtype)


def value_type(stored: np.dtype[Any], low: float, high: float, rescalings: Iterable[Rescaling]) -> np.dtype[Any]:
    """Choose the smallest type that holds all rescaled values.

    Parameters
    ----------
    stored
        Type of the stored values.
    low, high
        Smallest and largest value that may be stored.
    rescalings
        All that are used: one for each slice of a scan.

    Returns
    -------
    numpy.dtype
        The stored type in native byte order where nothing is rescaled; int16 or int32 (or int64) where all slopes and
        intercepts are whole numbers, else float32; float64 for stored types of 32 bits and more, and for numbers that
        no integer holds.
    """
    used = set(rescalings)
    if used <= {Rescaling()}:
        return stored.newbyteorder("=")
    if stored.kind not in "iub" or not all(rescaling.whole for rescaling in used):
        return np.dtype(np.float32 if stored.itemsize <= 2 else np.float64)
    ends = [rescaling.slope * end + rescaling.intercept for rescaling in used for end in (low, high)]
    for dtype in (np.int16, np.int32):
        if np.iinfo(dtype).min <= min(ends) and max(ends) <= np.iinfo(dtype).max:
            return np.dtype(dtype)
    limits = np.iinfo(np.int64)
    return np.dtype(np.int64 if limits.min < min(ends) and max(ends) < limits.max else np.float64)
