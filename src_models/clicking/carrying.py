"""Carrying an object from slice to slice: the mask found in one slice, and a click in its middle, start the next.

What the network finds there is held against the object's grey values, those in the slice where it was begun and those
in the slice before; so it is not found for ever where it has ended, and is followed where it fades.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from src_models.clicking.answering.answer import Answer
from src_models.clicking.answering.grey_values import GreyValues
from src_models.clicking.click_image import ClickImage
from src_models.clicking.clicked_object import End, ObjectInPlane, ObjectState
from src_models.errors import UserError
from src_models.images.planes import Plane

__all__ = ["NO_FURTHER", "SAID", "Carrying", "away", "carry", "ended", "without"]


SMALLEST = 16  # px; below that the object is taken to have ended
KEPT = 0.25  # share of its area to which an object may shrink from slice to slice; its inverse, to which it may grow
OVERLAP = 0.2  # IoU with the slice before
# What grows by more than the one and has less than the other IoU in common with the slice before is not the object.
GROWN, GROWN_OVERLAP = 1.4, 0.55
SURE = 0.6
TELLING = 0.5  # how much an object's own grey values must say for it, if they are to say that it has ended
VANISHED = "the object vanishes after it"
OTHER = "what follows looks like something else"
UNSURE = "the network is not sure after it"
NO_FURTHER = "it was asked to go no further"
SAID = "you said that it ends there"


def carry(
    image: ClickImage,
    planes: Mapping[Plane, ObjectInPlane],
    origin: Plane,
    start: Plane,
    direction: int,
    between: tuple[int, int] | None = None,
    last: Plane | None = None,
) -> Iterator[tuple[Plane, ObjectInPlane] | End]:
    """Carry an object on in one direction along the last of the leading axes, slice by slice, up to its end.

    Parameters
    ----------
    image
        The image.
    planes
        What is known of the object; what a person gave in a plane counts there again.
    origin
        The plane in which it was begun.
    start
        The plane to go on from.
    direction
        1 or -1.
    between
        The first and the last slice to go to at the most.
    last
        The last plane that holds the object, as a person said.

    Yields
    ------
    tuple or End
        The next plane and what was found there; last, where and why it stopped.
    """
    plane, known = start, planes[start]
    begun = image.answers(origin).grey_values(planes[origin].answer)
    lately = image.answers(start).grey_values(known.answer)
    low, high = between or (0, image.depth - 1)
    while True:
        if plane == last:
            yield End(plane, SAID)
            return
        after = (*plane[:-1], plane[-1] + direction)
        if not 0 <= after[-1] < image.depth:
            yield End(plane, "the stack ends there")
            return
        if not low <= after[-1] <= high:
            yield End(plane, NO_FURTHER)
            return
        found, likeness = _next(image, known.answer, (begun, lately), after, planes.get(after))
        why = None if found.prompts else _reason_to_stop(known.answer, found.answer, begun.own, likeness)
        if why is not None or found.answer.extent is None:
            yield End(plane, why or VANISHED)
            return
        yield after, found
        lately = image.answers(after).grey_values(found.answer)
        plane, known = after, found


class Carrying:
    """Carries an object from a plane to those beyond, anew; of one that a person began with, beyond its ends alone.

    Parameters
    ----------
    image, state, plane
        The object, and where it is carried from.
    between
        The first and the last slice to go to at the most.
    """

    def __init__(
        self, image: ClickImage, state: ObjectState, plane: Plane, between: tuple[int, int] | None = None
    ) -> None:
        self._image, self._state, self._plane = image, state, plane
        self._between = between or (0, image.depth - 1)
        sides = (1, -1) if state.begun else away(state.origin, plane)
        self._planes, self._ends = (dict(state.planes), {}) if state.begun else without(state, plane, sides)
        self._starts = {side: _outermost(state, side) if state.begun else plane for side in sides}
        self._reached = {side: start[-1] for side, start in self._starts.items()}
        # What a person said of where it ends holds, unless it is carried on from beyond that slice.
        self._said = {
            side: last
            for side, last in state.said.items()
            if side not in self._starts or (last[-1] - self._starts[side][-1]) * side >= 0
        }
        self.done = 0

    def planes(self) -> Iterator[Plane]:
        """Yield each plane in which it was found."""
        state = self._state
        for side, start in self._starts.items():
            origin, last = state.origin or self._plane, self._said.get(side)
            for found in carry(self._image, state.planes, origin, start, side, self._between, last):
                if isinstance(found, End):
                    self._ends[side] = found
                    break
                self._planes[found[0]] = found[1]
                self._reached[side] = found[0][-1]
                self.done += 1
                yield found[0]

    def left(self) -> tuple[ObjectState, tuple[int, int]]:
        """Return the object as far as it was carried, and the slices between which that would be done again."""
        ends, (low, high) = dict(self._ends), self._between
        for side in set(self._starts) - set(ends):  # left early
            ends[side] = End((*self._plane[:-1], self._reached[side]), NO_FURTHER)
            low, high = (low, self._reached[1]) if side == 1 else (self._reached[-1], high)
        fronts = self._state.fronts if self._state.begun else ()
        return replace(self._state, planes=self._planes, ends=ends, said=self._said, fronts=fronts), (low, high)


def away(origin: Plane | None, plane: Plane) -> tuple[int, ...]:
    """Return the directions in which an object is carried from a plane: away from its first one, or both."""
    if origin is None or origin[-1] == plane[-1]:
        return (1, -1)
    return (1,) if plane[-1] > origin[-1] else (-1,)


def without(
    state: ObjectState, plane: Plane, directions: Sequence[int]
) -> tuple[dict[Plane, ObjectInPlane], dict[int, End]]:
    """Return what stays of an object when it is found anew beyond a plane."""
    planes = {
        at: found for at, found in state.planes.items() if not any((at[-1] - plane[-1]) * d > 0 for d in directions)
    }
    return planes, {d: end for d, end in state.ends.items() if d not in directions}


def _outermost(state: ObjectState, side: int) -> Plane:
    """Return the last plane to one side in which an object lies."""
    held = [plane for plane, found in state.planes.items() if found.answer.extent is not None]
    return (max if side == 1 else min)(held)


def ended(state: ObjectState, plane: Plane) -> ObjectState:
    """Return an object of which a person said that it ends in a plane, as seen from its first one.

    Raises
    ------
    UserError
        If it does not lie there, or it is not clear which side is meant.
    """
    if plane not in state.planes:
        raise UserError(
            "the object does not lie in this slice: carry it, go to the last slice that holds it, and say there "
            "that it ends"
        )
    sides = away(state.origin, plane)
    if len(sides) > 1:
        sides = tuple(d for d in sides if any((at[-1] - plane[-1]) * d > 0 for at in state.planes))
    if len(sides) != 1:
        raise UserError(
            "the object was begun in this slice, "
            + ("and goes on to both sides of it" if sides else "and lies in no other")
            + ": go to the last slice that holds it, and say there that it ends"
        )
    planes, ends = without(state, plane, sides)
    ends[sides[0]] = End(plane, SAID)
    fronts = tuple(each for each in state.fronts if (each.plane[-1] - plane[-1]) * sides[0] < 0)
    return replace(state, planes=planes, ends=ends, said={**state.said, sides[0]: plane}, fronts=fronts)


def _next(
    image: ClickImage, before: Answer, looks: Sequence[GreyValues], plane: Plane, known: ObjectInPlane | None
) -> tuple[ObjectInPlane, float]:
    """Return what is found in a plane, and how much it looks like the object."""
    answers = image.answers(plane)
    carried, answer, likeness = answers.carry(before, looks)
    prompts = known.prompts if known is not None else ()
    for count in range(1, len(prompts) + 1):
        answer = answers.next((*carried, *prompts[:count]), answer)
    return ObjectInPlane(answer, prompts, carried), likeness


def _reason_to_stop(before: Answer, found: Answer, own: float, likeness: float) -> str | None:
    area, earlier = int(found.mask.sum()), int(before.mask.sum())
    if area < SMALLEST or area < KEPT * earlier:
        return VANISHED
    overlap = before.overlap(found)
    if area * KEPT > earlier or overlap < OVERLAP or (area > GROWN * earlier and overlap < GROWN_OVERLAP):
        return OTHER
    if own > TELLING and likeness < 0:
        return OTHER
    return UNSURE if found.sureness < SURE else None
