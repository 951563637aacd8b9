"""What frames of one object, or of one series of such objects, belong together: a volume, or volumes over time.

Frames are divided only where they must be: into stacks and orientations, which are places of their own; and then, as
long as two of them lie at the same place, by what tells these apart, such as echo, b-value, phase, or time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from src_models.files.volumes.dicom.frames import OVER_TIME
from src_models.files.volumes.dicom.slices import NoSlice, Slice
from src_models.files.volumes.dicom.spacing import LEAST_GAP

__all__ = ["Part", "divided"]

_ALIKE = 1e-4  # difference of directions that rounding makes
_PLACE = 1e-2  # mm: so far apart are places of one slice at two times, at the most
_ORDER = ("kind", "component", "echo", "inversion", "b-value", "diffusion", "direction")
_MILLISECONDS = 1e-3


@dataclass(frozen=True, slots=True)
class Part:
    """Frames that make a volume, or one at each of several times.

    Parameters
    ----------
    name
        What tells it apart from the other parts, such as ``"echo 30 ms"``; empty where there are none.
    moments
        The frames of each time, in order; one where there is no time.
    seconds
        Time from one to the next; 1 where that is not said.
    """

    name: str
    moments: tuple[tuple[Slice, ...], ...]
    seconds: float = 1.0


def divided(frames: Sequence[Slice]) -> tuple[list[Part], list[NoSlice]]:
    """Divide the frames of a series.

    Returns
    -------
    tuple of list
        The parts; and files that are left out, because the object that they are parts of is not whole.
    """
    objects, lacking = _objects(frames)
    stacks = [stack for one in objects for stack in _stacks(one)]
    parts = [part for stack in stacks for part in _split(stack[1], [stack[0]] if len(stacks) > 1 else [])]
    return _called_apart(parts), lacking


def _objects(frames: Sequence[Slice]) -> tuple[list[list[Slice]], list[NoSlice]]:
    """Put together what was divided over files, and what was made one file a frame; other files are apart."""
    groups: dict[str, list[Slice]] = {}
    for one in frames:
        whole = one.concatenation.uid if one.concatenation else "" if one.pixels.frames == 1 else f"file {one.path}"
        groups.setdefault(whole, []).append(one)
    found, lacking = [], []
    for group in groups.values():
        missing = _missing(group)
        if missing:
            lacking += [NoSlice(path, missing) for path in sorted({one.path for one in group})]
        else:
            found.append(group)
    return found, lacking


def _missing(group: Sequence[Slice]) -> str:
    """Say which files of a divided object are not there; empty if all are."""
    there = {one.concatenation.number for one in group if one.concatenation}
    total = max((one.concatenation.total for one in group if one.concatenation), default=0)
    absent = sorted(set(range(1, max([total, *there, 0]) + 1)) - there) if there else []
    if not absent:
        return ""
    told = f"{absent[0]}" if len(absent) == 1 else f"{absent[0]} and {len(absent) - 1} more"
    return f"is a part of an object in {max(total, *there)} files, of which number {told} is missing; copy that, too"


def _stacks(frames: Sequence[Slice]) -> list[tuple[str, list[Slice]]]:
    """Divide frames by their stacks, and each stack by orientation, with words for each."""
    stacks: dict[str, list[list[Slice]]] = {}
    for one in frames:
        groups = stacks.setdefault((one.traits or {}).get("stack", ""), [])
        for group in groups:
            if _is_parallel(group[0], one):
                group.append(one)
                break
        else:
            groups.append([one])
    return [
        (
            " ".join(
                filter(None, (f"stack {stack}" if stack else "", f"orientation {turn}" if len(groups) > 1 else ""))
            ),
            group,
        )
        for stack, groups in stacks.items()
        for turn, group in enumerate(groups, start=1)
    ]


def _is_parallel(first: Slice, one: Slice) -> bool:
    pairs = ((one.across, first.across), (one.down, first.down))
    return all(np.allclose(own, other, 0, _ALIKE) for own, other in pairs)


def _split(frames: list[Slice], words: list[str], asked: int = 0) -> list[Part]:
    """Divide frames further by their traits, from a number on, until no two lie at the same place."""
    names = _names(frames)
    while asked < len(names) and _overlap(frames):
        name = names[asked]
        asked += 1
        groups: dict[Any, list[Slice]] = {}
        for one in frames:
            groups.setdefault((one.traits or {}).get(name), []).append(one)
        if len(groups) == 1:
            continue
        if name in OVER_TIME and _are_alike(list(groups.values())):
            ordered = [groups[value] for value in sorted(groups, key=_number)]
            return [Part(", ".join(filter(None, words)), tuple(map(tuple, ordered)), _seconds(name, ordered))]
        return [
            part
            for value, group in sorted(groups.items(), key=lambda pair: _number(pair[0]))
            for part in _split(group, [*words, _told(name, value)], asked)
        ]
    return [Part(", ".join(filter(None, words)), (tuple(frames),))]


def _names(frames: Sequence[Slice]) -> list[str]:
    """Return the traits to ask, in order: those of the image, other dimensions, and those of time."""
    there = {name for one in frames for name in one.traits or ()}
    others = sorted(name for name in there if name.startswith("dimension"))
    timed = [name for name in OVER_TIME if name in there]
    # A dimension that is time by another name would hide that it is.
    return [*(name for name in _ORDER if name in there), *timed, *others]


def _told(name: str, value: Any) -> str:
    if value is None:
        return f"no {name}"
    return f"{name} {value:.10g}" if isinstance(value, float) else f"{name} {value}"


def _number(value: Any) -> tuple[float, str]:
    """Return by what a trait is put in order: its number, if it begins with one."""
    text = str(value)
    try:
        return float(text.split()[0]), text
    except (ValueError, IndexError):
        return float("-inf"), text


def _overlap(frames: Sequence[Slice]) -> bool:
    places = np.sort([one.position @ frames[0].normal for one in frames])
    return bool((np.diff(places) <= LEAST_GAP).any())


def _are_alike(groups: Sequence[Sequence[Slice]]) -> bool:
    """Tell whether the frames of several times lie at the same places, no two of one time at the same."""
    if any(_overlap(group) or len(group) != len(groups[0]) for group in groups):
        return False
    normal = groups[0][0].normal
    places = [np.sort([one.position @ normal for one in group]) for group in groups]
    return bool(np.abs(np.array(places) - places[0]).max() <= _PLACE)


def _seconds(name: str, moments: Sequence[Sequence[Slice]]) -> float:
    """Return the time from one moment to the next; 1 where that is not said."""
    if name == "trigger":
        times = [_number((moment[0].traits or {}).get(name))[0] * _MILLISECONDS for moment in moments]
    else:
        times = [(moment[0].traits or {}).get("seconds", 0.0) for moment in moments]
    step = float(np.median(np.diff(times)))
    return step if np.isfinite(step) and step > 0 else 1.0


def _called_apart(parts: Sequence[Part]) -> list[Part]:
    """Give each part a name of its own."""
    names = [part.name for part in parts]
    if len(parts) == 1:
        return [Part("", parts[0].moments, parts[0].seconds)]
    counted: dict[str, int] = {}
    found = []
    for part in parts:
        counted[part.name] = counted.get(part.name, 0) + 1
        more = names.count(part.name) > 1 or not part.name
        name = f"{part.name} ({counted[part.name]})".strip() if more else part.name
        found.append(Part(name, part.moments, part.seconds))
    return found
