"""Which part of the Hounsfield scale is shown, or given to a network: the windows that radiologists use.

A window of level L and width W shows L - W/2 (and less) as black and L + W/2 (and more) as white. Levels and widths are
those of Murphy A, Bell D, et al., "Windowing (CT)", Radiopaedia.org, rID-52108, doi:10.53347/rID-52108: the lungs of
the chest, the soft tissues of the abdomen, the bone of the spine, the brain.

Examples
--------
>>> ct_window("lung").limits
(-1350.0, 150.0)
>>> ct_window("brain").intensity.low, ct_window("brain").intensity.high
(0.0, 80.0)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from src_models.errors import UserError
from src_models.models.header import Intensity

__all__ = ["CtWindow", "WindowName", "ct_window", "ct_windows", "looks_like_ct", "shows_ct"]

WindowName = Literal["soft tissue", "lung", "bone", "brain"]

# Fat is about -100 HU and air -1000 HU. Every scan holds air; no other image holds such values and none far below air.
_BELOW_FAT = -300
_BELOW_AIR = -5000
_AIR_SHARE = 0.01
_SAMPLED = 256  # px along each of the last two axes


@dataclass(frozen=True, slots=True)
class CtWindow:
    """A window on the Hounsfield scale.

    Parameters
    ----------
    name
        What it shows well.
    level, width
        Middle and width (HU).
    """

    name: WindowName
    level: float
    width: float

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


def looks_like_ct(values: NDArray[Any]) -> bool:
    """Tell whether values are HU, for files that do not say it.

    Parameters
    ----------
    values
        A representative part of the scan; any shape and type.

    Returns
    -------
    bool
        Whether a hundredth of the values or more is clearly below fat, as air is, and none far below air. A part of a
        scan that holds neither air nor lung is not recognised.
    """
    if values.size == 0 or values.dtype.kind not in "if":
        return False
    return bool(np.mean(values < _BELOW_FAT) >= _AIR_SHARE and np.min(values) > _BELOW_AIR)


def shows_ct(data: Any, colours: bool = False) -> bool:
    """Tell whether an image holds HU, by a part of its middle slice; that part alone is read.

    Parameters
    ----------
    data
        (..., y, x) at full resolution; NumPy, dask or zarr.
    colours
        Whether its last axis holds colours instead: then it is no CT.
    """
    if colours or len(data.shape) < 2 or np.dtype(data.dtype).kind not in "if":
        return False
    middle = tuple(size // 2 for size in data.shape[:-2])
    steps = tuple(slice(None, None, max(1, size // _SAMPLED)) for size in data.shape[-2:])
    return looks_like_ct(np.asarray(data[(*middle, *steps)]))
