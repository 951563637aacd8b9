"""At which size an object is best looked at, of which nothing is known but a place in it.

The place is shown in squares of doubling side. In the right one the object is of a good size, the network is sure of
it, and the next larger or smaller square tells the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from src_models.clicking.answering.crop import SHARE, Crop

__all__ = ["best_zoom", "sureness"]

AGREEMENT, SIZE = 1.0, 0.2  # what agreement of neighbouring squares, and each doubling away from the good size, count
CONTRADICTION = 2.0  # what each place counts that is said to lie outside of the object, and was found in it
NOTHING = -10.0
Places = Sequence[tuple[float, float]]


def best_zoom(
    crops: Sequence[Crop], grids: NDArray[np.float32], places: Places, threshold: float, outside: Places = ()
) -> int:
    """Return which of several squares around a place shows its object best.

    Parameters
    ----------
    crops
        The squares, each twice as large as the one before, with one middle.
    grids
        Probabilities of the object in each, (N, size, size).
    places
        Places in the object (px of the plane).
    threshold
        From which probability on a cell belongs to it.
    outside
        Places beside the object.
    """
    found = [_held(grid > threshold, crop, places) for crop, grid in zip(crops, grids, strict=True)]
    agreements = [_agreement(near, far) for near, far in pairwise(found)]
    worths = []
    for number, (crop, grid, mask) in enumerate(zip(crops, grids, found, strict=True)):
        if not mask.any():
            worths.append(NOTHING)
            continue
        agreement = max(agreements[max(number - 1, 0) : number + 1], default=0.0)
        away = abs(float(np.log2(_share(mask) / SHARE)))
        contradicted = CONTRADICTION * _inside(mask, crop, outside)
        worths.append(sureness(grid, mask) + AGREEMENT * agreement - SIZE * away - contradicted)
    return int(np.argmax(worths))


def sureness(grid: NDArray[np.float32], found: NDArray[np.bool_]) -> float:
    """Return how far from undecided a network is in and around what it found, 0 to 1; 0 if it found nothing."""
    if not found.any():
        return 0.0
    around = max(1, round(0.15 * _share(found) * len(found)))
    near = ndimage.binary_dilation(found, iterations=around)
    return float(np.abs(2 * grid[near] - 1).mean())


def _held(found: NDArray[np.bool_], crop: Crop, places: Places) -> NDArray[np.bool_]:
    """Return the connected parts in which the places lie; nothing if they lie in none."""
    parts, _ = ndimage.label(found)
    meant = {int(parts[cell]) for cell in _cells(crop, places, len(found))} - {0}
    return np.isin(parts, list(meant))


def _inside(found: NDArray[np.bool_], crop: Crop, places: Places) -> int:
    """Return how many places lie in what was found."""
    return sum(bool(found[cell]) for cell in _cells(crop, places, len(found)))


def _cells(crop: Crop, places: Places, size: int) -> list[tuple[int, ...]]:
    """Return the cells of places that lie on the grid of a square."""
    cells = [tuple(np.round(crop.to_grid(*place, size)).astype(int)) for place in places]
    return [cell for cell in cells if min(cell) >= 0 and max(cell) < size]


def _share(found: NDArray[np.bool_]) -> float:
    rows, columns = (np.flatnonzero(found.any(axis)) for axis in (1, 0))
    return float(max(np.ptp(rows), np.ptp(columns)) + 1) / len(found)


def _agreement(near: NDArray[np.bool_], far: NDArray[np.bool_]) -> float:
    """Return the IoU of what was found in a square and in one twice as large, in areas of the image."""
    size = len(near)
    quarter = size // 4
    middle = far[quarter : quarter + size // 2, quarter : quarter + size // 2]
    enlarged = np.kron(middle, np.ones((2, 2), bool))
    outside = 4 * (int(far.sum()) - int(middle.sum()))
    union = int((near | enlarged).sum()) + outside
    return int((near & enlarged).sum()) / union if union else 0.0
