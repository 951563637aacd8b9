"""Carrying what was found in one plane of a volume to the planes behind and before, and what of it is written there."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from src_models.clicking.carrying import away
from src_models.clicking.click_image import ClickImage
from src_models.clicking.clicked_object import End, Front
from src_models.clicking.mends.following import Content, follow
from src_models.clicking.volume.answered import Answered
from src_models.clicking.volume.given import InPlane
from src_models.clicking.volume.parts import Part
from src_models.clicking.volume.views import View
from src_models.images.planes import Plane

__all__ = ["carried"]

Mask = NDArray[np.bool_]


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
    part = kept = found.part
    plane: Plane = (given.index,)
    content = _content(mask, initial, view, found.parts)
    for side in away(part.origin, plane):
        front = Front(plane, side, given.positive, found.added if given.positive else found.taken)
        steps = follow(image, part.planes, part.origin, front, content)
        while image.depth > 1 and time.monotonic() <= until:
            step = next(steps, None)
            image.forget(but=plane)
            if step is None or isinstance(step, End):
                break
            kept = kept.without_plane(step.plane) if step.found is None else kept.with_plane(step.plane, step.found)
    return found.with_part(kept)


def _content(mask: Mask, initial: Mask | None, view: View, parts: tuple[Part, ...]) -> Content:
    """Return what lies in the planes of a view: all parts that are known in these were carried there."""

    def lies(plane: Plane) -> Mask:
        return view.plane(mask, plane[-1])

    def own(plane: Plane) -> Mask:
        content = lies(plane)
        shape = (content.shape[0], content.shape[1])
        together = np.zeros(shape, bool)
        for each in parts:
            if each.axis == view.axis:
                together |= each.in_plane(plane, shape)
        return together

    def stays(plane: Plane) -> Mask:
        return np.zeros_like(lies(plane)) if initial is None else view.plane(initial, plane[-1])

    return Content(lies, own, stays)
