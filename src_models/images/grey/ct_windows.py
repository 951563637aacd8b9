"""Which part of the Hounsfield scale is shown, or given to a network: the windows that radiologists use.

A window of level L and width W shows L - W/2 (and less) as black and L + W/2 (and more) as white. Levels and widths are
those of Murphy A, Bell D, et al., "Windowing (CT)", Radiopaedia.org, rID-52108, doi:10.53347/rID-52108: the lungs of
the chest, the soft tissues and the liver of the abdomen, the bone of the spine, the brain.

Examples
--------
>>> ct_window("lung").limits
(-1350.0, 150.0)
>>> ct_window("brain").intensity.low, ct_window("brain").intensity.high
(0.0, 80.0)
>>> parse_ct_window("60:350").limits
(-115.0, 235.0)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from src_models.errors import UserError
from src_models.models.header import Intensity

if TYPE_CHECKING:
    from src_models.images.axes import AxesReading

__all__ = [
    "LOWEST_HU",
    "CtWindow",
    "WindowName",
    "ct_window",
    "ct_windows",
    "is_ct",
    "looks_like_ct",
    "parse_ct_window",
    "shows_ct",
    "value_unit",
]

WindowName = Literal["soft tissue", "lung", "bone", "brain", "liver"]

HOUNSFIELD = "HU"
LOWEST_HU = -1024  # what is lower is padding, or lies outside of what was scanned
# Air is about -1000 HU, lung -700, fat -100. Of a scan, the values between lung and fat are those of voxels that hold a
# bit of each, and fewer than air and lung; of noise around zero, they are more. In 5 scans they are less than a fifth.
_AIR, _LUNG, _FAT = -900, -600, -200
_AIR_SHARE = 0.01
_BETWEEN = 1.25
# Fewer than this share of a scan are brighter than metal, or spread below the lowest HU, where padding is one value.
_BRIGHTEST_HU, _MARGIN, _ODD_SHARE = 4000, 100, 0.01
_SAMPLED = 256  # px along each of the last two axes
_MM = {"nm": 1e-6, "µm": 1e-3, "mm": 1.0, "cm": 10.0, "m": 1000.0}
_FINEST_MM = 0.02  # pixels of a microscope are smaller


@dataclass(frozen=True, slots=True)
class CtWindow:
    """A window on the Hounsfield scale.

    Parameters
    ----------
    name
        What it shows well.
    level, width
        Middle and width (HU).

    Raises
    ------
    UserError
        If the width is not above 0, or a number is none.
    """

    name: str
    level: float
    width: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.level) and math.isfinite(self.width) and self.width > 0):
            raise UserError(
                f"a window of level {self.level:g} and width {self.width:g} shows nothing; the width must be above 0"
            )

    @classmethod
    def of_limits(cls, low: float, high: float, name: str = "") -> CtWindow:
        """Return the window that shows `low` as black and `high` as white; its name is its numbers unless given."""
        level, width = (low + high) / 2, high - low
        return cls(name or f"level {level:g}, width {width:g}", level, width)

    @property
    def limits(self) -> tuple[float, float]:
        """The values (HU) that are black and white: contrast limits of a layer."""
        return self.level - self.width / 2, self.level + self.width / 2

    @property
    def intensity(self) -> Intensity:
        """The window as the normalisation of a model's header."""
        low, high = self.limits
        return Intensity(kind="window", low=low, high=high)


_WINDOWS: dict[str, CtWindow] = {
    window.name: window
    for window in (
        CtWindow("soft tissue", level=50.0, width=400.0),
        CtWindow("lung", level=-600.0, width=1500.0),
        CtWindow("bone", level=400.0, width=1800.0),
        CtWindow("brain", level=40.0, width=80.0),
        CtWindow("liver", level=30.0, width=150.0),
    )
}
assert tuple(_WINDOWS) == get_args(WindowName)


def ct_windows() -> tuple[CtWindow, ...]:
    """Return all windows."""
    return tuple(_WINDOWS.values())


def ct_window(name: str) -> CtWindow:
    """Return a window by its name.

    Raises
    ------
    UserError
        If there is none of this name.
    """
    if name not in _WINDOWS:
        raise UserError(f"there is no CT window {name!r}; choose one of {', '.join(_WINDOWS)}")
    return _WINDOWS[name]


def parse_ct_window(text: str) -> CtWindow:
    """Read a window as people give it: its name, or ``LEVEL:WIDTH`` in HU.

    Raises
    ------
    UserError
        If it is neither.
    """
    level, colon, width = text.partition(":")
    if not colon:
        return ct_window(text.strip())
    try:
        numbers = float(level), float(width)
    except ValueError:
        raise UserError(
            f"the CT window {text!r} is not of the form LEVEL:WIDTH, such as 60:350, nor one of {', '.join(_WINDOWS)}"
        ) from None
    return CtWindow(f"level {numbers[0]:g}, width {numbers[1]:g}", *numbers)


def is_ct(values: NDArray[Any], reading: AxesReading | None) -> bool:
    """Tell whether an image is a CT in HU: by its file's word if there is one, else by its pixels and values.

    Parameters
    ----------
    values
        A representative part of it; any shape and type.
    reading
        How it is read; None where nothing but values is known.
    """
    said = _said(reading)
    return looks_like_ct(values) if said is None else said


def _said(reading: AxesReading | None) -> bool | None:
    """Return whether an image is a CT as far as its reading tells; None if it does not."""
    if reading is None:
        return None
    if reading.modality is not None:
        return reading.modality == "CT"
    fine = reading.spacing.get("X", 1.0) * _MM.get(reading.unit, np.inf) < _FINEST_MM
    return False if fine or reading.axes.endswith("C") else None


def looks_like_ct(values: NDArray[Any]) -> bool:
    """Tell whether values are HU, for files that do not say it.

    Parameters
    ----------
    values
        A representative part of the scan; any shape and type.

    Returns
    -------
    bool
        Whether a hundredth of the values or more is air, and there is more air and lung than what lies between lung
        and fat; padding does not count. A part of a scan that holds neither air nor lung is not recognised, and images
        whose background was subtracted, which have negative values around zero, are none.
    """
    if values.dtype.kind not in "if":
        return False
    finite = values[np.isfinite(values)]
    counted = finite[finite >= LOWEST_HU]
    if counted.size == 0 or np.mean(counted > _BRIGHTEST_HU) >= _ODD_SHARE or _spreads_low(finite):
        return False
    dark, between = np.mean(counted < _LUNG), np.mean((counted >= _LUNG) & (counted < _FAT))
    return bool(np.mean(counted < _AIR) >= _AIR_SHARE and between <= _BETWEEN * dark)


def _spreads_low(values: NDArray[Any]) -> bool:
    """Tell whether many values lie below HU and are no padding, which has one value or a few."""
    low = values[values < LOWEST_HU - _MARGIN]
    if low.size < _ODD_SHARE * values.size:
        return False
    return bool(np.unique(low, return_counts=True)[1].max() < low.size / 2)


def shows_ct(data: Any, reading: AxesReading | None = None) -> bool:
    """Tell whether an image is a CT in HU, by its file's word or by a part of its middle slice; that alone is read.

    Parameters
    ----------
    data
        (..., y, x) at full resolution; NumPy, dask or zarr.
    reading
        How it is read; None where nothing but the data is known.
    """
    said = _said(reading)
    if said is not None:
        return said
    if len(data.shape) < 2 or np.dtype(data.dtype).kind not in "if":
        return False
    middle = tuple(size // 2 for size in data.shape[:-2])
    steps = tuple(slice(None, None, max(1, size // _SAMPLED)) for size in data.shape[-2:])
    return looks_like_ct(np.asarray(data[(*middle, *steps)]))


def value_unit(data: Any, reading: AxesReading | None = None) -> str:
    """Return what the values of an image are: by its file's word, else HU if it shows a CT; empty where nobody knows.

    Parameters
    ----------
    data, reading
        As of :func:`shows_ct`.
    """
    if reading is not None and reading.value_unit:
        return reading.value_unit
    return HOUNSFIELD if shows_ct(data, reading) else ""
