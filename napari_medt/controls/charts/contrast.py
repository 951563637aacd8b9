"""How well a colour can be told from the ground that it lies on, and the nearest colour that can."""

from __future__ import annotations

__all__ = ["FRAME", "GRAPHICS", "TEXT", "contrast", "readable"]

GRAPHICS = 3.0  # WCAG 2.2, success criterion 1.4.11: lines, bars and points
TEXT = 4.5  # WCAG 2.2, success criterion 1.4.3: words
FRAME = "#7b7b7b"  # a grey that has contrast 3 with napari's dark ground and with its light one
_STEPS = 50


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours, from 1 to 21 (WCAG 2.2, *contrast ratio*).

    Parameters
    ----------
    first, second
        Such as ``"#4fc3f7"``.
    """
    darker, lighter = sorted((_luminance(first), _luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def readable(colour: str, ground: str, least: float = TEXT) -> str:
    """Return a colour, darkened or lightened no more than its contrast with the ground needs.

    Parameters
    ----------
    colour, ground
        Such as ``"#4fc3f7"``.
    least
        The contrast ratio that is wanted; where no shade reaches it, black or white comes nearest.
    """
    end = max(("#000000", "#ffffff"), key=lambda candidate: contrast(candidate, ground))
    for step in range(_STEPS + 1):
        mixed = _mixed(colour, end, step / _STEPS)
        if contrast(mixed, ground) >= least:
            return mixed
    return end


def _luminance(colour: str) -> float:
    """Return the relative luminance of a colour in sRGB, from 0 to 1 (WCAG 2.2, *relative luminance*)."""
    parts = [value / 255 for value in _channels(colour)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _mixed(colour: str, end: str, share: float) -> str:
    pairs = zip(_channels(colour), _channels(end), strict=True)
    return "#" + "".join(f"{round(own + (other - own) * share):02x}" for own, other in pairs)


def _channels(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue
