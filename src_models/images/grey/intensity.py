"""Bringing grey values to the range a network was trained on.

The two numbers that do it (an offset and a factor) are found once for a whole image, so that every tile of it is
treated alike. Of a large image a regular sample is looked at, never all of it.

Specks that are far brighter or darker than all else have no part in the two numbers either
(:mod:`src_models.images.grey.grey_range`), unless a person chose the range.

Values that are NaN or infinite say nothing of the image: they have no part in the two numbers, and count as the lowest
value that the image has, which is background in most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.images.grey.grey_range import GreyRange, GreyValues, without_specks
from src_models.models.header import Intensity

__all__ = ["Measured", "Normalisation", "filled", "is_finite", "look_at", "measure"]

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


class Measured(NamedTuple):
    """What was found of an image's grey values: how they become the network's, and which of them count."""

    normalisation: Normalisation
    grey: GreyValues


def measure(
    values: NDArray[Any], intensity: Intensity, *, grey_range: GreyRange | None = None, name: str = "the image"
) -> Normalisation:
    """Find the normalisation of an image; see :func:`look_at`, which tells as well what counts."""
    return look_at(values, intensity, grey_range=grey_range, name=name).normalisation


def look_at(
    values: NDArray[Any], intensity: Intensity, *, grey_range: GreyRange | None = None, name: str = "the image"
) -> Measured:
    """Find the normalisation of an image, and the grey values that count.

    Parameters
    ----------
    values
        The image, or a representative sample of it; any shape and numeric type. Constant images are allowed, and some
        values may be NaN or infinite.
    intensity
        The kind, from the model's header.
    grey_range
        The range that a person chose, in place of the header's: its ends become 0 and 1 (of signed windows -1 and 1),
        what lies beyond counts as these. None takes the header's; where it asks for percentiles, specks that are far
        brighter or darker than all else are left out.
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
    grey = _range_by_percentiles(flat, intensity) if grey_range is None else _chosen(flat, grey_range)
    low, high = grey.low, grey.high
    if intensity.kind == "unscaled":  # a range that a person chose bounds the values, and leaves them as they are
        least, most = (-np.inf, np.inf) if grey_range is None else (low, high)
        return Measured(Normalisation(0.0, 1.0, float(least), float(most), fill), grey)
    if intensity.kind == "signed-window":
        middle = (low + high) / 2
        return Measured(Normalisation(middle, high - middle, low, high, fill), grey)
    if intensity.kind == "zscore":
        clipped = np.clip(flat, low, high)
        return Measured(Normalisation(float(clipped.mean()), float(clipped.std()) or 1.0, low, high, fill), grey)
    width = (high - low) or 1.0
    if intensity.kind == "window" or grey_range is not None:
        return Measured(Normalisation(low, width, low, high, fill), grey)
    least = low if grey.dark else low - LIMIT * width
    most = high if grey.bright else high + LIMIT * width
    return Measured(Normalisation(low, width, least, most, fill), grey)


def _range_by_percentiles(flat: NDArray[np.float64], intensity: Intensity) -> GreyValues:
    """Return the header's range; of percentiles, of what is left without specks."""
    if "window" in intensity.kind:
        return GreyValues(intensity.low, intensity.high)
    if intensity.kind == "unscaled":
        return GreyValues(float(flat.min()), float(flat.max()))
    kept = without_specks(flat, intensity.low, intensity.high) if intensity.low > 0 and intensity.high < 100 else None
    if kept is not None and (kept.bright or kept.dark):
        rest = flat[(flat >= kept.low) & (flat <= kept.high)]
        low, high = (float(v) for v in np.percentile(rest, (intensity.low, intensity.high)))
        if low < high:
            return GreyValues(low, high, kept.bright, kept.dark)
    low, high = (float(v) for v in np.percentile(flat, (intensity.low, intensity.high)))
    return _not_empty(flat, low, high) if intensity.kind == "percentile" else GreyValues(low, high)


def _chosen(flat: NDArray[np.float64], grey_range: GreyRange) -> GreyValues:
    if not grey_range.percentiles:
        return GreyValues(grey_range.low, grey_range.high)
    low, high = (float(v) for v in np.percentile(flat, (grey_range.low, grey_range.high)))
    return _not_empty(flat, low, high)


def _not_empty(flat: NDArray[np.float64], low: float, high: float) -> GreyValues:
    """Return a range; where nearly all pixels are equal, the few others set it."""
    return GreyValues(low, high) if low < high else GreyValues(float(flat.min()), float(flat.max()))
