"""Slices of a file each that lie at the same places several times: which of them make one volume, and in which order.

Of a series over time, of phases of the heart, echoes, b-values or directions of diffusion, each place is there as often
as there are volumes. They are put apart by the attribute that says clearly what they are; where none does, they are
left together, and so refused as copies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from src_models.files.volumes.dicom.header import Attributes, Header
from src_models.files.volumes.dicom.slices import Slice
from src_models.files.volumes.dicom.spacing import LEAST_GAP

__all__ = ["Repeats", "acquired", "volumes_of"]

_ALIKE = 1e-4  # difference of directions that rounding makes
_PLACE = 1e-2  # mm: so far apart are places of one slice in two volumes, at the most
_MILLISECONDS = 1e-3
_DAY = 24 * 3600

# What an image shows, and not when: attributes that divide the slices of one place, with their unit.
_WHAT = {
    "echo time": ("EchoTime", "ms"),
    "inversion time": ("InversionTime", "ms"),
    "b-value": ("DiffusionBValue", "s/mm²"),
}
# When: numbers that all slices of a volume share, and times of each slice, of which only the order counts.
_NUMBERS = {"temporal position": "TemporalPositionIdentifier"}
_TIMES = {
    "trigger time": ("TriggerTime", _MILLISECONDS),
    "frame time": ("FrameReferenceTime", _MILLISECONDS),
    "time of acquisition": ("AcquisitionTime", 1.0),
    "number of acquisition": ("AcquisitionNumber", 0.0),
}


@dataclass(frozen=True, slots=True)
class Repeats:
    """The volumes of one series.

    Parameters
    ----------
    volumes
        The slices of each, in order; one where no place is there twice, or nothing tells slices apart.
    seconds
        Time from one to the next; 1 where that is not said.
    along
        By what they were put in order, as a sentence for people; empty for one.
    """

    volumes: tuple[tuple[Slice, ...], ...]
    seconds: float = 1.0
    along: str = field(default="")


def acquired(header: Header, told: Attributes) -> dict[str, Any]:
    """Return what may tell a slice apart from others at its place: numbers by name, and words."""
    found: dict[str, Any] = {"kind": "\\".join(map(str, header.content.get("ImageType") or ()))}
    plain = {**{name: attribute for name, (attribute, _) in _WHAT.items()}, **_NUMBERS}
    plain |= {name: attribute for name, (attribute, _) in _TIMES.items() if attribute != "AcquisitionTime"}
    plain |= {"instance": "InstanceNumber", "resolution": "TemporalResolution"}
    readers: dict[str, Callable[[], Any]] = {name: partial(_float, told, each) for name, each in plain.items()}
    readers |= {"direction": partial(_direction, told), "time of acquisition": partial(_moment, header)}
    for name, read in readers.items():
        with suppress(
            ValueError, TypeError
        ):  # what is no number tells nothing apart, and the slice is read all the same
            value = read()
            if value is not None:
                found[name] = value
    return found


def _float(told: Attributes, attribute: str) -> float | None:
    value = told.get(attribute)
    return None if value is None else float(value)


def _direction(told: Attributes) -> tuple[float, ...] | None:
    value = told.get("DiffusionGradientOrientation")
    return None if value is None else tuple(round(float(one), 4) for one in value)


def _moment(header: Header) -> float | None:
    """Return when a slice was acquired, in seconds, also over midnight."""
    date, time = header.text("AcquisitionDate"), header.text("AcquisitionTime")
    both = header.text("AcquisitionDateTime")
    if both and not time:
        date, time = both[:8], both[8:].split("+")[0].split("-")[0]
    if len(time) < 6:
        return None
    seconds = 3600 * int(time[:2]) + 60 * int(time[2:4]) + float(time[4:])
    days = np.datetime64(f"{date[:4]}-{date[4:6]}-{date[6:8]}", "D").astype(int) if len(date) == 8 else 0
    return float(days) * _DAY + seconds


def volumes_of(slices: Sequence[Slice]) -> Repeats:
    """Put the slices of a series into volumes, if each place is there equally often and one attribute orders them.

    Parameters
    ----------
    slices
        Those of one series, each a file of its own. Slices of another form than most, such as a localizer, go with the
        first volume, where they are told as what is left out.
    """
    if _apart(slices):
        return Repeats((tuple(slices),))
    alike = _most(slices)
    places = _places(alike)
    times = len(places[0])
    if times == 1 or any(len(place) != times for place in places):
        return Repeats((tuple(slices),))
    found = _ordered(places)
    if found is None:
        return Repeats((tuple(slices),))
    moments, seconds, along = found
    kept = {id(one) for one in alike}
    others = tuple(one for one in slices if id(one) not in kept)
    volumes = tuple(tuple(place[number] for place in moments) for number in range(times))
    return Repeats(((*volumes[0], *others), *volumes[1:]), seconds, f"its {times} volumes along time are {along}")


def _apart(slices: Sequence[Slice]) -> bool:
    """Tell at once whether each slice has a place of its own, as of most scans."""
    gaps = np.diff(np.sort([one.position @ slices[0].normal for one in slices]))
    return bool((gaps > _PLACE).all())


def _most(slices: Sequence[Slice]) -> list[Slice]:
    """Return the slices of the form that most have."""
    groups: list[list[Slice]] = []
    for one in slices:
        group = next((group for group in groups if _same_form(group[0], one)), None)
        if group is None:
            groups.append([one])
        else:
            group.append(one)
    return max(groups, key=len)


def _same_form(first: Slice, one: Slice) -> bool:
    pairs = ((one.across, first.across), (one.down, first.down))
    directed = all(np.allclose(own, other, 0, _ALIKE) for own, other in pairs)
    return directed and one.shape == first.shape and one.localizer == first.localizer


def _places(slices: Sequence[Slice]) -> list[list[Slice]]:
    """Return the slices at each place along their normal; those of one place lie within a hundredth of a millimetre."""
    normal = slices[0].normal
    ordered = sorted(slices, key=lambda one: float(one.position @ normal))
    places: list[list[Slice]] = [[]]
    for one in ordered:
        if places[-1] and np.linalg.norm(one.position - places[-1][0].position) > max(_PLACE, LEAST_GAP):
            places.append([])
        places[-1].append(one)
    return places


Found = tuple[list[list[Slice]], float, str]


def _ordered(places: list[list[Slice]]) -> Found | None:
    """Return the slices of each place in the order of volumes, the step in seconds, and by what; None if unclear."""
    differing = [name for name in ("kind", *_WHAT) if _differs(places, name)]
    if "kind" in differing or len(differing) > 1:
        return None  # magnitude and phase, say, or echoes at several times: no one axis
    what = differing[0] if differing else ""
    turned = _differs(places, "direction")
    if what:
        found = _by_number(places, what)
        if found is not None:
            values = _values(found, what)
            return found, 1.0, f"of {what} {', '.join(f'{one:.5g}' for one in values)} {_WHAT[what][1]}"
        if what != "b-value" and not turned:
            return None
    of_diffusion = what == "b-value" or turned
    told = " (of diffusion, in the order of the scan)" if of_diffusion else ""
    for name in _NUMBERS:
        found = _by_number(places, name)
        if found is not None:
            return found, _step(found), f"in the order of their {name}{told}"
    for name, (_, seconds) in _TIMES.items():
        found = _by_rank(places, name)
        if found is not None:
            step = _median([place[0].acquired[name] * seconds for place in zip(*found, strict=True)])
            return found, step, f"in the order of their {name}{told}"
    return _by_direction(places) if of_diffusion else None


def _differs(places: list[list[Slice]], name: str) -> bool:
    """Tell whether slices at one place differ in this."""
    return any(len({one.acquired.get(name) for one in place}) > 1 for place in places)


def _by_number(places: list[list[Slice]], name: str) -> list[list[Slice]] | None:
    """Put slices in the order of a number that is another in each volume, and the same in all slices of one."""
    found = _by_rank(places, name)
    if found is None:
        return None
    first = _values(found, name)
    same = all([one.acquired[name] for one in place] == first for place in found)
    return found if same else None


def _by_rank(places: list[list[Slice]], name: str) -> list[list[Slice]] | None:
    """Put slices in the order of a number that is another for each slice of a place."""
    if any(name not in one.acquired for place in places for one in place):
        return None
    numbers = {id(one): float(one.acquired[name]) for place in places for one in place}
    found = [sorted(place, key=lambda one: numbers[id(one)]) for place in places]
    distinct = all(len({numbers[id(one)] for one in place}) == len(place) for place in found)
    return found if distinct else None


def _by_direction(places: list[list[Slice]]) -> Found | None:
    """Put slices of diffusion in the order in which their b-values and directions come first among the files."""

    def key(one: Slice) -> tuple[Any, ...]:
        return one.acquired.get("b-value"), one.acquired.get("direction")

    kinds = [{key(one) for one in place} for place in places]
    if len(kinds[0]) != len(places[0]) or any(one != kinds[0] for one in kinds):
        return None
    if any("instance" not in one.acquired for place in places for one in place):
        return None
    begins: dict[tuple[Any, ...], float] = {}
    for one in (one for place in places for one in place):
        begins[key(one)] = min(begins.get(key(one), np.inf), one.acquired["instance"])
    if len(set(begins.values())) != len(begins):
        return None
    found = [sorted(place, key=lambda one: begins[key(one)]) for place in places]
    return found, 1.0, "of diffusion in different directions, in the order of their first slices' numbers"


def _values(found: list[list[Slice]], name: str) -> list[float]:
    return [one.acquired[name] for one in found[0]]


def _step(found: list[list[Slice]]) -> float:
    """Return the time from one volume to the next: as the file says, else as slices were acquired; 1 if unknown."""
    told: Mapping[str, Any] = found[0][0].acquired
    if told.get("resolution", 0.0) > 0:
        return float(told["resolution"]) * _MILLISECONDS
    times = [one.acquired.get("time of acquisition", np.nan) for one in found[0]]
    return _median(times)


def _median(times: Sequence[float]) -> float:
    step = float(np.median(np.diff(times)))
    return step if np.isfinite(step) and step > 0 else 1.0
