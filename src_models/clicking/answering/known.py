"""What is known to lie in a plane, as an answer: what a person began with, or what became of an answer since.

Whatever it came from, a network is shown it as what was found before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from src_models.clicking.answering.answer import THRESHOLD, Answer
from src_models.clicking.answering.crop import SQUARE, Pixel, crop_around

__all__ = ["EIGHT", "NOTHING_GIVEN", "answer_of", "near_pieces", "settled", "touching", "whole"]

Mask = NDArray[np.bool_]
EIGHT = np.ones((3, 3), bool)
# A click belongs to what lies no further from it than this share of its length, and at least so many pixels.
REACH, LEAST_REACH = 0.5, 8.0
NOTHING_GIVEN = np.zeros((0, 0, 0), np.float32)  # what the network saw is needed for pictures of attention alone


def whole(answer: Answer) -> Mask:
    """Return an answer's pixels in the whole plane."""
    found = np.zeros(answer.shape, bool)
    found[answer.region] = answer.mask
    return found


def settled(answer: Answer, pixels: Mask) -> Answer:
    """Return an answer as what lies in its plane now: where that is otherwise, its probabilities are as well."""
    if pixels.sum() != pixels[answer.region].sum() or not pixels.any():
        return answer_of(pixels, len(answer.grid), answer.threshold, answer.crop.pixel)
    if np.array_equal(pixels[answer.region], answer.mask):
        return answer
    now = replace(answer, mask=pixels[answer.region].copy())
    cells = now.cells
    otherwise = (answer.grid > answer.threshold) != (cells > 0.5)
    return replace(now, grid=np.where(otherwise, cells, answer.grid))


def answer_of(pixels: Mask, size: int, threshold: float = THRESHOLD, pixel: Pixel = SQUARE) -> Answer:
    """Return some pixels of a plane as an answer on a grid of some size; `pixel` is height and width of one."""
    rows, columns = (np.flatnonzero(pixels.any(axis)) for axis in (1, 0))
    if not rows.size:
        crop = crop_around((), (slice(0, 1), slice(0, 1)), pixel)
    else:
        crop = crop_around((), (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)), pixel)
    shape = (pixels.shape[0], pixels.shape[1])
    region = crop.inside(shape)
    grid = crop.read(lambda part: pixels[part].astype(np.float32), shape, size)
    return Answer(crop, region, grid, NOTHING_GIVEN, pixels[region].copy(), shape, threshold)


def near_pieces(pieces: NDArray[np.int32], count: int, said: NDArray[np.intp]) -> set[int]:
    """Return the numbered pieces of a plane that something was said in, or else the nearest one if it is near enough.

    Parameters
    ----------
    pieces, count
        As ``scipy.ndimage.label`` numbers them.
    said
        Pixels (N, 2).
    """
    touched = {int(number) for number in pieces[tuple(said.T)]} - {0}
    if touched or not count:
        return touched
    away, (rows, columns) = ndimage.distance_transform_edt(pieces == 0, return_indices=True)
    row, column = min(map(tuple, said.tolist()), key=lambda pixel: away[pixel])
    number = int(pieces[rows[row, column], columns[row, column]])
    length = max(_lengths(pieces == number))
    return {number} if away[row, column] <= max(LEAST_REACH, REACH * length) else set()


def touching(otherwise: Mask, changed: Mask) -> Mask:
    """Return the pieces of what is otherwise in a plane that lie over what changed in the plane beside.

    >>> otherwise = np.array([[1, 1, 0, 1]], bool)
    >>> touching(otherwise, np.array([[0, 1, 1, 0]], bool)).astype(int).tolist()
    [[1, 1, 0, 0]]
    """
    pieces, _ = ndimage.label(otherwise, EIGHT)
    meant = np.unique(pieces[changed])
    return np.isin(pieces, meant[meant > 0])


def _lengths(mask: Mask) -> Iterator[int]:
    for axis in (1, 0):
        taken = np.flatnonzero(mask.any(axis))
        yield int(taken[-1] - taken[0] + 1)
