"""Shapes that were drawn in another program, painted into labels.

A pixel belongs to a shape where its middle lies inside, as in ImageJ and QuPath; inside is where a ray leaves the
shape's rings an odd number of times, so rings in rings are holes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError

__all__ = ["Drawing", "Drawn", "Painted", "filled", "paint"]

_MOST = 2**32  # pixels of labels whose size no image tells

Ring = NDArray[np.floating] | NDArray[np.integer]


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A shape in a plane.

    Parameters
    ----------
    rings
        (N, 2) corners (y, x) of each, in pixels from the corner of the first one.
    number
        The number of its object in labels; None where the file tells none. Shapes of one number are one object.
    name, kind
        What it is called, and its class; empty where nobody said.
    z, t
        Its slice and frame, from 0; None on all.
    position
        Its place in a stack of which nobody said whether it is of slices or frames, from 0.
    """

    rings: tuple[Ring, ...]
    number: int | None = None
    name: str = ""
    kind: str = ""
    z: int | None = None
    t: int | None = None
    position: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """What a file holds.

    Parameters
    ----------
    shapes
        The shapes.
    size
        Rows and columns of the image that they were drawn on; None where the file does not tell.
    notes
        What a person should know, in sentences.
    """

    shapes: tuple[Drawn, ...]
    size: tuple[int, int] | None = None
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """Labels.

    Parameters
    ----------
    labels
        Unsigned integers.
    axes
        Their axes, ``"YX"``, ``"ZYX"``, ``"TYX"`` or ``"TZYX"``.
    names, kinds
        What objects are called, and their classes, by number, as far as the file tells.
    notes
        What a person should know, in sentences.
    """

    labels: NDArray[Any]
    axes: str
    names: dict[int, str]
    kinds: dict[int, str]
    notes: tuple[str, ...]


def filled(rings: Sequence[Ring], shape: tuple[int, int]) -> tuple[NDArray[np.bool_], tuple[slice, slice]]:
    """Fill rings.

    Parameters
    ----------
    rings
        (N, 2) corners (y, x) each; closed from the last to the first.
    shape
        Rows and columns of the plane; what lies outside is cut off.

    Returns
    -------
    tuple of NDArray and tuple of slice
        Which pixels are inside, in a part of the plane, and where the part is.
    """
    start = np.concatenate([np.asarray(ring, np.float64) for ring in rings])
    end = np.concatenate([np.roll(np.asarray(ring, np.float64), -1, axis=0) for ring in rings])
    (top, left), (bottom, right) = start.min(axis=0), start.max(axis=0)
    rows = slice(_clip(math.floor(top), shape[0]), _clip(math.ceil(bottom), shape[0]))
    columns = slice(_clip(math.floor(left), shape[1]), _clip(math.ceil(right), shape[1]))
    size = rows.stop - rows.start, columns.stop - columns.start
    if 0 in size:
        return np.zeros(size, bool), (rows, columns)
    upper, lower = np.minimum(start[:, 0], end[:, 0]), np.maximum(start[:, 0], end[:, 0])
    first = np.clip(np.ceil(upper - 0.5), rows.start, rows.stop).astype(np.int64)
    past = np.clip(np.ceil(lower - 0.5), rows.start, rows.stop).astype(np.int64)
    counts = past - first
    edge = np.repeat(np.arange(len(start)), counts)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    slope = (end[edge, 1] - start[edge, 1]) / (end[edge, 0] - start[edge, 0])
    crossing = start[edge, 1] + (row + 0.5 - start[edge, 0]) * slope
    column = np.clip(np.ceil(crossing - 0.5), columns.start, columns.stop).astype(np.int64) - columns.start
    place = (row - rows.start) * (size[1] + 1) + column
    toggles = np.bincount(place, minlength=size[0] * (size[1] + 1)).reshape(size[0], size[1] + 1)
    return (np.cumsum(toggles[:, :-1], axis=1) % 2).astype(bool), (rows, columns)


def paint(drawing: Drawing, name: str, *, axes: str | None = None, shape: Sequence[int] | None = None) -> Painted:
    """Paint shapes into labels; where two overlap, the later one lies on top.

    Parameters
    ----------
    drawing
        The shapes.
    name
        The file, for errors.
    axes, shape
        Of the image that they lie on, less its channels. Unless given, the labels are as large as the shapes need.

    Raises
    ------
    ImageError
        If a shape lies outside of the image, or they would need more than can be.
    """
    if axes is None or shape is None or not set("YX") <= set(axes) <= set("TZYX"):
        axes, shape = _needed(drawing, name)
    sizes = dict(zip(axes, shape, strict=True))
    shapes = _numbered([_placed(each, sizes) for each in drawing.shapes])
    ordered = "".join(letter for letter in "TZYX" if letter in axes)
    highest = max((each.number or 0 for each in shapes), default=0)
    labels = np.zeros([sizes[letter] for letter in ordered], np.uint16 if highest < 2**16 else np.uint32)
    covered = outside = 0
    for each in shapes:
        where = tuple(_index(each, letter, sizes, name) for letter in ordered if letter in "TZ")
        mask, part = filled(each.rings, (sizes["Y"], sizes["X"]))
        outside += not mask.any()
        values = labels[(*where, *part)]
        covered += int(np.count_nonzero((values[..., mask] != 0) & (values[..., mask] != each.number)))
        values[..., mask] = each.number or 0
    notes = list(drawing.notes)
    if outside:
        notes.append(f"{name}: {outside} of its shapes hold the middle of no pixel of the image, and were left out")
    if covered:
        notes.append(f"{name}: {covered} pixels lie in several of its shapes; they have the number of the last one")
    names = {each.number: each.name for each in shapes if each.number and each.name}
    kinds = {each.number: each.kind for each in shapes if each.number and each.kind}
    return Painted(labels.transpose([ordered.index(letter) for letter in axes]), axes, names, kinds, tuple(notes))


def _clip(value: int, size: int) -> int:
    return min(max(value, 0), size)


def _needed(drawing: Drawing, name: str) -> tuple[str, tuple[int, ...]]:
    """Return the axes and sizes of the smallest labels that hold all shapes."""
    height, width = drawing.size or (1, 1)
    if drawing.size is None:
        for each in drawing.shapes:
            for ring in each.rings:
                bottom, right = np.ceil(np.max(ring, axis=0)).tolist()
                height, width = max(height, int(bottom)), max(width, int(right))
    frames = max((each.t or 0 for each in drawing.shapes), default=0) + 1
    slices = max((max(each.z or 0, each.position or 0) for each in drawing.shapes), default=0) + 1
    if frames * slices * height * width > _MOST:
        raise ImageError(
            f"{name}: its shapes reach to frame {frames}, slice {slices}, row {height} and column {width}, which is "
            "more than labels can have; name the image that they were drawn on"
        )
    sizes = {"T": frames, "Z": slices, "Y": height, "X": width}
    axes = "".join(letter for letter in "TZYX" if letter in "YX" or sizes[letter] > 1)
    return axes, tuple(sizes[letter] for letter in axes)


def _placed(each: Drawn, sizes: Mapping[str, int]) -> Drawn:
    """Say of which slice and frame a place in a stack is; ImageJ counts slices first."""
    if each.position is None:
        return each
    frame, piece = divmod(each.position, sizes.get("Z", 1))
    return replace(each, t=frame, z=piece, position=None)


def _index(each: Drawn, letter: str, sizes: Mapping[str, int], name: str) -> int | slice:
    place = each.t if letter == "T" else each.z
    if place is None:
        return slice(None)
    if place >= sizes[letter]:
        kind = "frame" if letter == "T" else "slice"
        raise ImageError(
            f"{name}: a shape is of {kind} {place + 1}, and the image has {sizes[letter]}; give the image that the "
            "shapes were drawn on"
        )
    return place


def _numbered(shapes: Sequence[Drawn]) -> list[Drawn]:
    """Give numbers to shapes that have none: as they come, after those that have one."""
    used = max((each.number or 0 for each in shapes), default=0)
    numbered = []
    for each in shapes:
        if not each.number:
            used += 1
        numbered.append(each if each.number else replace(each, number=used))
    return numbered
