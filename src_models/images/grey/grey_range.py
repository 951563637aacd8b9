"""Which grey values count: as a person chose, or all but the few that lie far from all others.

A range that is stretched by a speck of debris, a burnt-in scale bar or hot pixels leaves nothing of the image. So the
brightest and the darkest 2 % are looked at: where next to nothing lies between them and the rest, over more than the
rest's whole range, the range ends before that gap. Of 947 images of 18 public sets not one has such a gap.

Examples
--------
>>> GreyRange.parse("percentile:1:99").describe(), GreyRange.parse("100:4000").describe()
('percentiles 1 to 99', '100 to 4000')
>>> image = np.append(np.linspace(100, 300, 990), [65535.0] * 10)
>>> without_specks(image).bright
0.01
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from src_models.errors import UserError

__all__ = ["GreyRange", "GreyValues", "Kept", "number", "without_specks"]

_PERCENTILE = "percentile"
_FORM = "LOW:HIGH, such as 100:4000, or percentile:LOW:HIGH, such as percentile:0.5:98"

MOST_SPECKS = 2.0  # percent of the pixels on either side that may be specks
_EMPTY = 1.0  # how wide a gap without a pixel must be, in ranges of the rest, to be one
# A gap that a few pixels lie in, as around a speck that is out of focus, must be wider, and the rest must have bright
# objects of its own: else the specks may be all that there is to see, a few cells on an empty ground.
_NEARLY_EMPTY, _STRAYS, _SKEWED = 1.2, 2e-4, 3.0
_FEWEST_VALUES = 16  # different ones in the rest: with fewer, two grey values next to each other are far apart


@dataclass(frozen=True, slots=True)
class GreyRange:
    """The range of grey values that a person chose.

    Parameters
    ----------
    low, high
        Grey values; what lies beyond counts as these.
    percentiles
        Whether they are percentiles of the image (0 to 100) instead.

    Raises
    ------
    UserError
        If `low` is not below `high`, or a percentile is none.
    """

    low: float
    high: float
    percentiles: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise UserError(
                f"the range of grey values from {self.low:g} to {self.high:g} is empty; the first number must be below "
                "the second"
            )
        if self.percentiles and not (self.low >= 0 and self.high <= 100):
            raise UserError(f"the percentiles {self.low:g} and {self.high:g} must lie between 0 and 100")

    @classmethod
    def parse(cls, text: str) -> GreyRange:
        """Read ``LOW:HIGH`` or ``percentile:LOW:HIGH``.

        Raises
        ------
        UserError
            If it is of another form.
        """
        kind, *numbers = text.split(":") if text.count(":") > 1 else ("", *text.split(":"))
        try:
            low, high = (float(each) for each in numbers)
        except ValueError:
            raise UserError(f"the range of grey values {text!r} is not of the form {_FORM}") from None
        if kind not in ("", _PERCENTILE):
            raise UserError(f"the range of grey values {text!r} is not of the form {_FORM}")
        return cls(low, high, kind == _PERCENTILE)

    @classmethod
    def of(cls, given: GreyRange | str | Sequence[float] | None) -> GreyRange | None:
        """Take a range as people give it: itself, as text, or as two grey values; None stays None.

        Raises
        ------
        UserError
            If it is none.
        """
        if given is None or isinstance(given, GreyRange):
            return given
        if isinstance(given, str):
            return cls.parse(given)
        if len(given) != 2:
            raise UserError(f"the range of grey values {given!r} has {len(given)} numbers; give the lowest and highest")
        return cls(float(given[0]), float(given[1]))

    @property
    def text(self) -> str:
        """The range as :meth:`parse` reads it."""
        return f"{_PERCENTILE + ':' if self.percentiles else ''}{self.low:.12g}:{self.high:.12g}"

    def describe(self) -> str:
        """Return the range in words."""
        return f"{'percentiles ' if self.percentiles else ''}{number(self.low)} to {number(self.high)}"


@dataclass(frozen=True, slots=True)
class GreyValues:
    """The grey values of an image that become 0 and 1 for a network, or the ends of what counts.

    Parameters
    ----------
    low, high
        The range.
    bright, dark
        Share of the pixels that lie so far above or below all others that they were left out.
    """

    low: float
    high: float
    bright: float = 0.0
    dark: float = 0.0

    def describe(self) -> str:
        """Return the range in words, such as ``"grey values 96 to 2400"``."""
        return f"grey values {number(self.low)} to {number(self.high)}"

    def note(self) -> str | None:
        """Return a sentence on what was left out; None where nothing was."""
        said = [f"{share:.2g} % of the pixels are far {word} than all others" for share, word in self._left_out()]
        if not said:
            return None
        return (
            f"{' and '.join(said)} (specks, a scale bar, hot or dead pixels?) and were left out of the range of grey "
            f"values, which is {number(self.low)} to {number(self.high)}. If it is wrong, give it: Grey values in the "
            "window, --grey-range in the shell."
        )

    def _left_out(self) -> list[tuple[float, str]]:
        return [(100 * share, word) for share, word in ((self.bright, "brighter"), (self.dark, "darker")) if share]


class Kept(NamedTuple):
    """Grey values without specks: where those that are kept end, and the share that lies above and below."""

    low: float
    high: float
    bright: float
    dark: float


def without_specks(values: NDArray[np.float64], least: float = 0.5, most: float = 99.8) -> Kept:
    """Find where grey values end that belong together.

    Parameters
    ----------
    values
        Flat; all finite.
    least, most
        Percentiles between which the range would lie: specks beyond them do no harm, and are not looked for.
    """
    low, *inner, high = (float(v) for v in np.percentile(values, (least, MOST_SPECKS, 50, 100 - MOST_SPECKS, most)))
    above = _end(values, low, inner[1], inner[2], high, most)
    below = _end(-values, -high, -inner[1], -inner[0], -low, 100 - least)
    bright = 0.0 if above is None else float(np.mean(values > above))
    dark = 0.0 if below is None else float(np.mean(values < -below))
    return Kept(-np.inf if below is None else -below, np.inf if above is None else above, bright, dark)


def _end(values: NDArray[np.float64], low: float, half: float, near: float, high: float, most: float) -> float | None:
    """Return the largest value before a gap below bright specks; None without one."""
    if high - low <= (1 + _EMPTY) * (near - low):  # no gap can be that wide
        return None
    tail = np.sort(values[values >= near])
    tail = tail[: len(tail) - int((100 - most) / 100 * values.size)]
    for strays, wide in ((0, _EMPTY), (int(_STRAYS * values.size), _NEARLY_EMPTY)):
        end = _before_gap(tail, low, strays, wide)
        if end is None:
            continue
        rest = values[values <= end]
        if len(np.unique(rest[:: 1 + rest.size // 100_000])) >= _FEWEST_VALUES and (strays == 0 or _skewed(rest, half)):
            return end
    return None


def _before_gap(tail: NDArray[np.float64], low: float, strays: int, wide: float) -> float | None:
    """Return the value before a gap, with so many pixels in it at the most, that is wide against what is below it."""
    step = strays + 1
    if len(tail) <= step:
        return None
    gaps = tail[step:] - tail[:-step]
    found = np.flatnonzero(gaps > wide * np.maximum(tail[:-step] - low, 0))
    return float(tail[found[0]]) if found.size else None


def _skewed(rest: NDArray[np.float64], half: float) -> bool:
    """Whether values have bright objects on a darker ground, and are not noise alone."""
    low, high = (float(v) for v in np.percentile(rest, (0.5, 99)))
    return high - half >= _SKEWED * (half - low)


def number(value: float) -> str:
    """Return a grey value for people: whole where it is large, with four digits where it is not."""
    return f"{value:.0f}" if abs(value) >= 1000 or value == round(value) else f"{value:.4g}"
