"""Carrying what was found in one plane of a volume to the planes behind and before, and what of it is written there."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from src_models.clicking.carrying import away, carry
from src_models.clicking.click_image import ClickImage
from src_models.clicking.clicked_object import End, ObjectInPlane
from src_models.clicking.volume.answered import Answered
from src_models.clicking.volume.given import InPlane
from src_models.clicking.volume.parts import EIGHT, Part, answer_of, settled, whole
from src_models.clicking.volume.views import View
from src_models.images.planes import Plane

__all__ = ["carried"]

Mask = NDArray[np.bool_]
# What is found is not written where more than this share of it lies there already, and was not carried there: a mask
# that a person began with, or planes of another view. It goes no further then.
THERE = 0.1


def carried(
    image: ClickImage,
    mask: Mask,
    initial: Mask | None,
    found: Answered,
    view: View,
    given: InPlane,
    until: float,
) -> tuple[Part, ...]:
    """Carry what was found in a plane, and return the parts as they are known then.

    After a click on the object, what is found is added to the other planes: where the object was carried before, as far
    as it goes on from what the click added, since what was right there stays. After a click beside it, what was taken
    away is followed through the planes beyond in the same way, and the object goes from those beyond its end.

    Parameters
    ----------
    image
        The volume from that side.
    mask
        What lies in the volume; it is written into.
    initial
        What a person began with, which stays; None if that was nothing.
    found
        What was found in the plane.
    view, given
        The plane, and what was given in it.
    until
        When to stop (s, as :func:`time.monotonic` counts).
    """
    part = found.part
    plane: Plane = (given.index,)
    sides = away(part.origin, plane)
    if image.depth == 1 or not (given.positive or any(_beyond(at, plane, sides) for at in part.planes)):
        return found.parts
    write = _Writing(mask, initial, view, found.parts, part)
    kept = part
    for side in sides:
        if part.planes[plane].answer.extent is None:  # it ends before this plane, as was said
            kept = write.taken_away(kept, found.taken, plane, side)
            continue
        last, changed = plane, found.added if given.positive else found.taken
        for after in carry(image, part.planes, part.origin, plane, side):
            image.forget(but=plane)
            if isinstance(after, End) or time.monotonic() > until:
                ends = isinstance(after, End) and not given.positive
                kept = write.dropped(kept, last, side) if ends else kept
                break
            now, changed = (write.added if given.positive else write.left)(*after, changed)
            if now is None:
                break
            kept, last = kept.with_plane(after[0], now), after[0]
    return found.with_part(kept)


@dataclass(frozen=True, slots=True)
class _Writing:
    """Where what is found is written: the volume, what it held at the beginning, the side, all parts, and the one."""

    mask: Mask
    initial: Mask | None
    view: View
    parts: tuple[Part, ...]
    part: Part

    def added(self, plane: Plane, found: ObjectInPlane, added: Mask) -> tuple[ObjectInPlane | None, Mask]:
        """Add what was found in a plane, where the part lay before as far as it goes on from what was added.

        Returns
        -------
        found, added
            What is known of the plane then, and what was added there; None where something else lies there, or nothing
            goes on.
        """
        content, new = self.view.plane(self.mask, plane[-1]), whole(found.answer)
        own = np.zeros_like(content)
        for each in self.parts:
            if each.axis == self.view.axis:
                own |= each.in_plane(plane, (content.shape[0], content.shape[1]))
        other = (content & ~own) | self._initial_in(plane, content)
        if int((new & other).sum()) > THERE * int(new.sum()):
            return None, added
        old = own & content & ~other
        more = new & ~content
        if plane in self.part.planes:
            pieces, _ = ndimage.label(ndimage.binary_opening(more, EIGHT), EIGHT)
            meant = np.unique(pieces[added])
            more = np.isin(pieces, meant[meant > 0])
            if not more.any():
                return None, more
        content |= more
        return replace(found, answer=settled(found.answer, more | old)), more

    def left(self, plane: Plane, found: ObjectInPlane, taken: Mask) -> tuple[ObjectInPlane | None, Mask]:
        """Take away what goes on from what was taken away in the plane before, and is not found again.

        Returns
        -------
        found, taken
            What is known of the plane then, and what was taken away there; None where that was nothing.
        """
        content = self.view.plane(self.mask, plane[-1])
        old, new = self.part.in_plane(plane, (content.shape[0], content.shape[1])), whole(found.answer)
        pieces, _ = ndimage.label(old & ~new, EIGHT)
        meant = np.unique(pieces[taken])
        gone = np.isin(pieces, meant[meant > 0]) & ~self._initial_in(plane, content)
        if not gone.any():
            return None, gone
        content &= ~gone
        return replace(found, answer=settled(found.answer, old & ~gone)), gone

    def taken_away(self, part: Part, taken: Mask, plane: Plane, side: int) -> Part:
        """Take away all of a part that goes on beyond a plane, and return what is left of it."""
        nothing = answer_of(np.zeros_like(taken), len(part.planes[plane].answer.grid))
        while taken.any() and (plane := (*plane[:-1], plane[-1] + side)) in part.planes:
            now, taken = self.left(plane, replace(part.planes[plane], answer=nothing), taken)
            if now is not None:
                part = part.with_plane(plane, now)
        return part

    def dropped(self, part: Part, last: Plane, side: int) -> Part:
        """Take all of a part away from the planes beyond one, where it is not found again; return what is left."""
        beyond = [at for at in part.planes if _beyond(at, last, (side,))]
        for plane in beyond:
            content = self.view.plane(self.mask, plane[-1])
            content &= ~part.in_plane(plane, (content.shape[0], content.shape[1])) | self._initial_in(plane, content)
        return replace(part, planes={at: one for at, one in part.planes.items() if at not in beyond})

    def _initial_in(self, plane: Plane, content: Mask) -> Mask:
        return np.zeros_like(content) if self.initial is None else self.view.plane(self.initial, plane[-1])


def _beyond(plane: Plane, last: Plane, sides: Sequence[int]) -> bool:
    return any((plane[-1] - last[-1]) * side > 0 for side in sides)
