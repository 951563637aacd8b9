"""What a click may change of an object that was found: what was right far from it stays.

A click on the object adds what reaches it and takes nothing away; one beside it takes away what reaches it and adds
nothing. The places that were clicked are in the object, or out of it, from then on, whatever a network says; and the
object does not leave its box.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from src_models.clicking.prompts import Box, Click, Prompt, Scribble

__all__ = ["changed", "felt", "obeyed", "one_way", "pixels_of", "said_of"]

EIGHT = np.ones((3, 3), bool)
REACH = 2.0  # cells from a click within which what changes with it must begin
OBEYING = 1.5  # cells around a click that go with it where a network found the contrary
SLACK = 0.05  # share of a box's longer side by which a person draws it too small
Mask = NDArray[np.bool_]
Cell = tuple[float, float]


def changed(before: Mask, now: Mask, positive: bool, away: NDArray[np.float64]) -> Mask:
    """Return the cells that a click changes: the connected parts of what a network now finds otherwise that reach it.

    Parameters
    ----------
    before, now
        The object on a grid before the click, and as the network finds it after.
    positive
        Whether the click is on the object.
    away
        Distance of each cell from the click (cells).
    """
    otherwise = now & ~before if positive else before & ~now
    parts, _ = ndimage.label(otherwise, EIGHT)
    meant = np.unique(parts[otherwise & (away <= REACH)])
    return np.isin(parts, meant)  # what is not otherwise is part 0, which is none


def obeyed(found: Mask, prompts: Sequence[Prompt], origin: tuple[int, int], cell: Cell) -> Mask:
    """Return an object with all places in it, or out of it, as they were clicked, and within its box.

    Parameters
    ----------
    found
        The object's pixels in a region.
    prompts
        What was given, in order.
    origin
        Row and column of the region's first pixel.
    cell
        Height and width of a cell (px).
    """
    obeying = found.copy()
    for prompt in prompts:
        if isinstance(prompt, Box):
            _clip(obeying, prompt, origin)
    said = said_of(prompts, found.shape, origin)
    for place, positive in said.items():
        if obeying[place] != positive:
            _disc(obeying, place, OBEYING * cell[1], positive, cell[1] / cell[0])
    for place, positive in said.items():
        obeying[place] = positive
    return obeying


def said_of(prompts: Sequence[Prompt], shape: tuple[int, ...], origin: tuple[int, int]) -> dict[tuple[int, int], bool]:
    """Return for each pixel (row, column) of a region that was clicked whether it is in the object: the last counts."""
    said = {}
    for prompt in prompts:
        if not isinstance(prompt, Box):
            said.update(dict.fromkeys(map(tuple, pixels_of(prompt, shape, origin).tolist()), prompt.positive))
    return said


def felt(before: Mask, after: Mask, prompts: Sequence[Prompt], origin: tuple[int, int], cell: Cell) -> Mask:
    """Return an object in which a click changed something near it: at least a disc goes with it where nothing did.

    What was clicked before stays as it was clicked: a disc that took it along would be undone by :func:`obeyed`.

    Parameters
    ----------
    before, after
        The object's pixels in a region before the last click, and as they are to be after it.
    prompts
        What was given, in order.
    origin, cell
        As for :func:`obeyed`.
    """
    last = prompts[-1]
    if isinstance(last, Box):
        return after
    width, tall = cell[1], cell[1] / cell[0]
    places, radius = pixels_of(last, after.shape, origin), OBEYING * width
    reach = (REACH + OBEYING) * width
    mended, free = after.copy(), _free(prompts, last.positive, after.shape, origin)
    if any(((before != after) & free)[_around(place, reach, tall)].any() for place in places):
        return after
    for place in places:
        other = _nearest(after != last.positive, place, reach, tall)
        if other is not None:
            other = _nearest((after != last.positive) & free, place, 2 * reach, tall)
        enough = radius if other is None else max(radius, other + width / 2)
        _disc(mended, place, enough, last.positive, tall)
    return np.where(free, mended, after)


def one_way(before: Mask, after: Mask, prompt: Prompt) -> Mask:
    """Return an object from which a click on it has taken nothing, and to which one beside it has added nothing."""
    if isinstance(prompt, Box):
        return after
    return before | after if prompt.positive else before & after


def _free(prompts: Sequence[Prompt], positive: bool, shape: tuple[int, ...], origin: tuple[int, int]) -> Mask:
    """Return the pixels of a region that nobody said the contrary of."""
    free = np.ones(shape, bool)
    for place, said in said_of(prompts, shape, origin).items():
        free[place] = said == positive
    return free


def _clip(found: Mask, box: Box, origin: tuple[int, int]) -> None:
    slack = SLACK * max(box.bottom - box.top, box.right - box.left)
    for axis, (low, high) in enumerate(((box.top, box.bottom), (box.left, box.right))):
        along = found if axis == 0 else found.T
        along[: max(0, math.ceil(low + 0.5 - slack) - origin[axis])] = False
        along[max(0, math.floor(high + 0.5 + slack) - origin[axis]) :] = False


def pixels_of(prompt: Click | Scribble, shape: tuple[int, ...], origin: tuple[int, int]) -> NDArray[np.intp]:
    """Return the pixels (N, 2) of a region that were clicked; an image's outermost half pixels belong to its border."""
    places, start = np.asarray(list(prompt.points()), float), np.asarray(origin)
    inside = places[((places >= start - 0.5) & (places <= start + shape - 0.5)).all(1)]
    # Half a pixel is rounded to even ones, so that it is before the region is cut out: else a pixel depends on it.
    pixels: NDArray[np.intp] = np.clip(np.round(inside).astype(int) - start, 0, np.asarray(shape) - 1)
    return pixels


def _around(place: NDArray[np.intp], reach: float, tall: float) -> tuple[slice, slice]:
    rows, columns = (
        slice(max(0, int(at) - math.ceil(far)), int(at) + math.ceil(far) + 1)
        for at, far in zip(place, (reach / tall, reach), strict=True)
    )
    return rows, columns


def _nearest(mask: Mask, place: NDArray[np.intp], reach: float, tall: float) -> float | None:
    """Return the distance of the pixel of a mask that is nearest to a place; None if none is within reach.

    Distances are in widths of a pixel, which is `tall` widths high.
    """
    around = _around(place, reach, tall)
    pixels = np.argwhere(mask[around]) + [part.start for part in around] - place
    nearest = float(np.hypot(*(pixels * [tall, 1.0]).T).min()) if len(pixels) else math.inf
    return nearest if nearest <= reach else None


def _disc(mask: Mask, middle: Sequence[int] | NDArray[np.intp], radius: float, value: bool, tall: float) -> None:
    reaches = radius / tall, radius
    low = [max(0, math.ceil(at - reach)) for at, reach in zip(middle, reaches, strict=True)]
    rows, columns = (
        np.arange(start, min(size, math.floor(at + reach) + 1)) - at
        for start, at, reach, size in zip(low, middle, reaches, mask.shape, strict=True)
    )
    inside = (rows[:, None] * tall) ** 2 + columns[None] ** 2 <= radius**2
    mask[low[0] : low[0] + len(rows), low[1] : low[1] + len(columns)][inside] = value
