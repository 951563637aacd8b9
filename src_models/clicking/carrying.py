"""Carrying an object from slice to slice: the mask found in one slice, and a click in its middle, start the next.

What the network finds there is held against the object's grey values, those in the slice where it was begun and those
in the slice before; so it is not found for ever where it has ended, and is followed where it fades.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from src_models.clicking.answering.answer import Answer
from src_models.clicking.answering.grey_values import GreyValues
from src_models.clicking.click_image import ClickImage
from src_models.clicking.clicked_object import End, ObjectInPlane, ObjectState
from src_models.images.planes import Plane

__all__ = ["NO_FURTHER", "SAID", "away", "carry", "without"]


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
