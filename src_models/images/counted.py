"""Which values of an image count when its grey values are measured: padding is no tissue, nor is what lies below HU.

Examples
--------
>>> scan = np.array([-3024, -3024, -1000, -1000, 40, 60])
>>> counted(scan).tolist()
[-1000, -1000, 40, 60]
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from src_models.images.ct_windows import LOWEST_HU, is_ct
from src_models.images.intensity import Normalisation, measure

if TYPE_CHECKING:
    from src_models.images.axes import AxesReading
    from src_models.models.header import Intensity

__all__ = ["as_dark_as_tissue", "counted", "measure_counted"]

_LOOKED_AT = 1_000_000  # values that tell whether they are those of a CT


def counted(values: NDArray[Any], reading: AxesReading | None = None) -> NDArray[Any]:
    """Return the values that count.

    Parameters
    ----------
    values
        Of an image; any shape.
    reading
        How the image is read; its padding does not count, and of a CT nothing below -1024 HU. None where only values
        are known: then they tell whether it is a CT.

    Returns
    -------
    NDArray
        `values` themselves if all of them count, or none does; else those that do, in one dimension.
    """
    padding = reading.padding if reading is not None else ()
    if not padding and values.dtype.kind not in "if":
        return values
    counts = np.ones(values.shape, np.bool_)
    for low, high in padding:
        counts &= (values < low) | (values > high)
    sample = values[counts] if padding else values.ravel()
    if is_ct(sample[:: max(1, sample.size // _LOOKED_AT)], reading):
        counts &= ~(values < LOWEST_HU)  # NaN stays: it has its own way
    return values if counts.all() or not counts.any() else values[counts]


def measure_counted(
    values: NDArray[Any], intensity: Intensity, reading: AxesReading | None = None, *, name: str = "the image"
) -> Normalisation:
    """Find the normalisation of an image by the values that count; lower ones become what the lowest of these is.

    Parameters
    ----------
    values, intensity, name
        See :func:`~src_models.images.intensity.measure`.
    reading
        See :func:`counted`.

    Raises
    ------
    ImageError
        As :func:`~src_models.images.intensity.measure` does.
    """
    kept = counted(np.asarray(values), reading)
    found = measure(kept, intensity, name=name)
    return as_dark_as_tissue(found) if kept.size < np.size(values) and "window" not in intensity.kind else found


def as_dark_as_tissue(measured: Normalisation) -> Normalisation:
    """Return a normalisation that takes lower values, which did not count, for the lowest that did."""
    return replace(measured, low=max(measured.low, measured.fill))
