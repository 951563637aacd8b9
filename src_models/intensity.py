"""Bringing grey values to the range a network was trained on.

The two numbers that do it (an offset and a factor) are found once for a whole image, so that every tile of it is
treated alike. Of a large image a regular sample is looked at, never all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.header import Intensity

__all__ = ["Normalisation", "measure"]

MOST_SAMPLED = 4_000_000
# Bounds the result where an image's bright specks lie far beyond its percentiles.
LIMIT = 4.0


@dataclass(frozen=True, slots=True)
class Normalisation:
    """``(value - offset) / width``, after clipping to `low` and `high`."""

    offset: float
    width: float
    low: float
    high: float

    def __call__(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Normalise values of any numeric type; shape is kept."""
        # float32 has 24 bits: 32-bit counts and doubles need more until the offset is taken off.
        wide = values.dtype.itemsize > (4 if values.dtype.kind == "f" else 2)
        exact = np.float64 if wide else np.float32
        clipped = np.clip(values.astype(exact), self.low, self.high)
        return np.asarray((clipped - exact(self.offset)) / exact(self.width), dtype=np.float32)


def measure(values: NDArray[Any], intensity: Intensity, *, name: str = "the image") -> Normalisation:
    """Find the normalisation of an image.

    Parameters
    ----------
    values
        The image, or a representative sample of it; any shape and numeric type. Constant images are allowed.
    intensity
        The kind, from the model's header.
    name
        What to call the image in an error.

    Raises
    ------
    ImageError
        If a value is NaN or infinite, or the values are no real numbers.
    """
    values = np.asarray(values)
    if values.dtype.kind not in "buif":
        raise ImageError(f"{name} holds values of type {values.dtype}; convert it to real numbers")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ImageError(f"{name} has NaN or infinite values; replace them (for example by numpy.nan_to_num) first")
    flat = values.ravel()[:: max(1, values.size // MOST_SAMPLED)].astype(np.float64)
    if intensity.kind == "window":
        return Normalisation(intensity.low, intensity.high - intensity.low, intensity.low, intensity.high)
    if intensity.kind == "signed-window":
        middle = (intensity.low + intensity.high) / 2
        return Normalisation(middle, intensity.high - middle, intensity.low, intensity.high)
    low, high = (float(v) for v in np.percentile(flat, (intensity.low, intensity.high)))
    if intensity.kind == "zscore":
        clipped = np.clip(flat, low, high)
        return Normalisation(float(clipped.mean()), float(clipped.std()) or 1.0, low, high)
    if high <= low:  # nearly all pixels equal: the few others set the range
        low, high = float(flat.min()), float(flat.max())
    width = (high - low) or 1.0
    return Normalisation(low, width, low - LIMIT * width, high + LIMIT * width)
