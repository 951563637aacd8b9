"""Objects told apart by flows: unit vectors that lead through each object to its middle.

Heat spreads from the middle pixel of each object and is lost at its edge; the vectors are those of its gradient. Two
objects that touch flow apart, and pixels that flow to one place are one object (Stringer et al. 2021, Cellpose, Nature
Methods 18, 100-106).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.labels.instances import finished
from src_models.models.header import InstanceSettings

__all__ = ["flows_of_labels", "labels_from_flows"]

STRIDE = 1.5  # px that a pixel moves at a time
STILL = 0.15  # length of a flow from which on a pixel moves by the whole stride: less would be rounded away
DOUBLINGS = 7  # a pixel moves 2 ** DOUBLINGS times
CROWD = 8  # pixels that must end in a square of 3 px for it to be the middle of an object


def flows_of_labels(labels: NDArray[Any]) -> NDArray[np.float32]:
    """Return the flows of objects, (axes, *S): vectors of length 1, 0 in the background and in the middle of objects.

    Parameters
    ----------
    labels
        Integer labels of any dimension; 0 is background.
    """
    ids, numbers = np.unique(labels, return_inverse=True)
    numbers = numbers.reshape(labels.shape) + int(ids[0] != 0)
    if not numbers.any():
        return np.zeros((labels.ndim, *labels.shape), np.float32)
    heat = _spread(numbers, _middles(numbers))
    slope = np.stack([_slope(heat, axis) for axis in range(labels.ndim)])
    length = np.sqrt((slope**2).sum(0))
    return np.asarray(slope / np.where(length > 0, length, 1) * (numbers > 0), np.float32)


def _middles(numbers: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the flat index of the pixel of each object (numbered from 1) that is nearest to its centre of mass."""
    inside = np.flatnonzero(numbers)
    owner = numbers.ravel()[inside]
    places = np.stack(np.unravel_index(inside, numbers.shape)).astype(float)
    sizes = np.bincount(owner)
    away = sum((place - (np.bincount(owner, place) / np.maximum(sizes, 1))[owner]) ** 2 for place in places)
    order = np.lexsort((away, owner))
    first = np.flatnonzero(np.diff(owner[order], prepend=0))
    return np.asarray(inside[order[first]])


def _spread(numbers: NDArray[np.intp], middles: NDArray[np.intp]) -> NDArray[np.float64]:
    """Spread heat from the middles through the objects, long enough to reach all their ends; padded by 1 on all sides.

    Plain steps of equal weights keep even the faintest heat positive and falling from the middle, which quicker
    solutions do not.
    """
    padded = np.pad(numbers, 1)
    inner = (slice(1, -1),) * numbers.ndim
    cuts = [_moved(axis, shift, numbers.ndim) for axis in range(numbers.ndim) for shift in (-1, 1)]
    share = 1 / (2 * numbers.ndim + 1)
    gates = [((padded[cut] == numbers) & (numbers > 0)) * share for cut in cuts]
    heat = np.zeros(padded.shape)
    new, part = np.empty(numbers.shape), np.empty(numbers.shape)
    for _ in range(2 * _longest(numbers)):
        np.multiply(heat[inner], share, out=new)
        for gate, cut in zip(gates, cuts, strict=True):
            np.multiply(gate, heat[cut], out=part)
            new += part
        new.ravel()[middles] += 1
        heat[inner] = new
    return heat


def _longest(numbers: NDArray[np.intp]) -> int:
    """Return the sum of the sides of the largest box around an object."""
    from scipy import ndimage

    boxes = [box for box in ndimage.find_objects(numbers) if box is not None]
    return int(max(sum(part.stop - part.start for part in box) for box in boxes))


def _slope(heat: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Return the slope of the heat along an axis, on its inner part: in the middle, of what is about to be 0."""
    ahead, behind = (heat[_moved(axis, shift, heat.ndim)] for shift in (1, -1))
    return ahead - behind


def _moved(axis: int, shift: int, dimensions: int) -> tuple[slice, ...]:
    """Return the cut of a padded array that shows the inner part moved along an axis."""
    return tuple(slice(1 + shift, -1 + shift or None) if other == axis else slice(1, -1) for other in range(dimensions))


def labels_from_flows(
    chance: NDArray[np.float32], flows: NDArray[np.float32], settings: InstanceSettings
) -> NDArray[np.int32]:
    """Gather the pixels that flow to one place.

    Parameters
    ----------
    chance
        Probability of being an object, (*S).
    flows
        As of :func:`flows_of_labels`, (axes, *S).
    settings
        Thresholds and sizes.

    Returns
    -------
    ndarray of int32, shape (*S)
        Objects numbered from 1; 0 is background.
    """
    from scipy import ndimage
    from skimage.segmentation import watershed

    foreground = chance > settings.foreground
    if not foreground.any():
        return np.zeros(foreground.shape, np.int32)
    ends = _ends(foreground, flows)
    counts = np.bincount(ends[foreground.ravel()], minlength=foreground.size).reshape(foreground.shape)
    crowd = ndimage.uniform_filter(counts.astype(np.float32), 3, mode="constant") * 3**foreground.ndim
    middles, _ = ndimage.label(crowd >= CROWD, np.ones((3,) * foreground.ndim))
    found = np.where(foreground, middles.ravel()[ends].reshape(foreground.shape), 0)
    return finished(watershed(np.zeros(foreground.shape, np.uint8), found, mask=foreground), settings)


def _ends(foreground: NDArray[np.bool_], flows: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return, for every pixel in order, the flat index of the one that it ends at; one never leaves the foreground."""
    shape = foreground.shape
    length = np.sqrt((flows**2).sum(0))
    steps = STRIDE * flows / np.maximum(length, STILL)
    moved = [
        np.clip(np.rint(place + step).astype(np.intp), 0, size - 1)
        for place, step, size in zip(np.indices(shape), steps, shape, strict=True)
    ]
    target = np.ravel_multi_index(tuple(moved), shape)
    stays = np.arange(foreground.size).reshape(shape)
    after = np.where(foreground & foreground.ravel()[target], target, stays).ravel()
    for _ in range(DOUBLINGS):
        after = after[after]
    return np.asarray(after)
