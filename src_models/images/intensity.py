"""Bringing grey values to the range a network was trained on.

The two numbers that do it (an offset and a factor) are found once for a whole image, so that every tile of it is
treated alike. Of a large image a regular sample is looked at, never all of it.

Values that are NaN or infinite say nothing of the image: they have no part in the two numbers, and count as the lowest
value that the image has, which is background in most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.models.header import Intensity

__all__ = ["Normalisation", "filled", "is_finite", "measure"]

MOST_SAMPLED = 4_000_000
# Bounds the result where an image's bright specks lie far beyond its percentiles.
LIMIT = 4.0


@dataclass(frozen=True, slots=True)
class Normalisation:
    """``(value - offset) / width``, after clipping to `low` and `high`; `fill` stands in for what is not finite."""

    offset: float
    width: float
    low: float
    high: float
    fill: float = 0.0

    def __call__(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Normalise values of any numeric type; shape is kept."""
        # float32 has 24 bits: 32-bit counts and doubles need more until the offset is taken off.
        wide = values.dtype.itemsize > (4 if values.dtype.kind == "f" else 2)
        exact = np.float64 if wide else np.float32
        clipped = np.clip(self._filled(values).astype(exact), self.low, self.high)
        return np.asarray((clipped - exact(self.offset)) / exact(self.width), dtype=np.float32)

    def _filled(self, values: NDArray[Any]) -> NDArray[Any]:
        if is_finite(values):
            return values
        return np.where(np.isfinite(values), values, values.dtype.type(self.fill))


def is_finite(values: NDArray[Any]) -> bool:
    """Whether no value is NaN or infinite."""
    return values.dtype.kind != "f" or bool(np.isfinite(values).all())


def filled(values: NDArray[Any]) -> NDArray[Any]:
    """Return values with the lowest one in place of those that are NaN or infinite; 0 where none is finite."""
    if is_finite(values):
        return values
    known = np.isfinite(values)
    return np.where(known, values, values[known].min() if known.any() else values.dtype.type(0))


def measure(values: NDArray[Any], intensity: Intensity, *, name: str = "the image") -> Normalisation:
    """Find the normalisation of an image.

    Parameters
    ----------
    values
        The image, or a representative sample of it; any shape and numeric type. Constant images are allowed, and some
        values may be NaN or infinite.
    intensity
        The kind, from the model's header.
    name
        What to call the image in an error.

    Raises
    ------
    ImageError
        If no value is finite, or the values are no real numbers.
    """
    values = np.asarray(values)
    if values.dtype.kind not in "buif":
        raise ImageError(f"{name} holds values of type {values.dtype}; convert it to real numbers")
    if not is_finite(values):
        values = values[np.isfinite(values)]
        if not values.size:
            raise ImageError(f"{name} has no value that is a finite number (all are NaN or infinite); open another one")
    fill = float(values.min())
    flat = values.ravel()[:: max(1, values.size // MOST_SAMPLED)].astype(np.float64)
    if intensity.kind == "window":
        return Normalisation(intensity.low, intensity.high - intensity.low, intensity.low, intensity.high, fill)
    if intensity.kind == "signed-window":
        middle = (intensity.low + intensity.high) / 2
        return Normalisation(middle, intensity.high - middle, intensity.low, intensity.high, fill)
    low, high = (float(v) for v in np.percentile(flat, (intensity.low, intensity.high)))
    if intensity.kind == "zscore":
        clipped = np.clip(flat, low, high)
        return Normalisation(float(clipped.mean()), float(clipped.std()) or 1.0, low, high, fill)
    if high <= low:  # nearly all pixels equal: the few others set the range
        low, high = float(flat.min()), float(flat.max())
    width = (high - low) or 1.0
    return Normalisation(low, width, low - LIMIT * width, high + LIMIT * width, fill)
