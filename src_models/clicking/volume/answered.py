"""The answer to what was given in one plane of a volume, and what lies in the plane then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from src_models.clicking.answering.answer import Answer
from src_models.clicking.answering.known import answer_of, settled, whole
from src_models.clicking.click_image import ClickImage
from src_models.clicking.clicked_object import ObjectInPlane
from src_models.clicking.prompts import Prompt
from src_models.clicking.volume.given import InPlane
from src_models.clicking.volume.parts import Part, meant
from src_models.clicking.volume.views import View

__all__ = ["Answered", "answered"]

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Answered:
    """What was found in a plane.

    Parameters
    ----------
    content
        All that lies in the plane now.
    aside
        What of it is no part of what was found.
    taken, added
        What was taken away, and what was added.
    parts
        The parts of the object; that which was found, or changed, is among them.
    number
        Which of them it is.
    """

    content: Mask
    aside: Mask
    taken: Mask
    added: Mask
    parts: tuple[Part, ...]
    number: int

    @property
    def part(self) -> Part:
        """The part that was found, or changed."""
        return self.parts[self.number]

    def with_part(self, part: Part) -> tuple[Part, ...]:
        """Return the parts with what is known now of the one that was found."""
        return (*self.parts[: self.number], part, *self.parts[self.number + 1 :])

    def settled(self, pixels: Mask, index: int) -> Answered:
        """Return what was found as what lies in the plane after all."""
        plane = (index,)
        found = self.part.planes[plane]
        now = replace(found, answer=settled(found.answer, pixels))
        taken = (self.taken | whole(found.answer)) & ~pixels
        return replace(self, taken=taken, parts=self.with_part(self.part.with_plane(plane, now)))


def answered(image: ClickImage, content: Mask, parts: Sequence[Part], view: View, given: InPlane) -> Answered | None:
    """Answer to what was given in a plane.

    Parameters
    ----------
    image
        The volume from that side.
    content
        What lies in the plane.
    parts
        The parts of the object.
    view
        The side.
    given
        What was given.

    Returns
    -------
    Answered or None
        None where there is nothing to find: what is not meant to be the object lies away from all that is.
    """
    plane = (given.index,)
    what = meant(content, parts, view.axis, given)
    if not given.positive and not what.pixels.any():
        return None
    part = Part(view.axis, plane, {}) if what.number is None else parts[what.number]
    before = part.planes.get(plane)
    earlier = () if before is None else (*before.carried, *before.prompts)
    answer: Answer | None = None
    if before is not None:
        answer = settled(before.answer, what.pixels)
    elif what.pixels.any():
        answer = answer_of(what.pixels, image.network.size, pixel=image.pixel)
    prompts: tuple[Prompt, ...] = ()
    for group in _groups(given):
        prompts = (*prompts, *group)
        answer = image.answers(plane).next((*earlier, *prompts), answer)
    assert answer is not None
    found = whole(answer)
    if given.limit is not None:
        found &= given.limit
    if given.positive and given.within is None:  # a click on the object takes nothing away
        found |= what.pixels
    now = ObjectInPlane(
        settled(answer, found),
        (*(before.prompts if before else ()), *prompts),
        before.carried if before else (),
    )
    number = len(parts) if what.number is None else what.number
    known = (*parts, part) if what.number is None else tuple(parts)
    known = (*known[:number], part.with_plane(plane, now), *known[number + 1 :])
    return Answered(found | what.aside, what.aside & ~found, what.pixels & ~found, found & ~content, known, number)


def _groups(given: InPlane) -> Sequence[tuple[Prompt, ...]]:
    """Return what the network is shown at a time: a box with what belongs to it, or one stroke after the other."""
    return [given.prompts] if given.within is not None else [(prompt,) for prompt in given.prompts]
