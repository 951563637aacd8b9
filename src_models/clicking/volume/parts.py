"""Parts of what is segmented in a volume: each was begun in one plane, and carried to those behind and before it.

What lies in a plane may have come from elsewhere: from a mask that a person began with, or from planes of another view
that cross it. It is then made into an answer, so that a click changes it near the click and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from src_models.clicking.answering.answer import THRESHOLD, Answer
from src_models.clicking.answering.crop import crop_around
from src_models.clicking.clicked_object import ObjectInPlane
from src_models.clicking.volume.given import InPlane
from src_models.images.planes import Plane

__all__ = ["Meant", "Part", "answer_of", "meant", "settled", "whole"]

Mask = NDArray[np.bool_]
EIGHT = np.ones((3, 3), bool)
# A click belongs to what lies no further from it than this share of its length, and at least so many pixels.
REACH, LEAST_REACH = 0.5, 8.0
MOSTLY = 0.5  # share of its area that lies in a box from which on the box was drawn around it
NOTHING_GIVEN = np.zeros((0, 0, 0), np.float32)  # what the network saw is needed for pictures of attention alone


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

    def in_plane(self, plane: Plane, shape: tuple[int, int]) -> Mask:
        """Return its pixels in a plane, as they were found."""
        found = self.planes.get(plane)
        return np.zeros(shape, bool) if found is None else whole(found.answer)


class Meant(NamedTuple):
    """What of a plane is meant: the number of the part, or None; its pixels; and all that is there besides."""

    number: int | None
    pixels: Mask
    aside: Mask


def whole(answer: Answer) -> Mask:
    """Return an answer's pixels in the whole plane."""
    found = np.zeros(answer.shape, bool)
    found[answer.region] = answer.mask
    return found


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
    chosen = _around(pieces, count, given) if given.within is not None else _near(pieces, count, given)
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


def settled(answer: Answer, pixels: Mask) -> Answer:
    """Return an answer as what lies in its plane now: where that is otherwise, its probabilities are as well."""
    if pixels.sum() != pixels[answer.region].sum() or not pixels.any():
        return answer_of(pixels, len(answer.grid), answer.threshold)
    if np.array_equal(pixels[answer.region], answer.mask):
        return answer
    now = replace(answer, mask=pixels[answer.region].copy())
    cells = now.cells
    otherwise = (answer.grid > answer.threshold) != (cells > 0.5)
    return replace(now, grid=np.where(otherwise, cells, answer.grid))


def answer_of(pixels: Mask, size: int, threshold: float = THRESHOLD) -> Answer:
    """Return some pixels of a plane as an answer on a grid of some size."""
    rows, columns = (np.flatnonzero(pixels.any(axis)) for axis in (1, 0))
    if not rows.size:
        crop = crop_around((), (slice(0, 1), slice(0, 1)))
    else:
        crop = crop_around((), (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)))
    shape = (pixels.shape[0], pixels.shape[1])
    region = crop.inside(shape)
    grid = crop.read(lambda part: pixels[part].astype(np.float32), shape, size)
    return Answer(crop, region, grid, NOTHING_GIVEN, pixels[region].copy(), shape, threshold)


def _around(pieces: NDArray[np.int32], count: int, given: InPlane) -> set[int]:
    """Return the pieces that something was drawn around."""
    areas = np.bincount(pieces.ravel(), minlength=count + 1)
    inside = np.bincount(pieces[given.within], minlength=count + 1)
    return {number for number in range(1, count + 1) if inside[number] >= MOSTLY * areas[number]}


def _near(pieces: NDArray[np.int32], count: int, given: InPlane) -> set[int]:
    """Return the pieces that something was given in, or else the nearest one if it is near enough."""
    touched = {int(number) for number in pieces[tuple(given.said.T)]} - {0}
    if touched or not count:
        return touched
    away, (rows, columns) = ndimage.distance_transform_edt(pieces == 0, return_indices=True)
    row, column = min(map(tuple, given.said.tolist()), key=lambda pixel: away[pixel])
    number = int(pieces[rows[row, column], columns[row, column]])
    length = max(_lengths(pieces == number))
    return {number} if away[row, column] <= max(LEAST_REACH, REACH * length) else set()


def _lengths(mask: Mask) -> Iterator[int]:
    for axis in (1, 0):
        taken = np.flatnonzero(mask.any(axis))
        yield int(taken[-1] - taken[0] + 1)
