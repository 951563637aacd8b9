"""The numbers of a mask: whole, from 0, whatever type they are stored in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError

__all__ = ["as_mask", "check_kept"]

# Numbers that went through a factor, such as 1/255 in a NIfTI, come back a little beside the whole ones.
_TOLERANCE = 1e-3
_MOST = 2**53  # above this, floats skip whole numbers


def as_mask(values: NDArray[Any], name: str) -> NDArray[Any]:
    """Return the numbers of a mask as integers.

    Parameters
    ----------
    values
        Integers, booleans, or floats that are whole numbers but for rounding (0.001); any shape.
    name
        The file or layer, for errors.

    Returns
    -------
    NDArray
        Integers in their own type; booleans as 0 and 1 (uint8); floats in the smallest of uint8, uint16, uint32 and
        int64 that holds them.

    Raises
    ------
    ImageError
        If a number is negative, no whole one, or no number (NaN).

    Examples
    --------
    >>> as_mask(np.array([0.0, 42.0]), "mask.nii").tolist()
    [0, 42]
    >>> as_mask(np.array([0.0, 0.5]), "mask.nii")
    Traceback (most recent call last):
        ...
    src_models.errors.ImageError: mask.nii: it holds 0.5, and a mask holds whole numbers; save it as integers
    """
    if values.dtype == bool:
        return values.astype(np.uint8)
    if values.dtype.kind not in "iuf":
        raise ImageError(
            f"{name}: its values are of type {values.dtype}, and a mask holds integers; save it as integers"
        )
    if values.dtype.kind == "f":
        values = _whole(values, name)
    if values.dtype.kind == "i" and values.size and values.min() < 0:
        raise ImageError(f"{name}: the mask holds negative numbers ({values.min()}); number its objects from 1")
    return values


def _whole(values: NDArray[Any], name: str) -> NDArray[Any]:
    nearest = np.rint(values)
    with np.errstate(invalid="ignore"):  # of infinite values
        fits = np.abs(values - nearest) <= _TOLERANCE
    if not fits.all():
        odd = values[~fits].flat[0]
        raise ImageError(f"{name}: it holds {odd:.6g}, and a mask holds whole numbers; save it as integers")
    low, high = (float(nearest.min()), float(nearest.max())) if nearest.size else (0.0, 0.0)
    if high >= _MOST:
        raise ImageError(f"{name}: it holds {high:.6g}, and a mask of floats holds whole numbers below 2^53")
    types = (np.uint8, np.uint16, np.uint32) if low >= 0 else ()
    fitting = next((dtype for dtype in types if high <= np.iinfo(dtype).max), np.int64)
    return np.asarray(nearest.astype(fitting))


def check_kept(values: NDArray[Any], name: str) -> None:
    """Check that a mask which was stored with the losses of JPEG still has its own numbers.

    Raises
    ------
    ImageError
        If it has more than two, of which nobody can tell which were meant.
    """
    count = len(np.unique(values))
    if count > 2:
        raise ImageError(
            f"{name}: it is stored as JPEG, which changes the numbers of a mask (there are {count} different ones); "
            "save the mask as PNG or TIFF"
        )
