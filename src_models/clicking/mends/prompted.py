"""What becomes of an object when something is given for it in a plane, and what of that goes on in others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from src_models.clicking.answering.known import EIGHT, near_pieces, settled, whole
from src_models.clicking.answering.mending import pixels_of, said_of
from src_models.clicking.carrying import away
from src_models.clicking.click_image import ClickImage
from src_models.clicking.clicked_object import Front, ObjectInPlane, ObjectState
from src_models.clicking.prompts import Box, Prompt
from src_models.images.planes import Plane

__all__ = ["prompted"]

Mask = NDArray[np.bool_]
MOSTLY = 0.5  # share of its area that lies in a box from which on the box was drawn around it


def prompted(image: ClickImage, state: ObjectState, plane: Plane, prompt: Prompt) -> ObjectState:
    """Return an object after something was given for it in a plane.

    Parameters
    ----------
    image
        The image.
    state
        The object before.
    plane
        Where.
    prompt
        What is given.
    """
    known = state.planes.get(plane)
    if known is not None and known.begun:
        found = _mended(image, plane, known, prompt)
    else:
        prompts = (*known.prompts, prompt) if known else (prompt,)
        carried = known.carried if known else ()
        answer = image.answers(plane).next((*carried, *prompts), known.answer if known else None)
        found = ObjectInPlane(answer, prompts, carried)
    return replace(
        state,
        planes={**state.planes, plane: found},
        origin=plane if state.origin is None else state.origin,
        fronts=(*state.fronts, *_fronts(image, state, plane, found)),
    )


def _mended(image: ClickImage, plane: Plane, known: ObjectInPlane, prompt: Prompt) -> ObjectInPlane:
    """Return a plane that a person began with after a mend: of several pieces in it, the one that was meant changes."""
    content = whole(known.answer)
    pieces, count = ndimage.label(content, EIGHT)
    chosen = _in_box(pieces, count, prompt) if isinstance(prompt, Box) else set()
    if not isinstance(prompt, Box):
        chosen = near_pieces(pieces, count, pixels_of(prompt, content.shape, (0, 0)))
    meant = np.isin(pieces, list(chosen)) if chosen else np.zeros_like(content)
    prompts = (*known.prompts, prompt)
    if not (meant.any() or isinstance(prompt, Box) or prompt.positive):
        return replace(known, prompts=prompts)  # beside all of it
    before = settled(known.answer, meant) if meant.any() else None
    earlier = [each for each in known.prompts if _is_of(each, meant)]
    answer = image.answers(plane).next((*earlier, prompt), before, stays=True)
    now = whole(answer) | (content & ~meant)
    for place, positive in said_of(prompts, content.shape, (0, 0)).items():
        now[place] = positive
    return replace(known, answer=settled(answer, now), prompts=prompts)


def _is_of(prompt: Prompt, meant: Mask) -> bool:
    """Whether what was given before says something of a piece: clicks on others would be sought in it."""
    if isinstance(prompt, Box) or not prompt.positive:
        return not isinstance(prompt, Box)
    return bool(meant[tuple(pixels_of(prompt, meant.shape, (0, 0)).T)].any())


def _in_box(pieces: NDArray[np.int32], count: int, box: Box) -> set[int]:
    rows, columns = (
        slice(max(0, int(np.ceil(low))), max(0, int(np.floor(high)) + 1))
        for low, high in ((box.top, box.bottom), (box.left, box.right))
    )
    areas = np.bincount(pieces.ravel(), minlength=count + 1)
    inside = np.bincount(pieces[rows, columns].ravel(), minlength=count + 1)
    return {number for number in range(1, count + 1) if inside[number] >= MOSTLY * areas[number]}


def _fronts(image: ClickImage, state: ObjectState, plane: Plane, found: ObjectInPlane) -> list[Front]:
    """Return what changed, to be followed: away from the first plane; to both sides where the object did not lie."""
    if image.depth == 1 or not state.carried:
        return []
    known = state.planes.get(plane)
    now = whole(found.answer)
    before = np.zeros_like(now) if known is None else whole(known.answer)
    fronts = []
    for side in (1, -1) if state.begun or known is None else away(state.origin, plane):
        ended_here = known is not None and (*plane[:-1], plane[-1] + side) not in state.planes
        if ended_here and not state.begun and now.any() and (before != now).any():  # what is mended may go on
            fronts.append(Front(plane, side, True, now))
            continue
        changes = ((False, before & ~now), (True, now & ~before))
        fronts += [Front(plane, side, positive, changed) for positive, changed in changes if changed.any()]
    return fronts
