"""What a person painted with a brush, as the strokes that a network is shown: lines through the middle of the paint."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["innermost", "strokes"]

Mask = NDArray[np.bool_]
Pixel = tuple[int, int]
MOST = 8  # strokes; of what is painted in more pieces, the largest are shown
EIGHT = np.ones((3, 3), bool)
_BESIDE = [(0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)]


def strokes(painted: Mask) -> list[tuple[Pixel, ...]]:
    """Return a line of neighbouring pixels through each piece of what was painted, the largest first.

    Parameters
    ----------
    painted
        The pixels of a plane.

    Examples
    --------
    >>> paint = np.zeros((9, 12), bool)
    >>> paint[3:6, 2:10] = True
    >>> line = strokes(paint)[0]
    >>> all(paint[pixel] for pixel in line), len(line) >= 6
    (True, True)
    """
    from skimage.morphology import skeletonize

    pieces, count = ndimage.label(painted, EIGHT)
    areas = np.bincount(pieces.ravel(), minlength=count + 1)[1:]
    around = ndimage.find_objects(pieces)
    lines = []
    for number in np.argsort(-areas, kind="stable")[:MOST]:
        part = around[number]
        piece = pieces[part] == number + 1
        thin = skeletonize(piece)
        pixels = np.argwhere(thin if thin.any() else piece) + [cut.start for cut in part]
        lines.append(_walk({(int(row), int(column)) for row, column in pixels}))
    return lines


def innermost(painted: Mask) -> Pixel:
    """Return the pixel that lies deepest in what was painted, which is not empty."""
    depth = ndimage.distance_transform_edt(np.pad(painted, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(int(np.argmax(depth)), depth.shape)
    return int(row), int(column)


def _walk(pixels: set[Pixel]) -> tuple[Pixel, ...]:
    """Return a way over all of some connected pixels that never leaves them; it goes back where it must."""
    left = set(pixels)
    at = min(pixels, key=lambda pixel: (len(_neighbours(pixel, pixels)), pixel))
    left.discard(at)
    way, line = [at], [at]
    while left and way:
        beside = _neighbours(way[-1], left)
        if beside:
            left.discard(beside[0])
            way.append(beside[0])
        else:
            way.pop()
        line += way[-1:]
    return tuple(line)


def _neighbours(pixel: Pixel, among: set[Pixel]) -> list[Pixel]:
    row, column = pixel
    return [near for down, right in _BESIDE if (near := (row + down, column + right)) in among]
