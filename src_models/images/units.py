"""How long units of length and time are, so that the axes of an image can be brought to one unit.

Examples
--------
>>> converted(500, "nanometer", "µm")
0.5
>>> seconds(2, "minute")
120.0
"""

from __future__ import annotations

from src_models.images.axes import unit_symbol

__all__ = ["converted", "seconds"]

_PREFIXES = {
    "yocto": -24, "zepto": -21, "atto": -18, "femto": -15, "pico": -12, "nano": -9, "micro": -6, "milli": -3,
    "centi": -2, "deci": -1, "": 0, "deca": 1, "hecto": 2, "kilo": 3, "mega": 6, "giga": 9, "tera": 12, "peta": 15,
    "exa": 18, "zetta": 21, "yotta": 24,
}  # fmt: skip
# All units of OME-Zarr, and the short forms in which other files have them.
_METRES = {
    **{f"{prefix}meter": 10.0**power for prefix, power in _PREFIXES.items()},
    "pm": 1e-12, "Å": 1e-10, "nm": 1e-9, "µm": 1e-6, "mm": 1e-3, "cm": 1e-2, "dm": 1e-1, "m": 1.0, "km": 1e3,
    "inch": 0.0254, "foot": 0.3048, "yard": 0.9144, "mile": 1609.344, "parsec": 3.0856775814913673e16,
}  # fmt: skip
_SECONDS = {
    **{f"{prefix}second": 10.0**power for prefix, power in _PREFIXES.items()},
    "ns": 1e-9, "µs": 1e-6, "us": 1e-6, "ms": 1e-3, "s": 1.0, "sec": 1.0, "min": 60.0, "minute": 60.0, "h": 3600.0,
    "hour": 3600.0, "d": 86400.0, "day": 86400.0,
}  # fmt: skip


def converted(length: float, unit: str, into: str) -> float | None:
    """Return a length in another unit; None where one of the units is no length that is known.

    Parameters
    ----------
    length
        In `unit`.
    unit, into
        By any of their usual names.
    """
    unit, into = unit_symbol(unit), unit_symbol(into)
    if unit == into:
        return float(length)
    if unit not in _METRES or into not in _METRES:
        return None
    # Powers of ten are divided as such: 500 nm are 0.5 µm, and not 0.5000000000000001.
    ratio = _METRES[unit] / _METRES[into]
    return float(length) / round(1 / ratio) if _is_whole(1 / ratio) else float(length) * ratio


def seconds(time: float, unit: str) -> float | None:
    """Return a time in seconds; None where the unit is none that is known."""
    factor = _SECONDS.get(unit.strip())
    if factor is None:
        return None
    return float(time) / round(1 / factor) if _is_whole(1 / factor) else float(time) * factor


def _is_whole(ratio: float) -> bool:
    return 1 < ratio < 2**53 and abs(ratio - round(ratio)) < 1e-9 * ratio
