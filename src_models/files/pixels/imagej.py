"""Numbers in the description that ImageJ writes into a TIFF, and what it says that grey values mean.

Examples
--------
>>> number("0,3"), number("0.3"), number("much")
(0.3, 0.3, None)
>>> calibration({"c0": -32768.0, "c1": 1.0}, np.dtype("uint16")).remarks
('stored values - 32768',)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from src_models.errors import ImageError
from src_models.files.volumes.rescaling import Rescaling

__all__ = ["Calibration", "calibration", "hyperstack", "number"]

_COUNTS = {"T": "frames", "Z": "slices", "C": "channels"}  # in the order in which planes follow each other
_STRAIGHT_LINE, _NONE = 0, 20
_SIGNED_16_BIT = Rescaling(1.0, -32768.0)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What ImageJ says that the stored values of an image mean.

    Parameters
    ----------
    rescaling
        From stored values to those that are meant; None where they are the same, or no straight line.
    remarks
        What a person should know of it, in a few words.
    """

    rescaling: Rescaling | None
    remarks: tuple[str, ...] = ()

    @property
    def signed(self) -> bool:
        """Whether it is only how ImageJ stores signed numbers of 16 bits."""
        return self.rescaling == _SIGNED_16_BIT


def number(text: Any) -> float | None:
    """Return a finite number, which programs of some countries write with a comma; None for anything else."""
    try:
        value = float(str(text).strip().replace(",", ".", 1))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def calibration(metadata: Mapping[str, Any], dtype: np.dtype[Any]) -> Calibration | None:
    """Read ImageJ's calibration of grey values; None where there is none.

    Parameters
    ----------
    metadata
        Of its description: ``cf`` is the kind of function (0, a straight line, unless it says otherwise), ``c0`` and
        ``c1`` its offset and slope (``ij.measure.Calibration``).
    dtype
        Type of the stored values; ImageJ calibrates those of 8 and 16 bits.
    """
    offset, slope = number(metadata.get("c0")), number(metadata.get("c1"))
    kind = metadata.get("cf", _STRAIGHT_LINE)
    if dtype.kind not in "ui" or dtype.itemsize > 2 or kind == _NONE:
        return None
    if kind != _STRAIGHT_LINE:
        return Calibration(None, ("as stored: ImageJ's calibration of grey values is no straight line",))
    if offset is None or not slope or (offset, slope) == (0.0, 1.0):
        return None
    times = "stored values" if slope == 1 else f"{slope:g} x stored values"
    plus = f" {'-' if offset < 0 else '+'} {abs(offset):g}" if offset else ""
    return Calibration(Rescaling(slope, offset), (times + plus,))


def hyperstack(
    metadata: Mapping[str, Any], shape: tuple[int, ...], *, samples: int = 1, name: str = "the TIFF"
) -> tuple[tuple[int, ...], str]:
    """Lay planes out as ImageJ's description says, where tifffile could not match it with how they are stored.

    Parameters
    ----------
    metadata
        Of the description.
    shape
        Of the planes as they were found, the last two axes height and width.
    samples
        Values of each pixel, which the description may count as channels.
    name
        The file, for errors.

    Returns
    -------
    shape, axes
        As the array is to be reshaped, without axes of length 1 before the plane.

    Raises
    ------
    ImageError
        If the description tells of other planes than there are.

    Examples
    --------
    >>> hyperstack({"images": 6, "slices": 3, "channels": 2}, (6, 40, 50))
    ((3, 2, 40, 50), 'ZCYX')
    """
    counts = {letter: int(number(metadata.get(key)) or 1) for letter, key in _COUNTS.items()}
    if samples > 1 and counts["C"] == samples:
        counts["C"] = 1
    told, found = math.prod(counts.values()), math.prod(shape[:-2])
    if told != found:
        raise ImageError(
            f"{name}: the TIFF is truncated or damaged (its ImageJ description tells of {told} planes, and {found} are "
            "there); copy or export it again"
        )
    kept = {letter: count for letter, count in counts.items() if count > 1}
    return (*kept.values(), *shape[-2:]), "".join(kept) + "YX"
