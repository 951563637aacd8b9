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

from src_models.images.grey.ct_windows import LOWEST_HU, is_ct
from src_models.images.grey.intensity import Measured, Normalisation, look_at

if TYPE_CHECKING:
    from src_models.images.axes import AxesReading
    from src_models.images.grey.grey_range import GreyRange
    from src_models.models.header import Intensity

__all__ = ["counted", "look_at_counted", "measure_counted"]

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
    """Find the normalisation of an image; see :func:`look_at_counted`, which tells as well what counts."""
    return look_at_counted(values, intensity, reading, name=name).normalisation


def look_at_counted(
    values: NDArray[Any],
    intensity: Intensity,
    reading: AxesReading | None = None,
    *,
    grey_range: GreyRange | None = None,
    name: str = "the image",
) -> Measured:
    """Find the normalisation of an image by the values that count; lower ones become what the lowest of these is.

    Parameters
    ----------
    values, intensity, grey_range, name
        See :func:`~src_models.images.grey.intensity.look_at`.
    reading
        See :func:`counted`.

    Raises
    ------
    ImageError
        As :func:`~src_models.images.grey.intensity.look_at` does.
    """
    kept = counted(np.asarray(values), reading)
    found = look_at(kept, intensity, grey_range=grey_range, name=name)
    fixed = "window" in intensity.kind or intensity.kind == "unscaled"
    if kept.size == np.size(values) or fixed or grey_range is not None:
        return found
    normalisation = found.normalisation
    return found._replace(normalisation=replace(normalisation, low=max(normalisation.low, normalisation.fill)))
