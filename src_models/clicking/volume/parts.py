"""Parts of what is segmented in a volume: each was begun in one plane, and carried to those behind and before it.

What lies in a plane may have come from elsewhere: from a mask that a person began with, or from planes of another view
that cross it. It is then made into an answer, so that a click changes it near the click and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from src_models.clicking.answering.known import EIGHT, NOTHING_GIVEN, near_pieces, whole
from src_models.clicking.clicked_object import ObjectInPlane
from src_models.clicking.volume.given import InPlane
from src_models.images.planes import Plane

__all__ = ["Meant", "Part", "meant"]

Mask = NDArray[np.bool_]
MOSTLY = 0.5  # share of its area that lies in a box from which on the box was drawn around it


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the object.

    Parameters
    ----------
    axis
        That of the view in whose planes it is known.
    origin
        The plane in which it was begun.
    planes
        What is known of it in each.
    """

    axis: int
    origin: Plane
    planes: Mapping[Plane, ObjectInPlane]

    def with_plane(self, plane: Plane, found: ObjectInPlane) -> Part:
        """Return the part with what is known now in a plane."""
        kept = replace(found, answer=replace(found.answer, given=NOTHING_GIVEN))
        return replace(self, planes={**self.planes, plane: kept})

    def without_plane(self, plane: Plane) -> Part:
        """Return the part without a plane."""
        return replace(self, planes={at: found for at, found in self.planes.items() if at != plane})

    def in_plane(self, plane: Plane, shape: tuple[int, int]) -> Mask:
        """Return its pixels in a plane, as they were found."""
        found = self.planes.get(plane)
        return np.zeros(shape, bool) if found is None else whole(found.answer)


class Meant(NamedTuple):
    """What of a plane is meant: the number of the part, or None; its pixels; and all that is there besides."""

    number: int | None
    pixels: Mask
    aside: Mask


def meant(content: Mask, parts: Sequence[Part], axis: int, given: InPlane) -> Meant:
    """Find what a person meant by what was given in a plane.

    Parameters
    ----------
    content
        What lies in the plane.
    parts
        Parts of the object.
    axis
        That of the view.
    given
        What was given.
    """
    pieces, count = ndimage.label(content, EIGHT)
    chosen = _around(pieces, count, given) if given.within is not None else near_pieces(pieces, count, given.said)
    nothing = np.zeros_like(content)
    if not chosen:
        return Meant(None, nothing, content.copy())
    pixels = np.isin(pieces, list(chosen))
    plane = (given.index,)
    best, most = None, 0
    for number, part in enumerate(parts):
        if part.axis == axis and plane in part.planes:
            common = int((part.in_plane(plane, content.shape) & pixels).sum())
            best, most = (number, common) if common > most else (best, most)
    if best is not None and given.within is None:  # a part may lie in several pieces of a plane
        held = np.unique(pieces[parts[best].in_plane(plane, content.shape) & content])
        pixels = np.isin(pieces, [*chosen, *held[held > 0].tolist()])
    return Meant(best, pixels, content & ~pixels)


def _around(pieces: NDArray[np.int32], count: int, given: InPlane) -> set[int]:
    """Return the pieces that something was drawn around."""
    areas = np.bincount(pieces.ravel(), minlength=count + 1)
    inside = np.bincount(pieces[given.within], minlength=count + 1)
    return {number for number in range(1, count + 1) if inside[number] >= MOSTLY * areas[number]}
