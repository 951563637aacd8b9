"""Carrying an object from slice to slice: the mask found in one slice, and a click in its middle, start the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from src_models.clicking.answer import Answer
from src_models.clicking.click_image import ClickImage
from src_models.clicking.object_state import End, ObjectInPlane

__all__ = ["NO_FURTHER", "SAID", "carry"]

Plane = tuple[int, ...]

SMALLEST = 16  # px; below that the object is taken to have ended
KEPT = 0.25  # share of its area to which an object may shrink from slice to slice; its inverse, to which it may grow
OVERLAP = 0.2  # IoU with the slice before
SURE = 0.6
NO_FURTHER = "it was asked to go no further"
SAID = "you said that it ends there"


def carry(
    image: ClickImage,
    planes: Mapping[Plane, ObjectInPlane],
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
        found = _next(image, known.answer, after, planes.get(after))
        why = None if found.prompts else _reason_to_stop(known.answer, found.answer)
        if why is not None:
            yield End(plane, why)
            return
        yield after, found
        plane, known = after, found


def _next(image: ClickImage, before: Answer, plane: Plane, known: ObjectInPlane | None) -> ObjectInPlane:
    answers = image.answers(plane)
    carried, answer = answers.carry(before)
    prompts = known.prompts if known is not None else ()
    if prompts:
        answer = answers.next((*carried, *prompts), answer)
    return ObjectInPlane(answer, prompts, carried)


def _reason_to_stop(before: Answer, found: Answer) -> str | None:
    area, earlier = int(found.mask.sum()), int(before.mask.sum())
    if area < SMALLEST or area < KEPT * earlier:
        return "the object vanishes after it"
    if area * KEPT > earlier or before.overlap(found) < OVERLAP:
        return "what follows looks like something else"
    if found.sureness < SURE:
        return "the network is not sure after it"
    return None
