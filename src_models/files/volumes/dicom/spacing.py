"""Whether the slices of a scan lie at even distances; if not, what is missing, and where even slices would lie.

Distances are compared with each other and with SliceThickness: a scan may be made of a thin and a thick part, whose
slices lie unevenly without one of them missing. Places that a scanner rounded to 0.1 mm are even ones.

Examples
--------
>>> even_places(np.array([0.0, 2.5, 5.0, 10.0, 15.0])).tolist()
[0.0, 2.5, 5.0, 7.5, 10.0, 12.5, 15.0]
>>> commonest(np.array([2.5, 2.5, 2.5, 5.0, 5.0]))
2.5
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.volumes.dicom.slices import Slice

__all__ = ["UnevenSlicesError", "check_even", "commonest", "even_places", "place_of"]

# A slice may be off its even place by a tenth of the distance of slices, which scanners round, and by 0.1 mm.
OFF, OFF_MM = 0.1, 0.1
LEAST_GAP = 1e-4  # mm: less is the same place
_ROUNDED = (0.1, 0.01)  # mm
# Of even places that were rounded, none is further than half a step from a line, and a fitted line is near that one.
_OF_A_STEP = 0.75
_RUN = 3  # gaps: where so many in a row are wide, a part was made so
_FINE = 0.1  # of the gaps: as narrow as the narrowest tenth of them are even slices
_LISTED = 4


class UnevenSlicesError(ImageError):
    """Slices that lie unevenly, each at a known place: they can be resampled.

    Parameters
    ----------
    name
        The folder or file.
    told
        How the slices lie, and what is missing.
    left_out
        What was left out of the series; empty for nothing.

    Attributes
    ----------
    told
        How the slices lie, what is missing and what was left out, without what to do about it.
    """

    def __init__(self, name: object, told: str, left_out: str = "") -> None:
        ending = f"; {left_out}" if left_out else ""
        self.told = f"{name}: {told}{ending}"
        super().__init__(
            f"{name}: {told}; copy or export the whole series again, or have it resampled to even slices, linearly "
            f'(--uneven resample; uneven="resample" in Python){ending}'
        )


def place_of(one: Slice) -> str:
    """Return the place of a slice along its normal, for people."""
    return f"{one.position @ one.normal:.2f} mm"


def commonest(gaps: NDArray[np.float64]) -> float:
    """Return the distance that most gaps have, but for rounding; of several, the smallest."""
    ordered = np.sort(gaps)
    margin = np.maximum(OFF * ordered / 2, LEAST_GAP)
    counts = np.searchsorted(ordered, ordered + margin, "right") - np.searchsorted(ordered, ordered - margin, "left")
    best = int(np.argmax(counts))
    return float(np.median(ordered[np.abs(ordered - ordered[best]) <= margin[best]]))


def even_places(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return places (mm) at even distances from the first to the last, close enough for what lies closest.

    Parameters
    ----------
    places
        In ascending order, two or more.
    """
    fine = float(np.quantile(np.diff(places), _FINE, method="lower"))
    count = round(float(places[-1] - places[0]) / fine) + 1
    return np.linspace(places[0], places[-1], max(count, 2))


def check_even(slices: Sequence[Slice], name: object, left_out: str = "") -> None:
    """Check that slices follow each other at even distances.

    Parameters
    ----------
    slices
        Two or more, in order of their places, no two at the same.
    name
        The folder or file, for errors.
    left_out
        What was left out of the series, for errors.

    Raises
    ------
    UnevenSlicesError
        If they do not; it says what is missing, as far as distances and thicknesses tell, or how they lie.
    """
    places = np.array([one.position @ one.normal for one in slices])
    gaps = np.diff(places)
    usual = commonest(gaps)
    if _is_even(places, usual, _rounding(slices)):
        return
    allowed = min(OFF * usual, OFF_MM) + _rounding(slices)
    alike = _alike(slices, gaps, usual, allowed)
    lacking = _missing(gaps, alike, allowed)
    told = _told_missing(slices, gaps, alike, lacking) if lacking.any() else _told_uneven(slices, gaps, alike, allowed)
    raise UnevenSlicesError(name, told, left_out)


def _is_even(places: NDArray[np.float64], usual: float, rounding: float) -> bool:
    numbers = np.arange(len(places))
    line = np.linspace(places[0], places[-1], len(places))
    if np.abs(places - line).max() <= min(OFF * usual, OFF_MM):
        return True
    slope, start = np.polyfit(numbers, places, 1)
    return bool(np.abs(places - (start + slope * numbers)).max() <= _OF_A_STEP * rounding)


def _rounding(slices: Sequence[Slice]) -> float:
    """Return the step (mm) that places along the normal were rounded to; 0 where they are more exact."""
    normal = np.abs(slices[0].normal)
    counted = normal > 1e-3  # a place along the normal hangs on these of its three numbers
    positions = np.array([one.position for one in slices])[:, counted]
    for step in _ROUNDED:
        if np.abs(positions / step - np.round(positions / step)).max() < 1e-6 / step:
            return step * float(normal[counted].sum())
    return 0.0


def _alike(slices: Sequence[Slice], gaps: NDArray[np.float64], usual: float, allowed: float) -> NDArray[np.float64]:
    """Return how wide each gap would be if none were missing: wider where slices are thicker, in proportion."""
    thickness = np.array([one.thickness or np.nan for one in slices])
    thin = np.fmin(thickness[:-1], thickness[1:])[np.abs(gaps - usual) <= allowed]
    if np.isnan(thin).all():
        return np.full(len(gaps), usual)
    thicker = np.fmax(thickness[:-1], thickness[1:]) / np.nanmedian(thin)
    return usual * np.where(thicker > 1 + OFF, thicker, 1.0)


def _missing(gaps: NDArray[np.float64], alike: NDArray[np.float64], allowed: float) -> NDArray[np.int64]:
    """Return how many slices are missing in each gap; none where a part was made wider."""
    number = np.round(gaps / alike).astype(np.int64) - 1
    lacking = np.where((number > 0) & (np.abs(gaps - (number + 1) * alike) <= allowed), number, 0)
    return np.where(_in_a_run(lacking > 0), 0, lacking)


def _in_a_run(wide: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which gaps are among several wide ones in a row."""
    found = np.zeros(len(wide), np.bool_)
    for start, stop in _runs(wide):
        found[start:stop] = bool(wide[start]) and stop - start >= _RUN
    return found


def _runs(values: NDArray[np.generic]) -> list[tuple[int, int]]:
    """Return where equal values stand in a row: start and stop of each run."""
    edges = [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1).tolist(), len(values)]
    return list(pairwise(edges))


def _told_missing(
    slices: Sequence[Slice], gaps: NDArray[np.float64], alike: NDArray[np.float64], lacking: NDArray[np.int64]
) -> str:
    worst, total = int(np.argmax(lacking)), int(lacking.sum())
    known = all(one.thickness for one in slices[worst : worst + 2])
    verb = ("is" if total == 1 else "are") if known else ("seems to be" if total == 1 else "seem to be")
    places = np.count_nonzero(lacking)
    part = f", {lacking[worst]} of them" if places > 1 else ""
    return (
        f"{total} {'slice' if total == 1 else 'slices'} {verb} missing{part} between {_between(slices, worst)}: they "
        f"are {gaps[worst]:.4g} mm apart, others {alike[worst]:.4g} mm{_thickness(slices, worst)}"
    )


def _told_uneven(slices: Sequence[Slice], gaps: NDArray[np.float64], alike: NDArray[np.float64], allowed: float) -> str:
    runs = _runs(np.round(gaps / max(allowed, LEAST_GAP)).astype(np.int64))
    if 1 < len(runs) <= _LISTED and max(stop - start for start, stop in runs[1:]) >= _RUN:
        parts = [
            f"{slices[start].name} ({place_of(slices[start])}) to {slices[stop].name} "
            f"({place_of(slices[stop])}) {np.mean(gaps[start:stop]):.4g} mm apart{_thickness(slices, stop - 1)}"
            for start, stop in runs
        ]
        lacks = ", and none is missing" if (np.abs(gaps - alike) <= allowed).all() else ""
        return f"its slices lie in parts of different distances{lacks}: {', '.join(parts)}"
    worst = int(np.argmax(np.abs(gaps - alike)))
    return (
        f"slices are uneven between {_between(slices, worst)}: they are {gaps[worst]:.4g} mm apart, others "
        f"{alike[worst]:.4g} mm{_thickness(slices, worst)}"
    )


def _between(slices: Sequence[Slice], number: int) -> str:
    one, other = slices[number : number + 2]
    return f"{one.name} ({place_of(one)}) and {other.name} ({place_of(other)})"


def _thickness(slices: Sequence[Slice], number: int) -> str:
    """Say how thick the slice after a gap is, if the file says it."""
    thickness = slices[number + 1].thickness
    return f" (SliceThickness {thickness:.4g} mm)" if thickness else ""
