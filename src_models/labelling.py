"""From the probabilities of a whole plane to its labels, block by block where it is large.

Objects are separated block by block, each block with a halo of its surroundings. An object belongs to the block that
holds its centre, which alone writes it, the part in the halo included; so objects on a seam are neither cut nor doubled
as long as they fit the halo.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.header import InstanceSettings
from src_models.instances import labels_from_probabilities
from src_models.resampling import read_resized

__all__ = ["blocks", "classes_of", "components", "resize_labels", "write_instances"]

BLOCK = {2: 2048, 3: 160}
HALO = {2: 160, 3: 32}

Region = tuple[slice, ...]


def blocks(shape: Sequence[int]) -> list[Region]:
    """Cut a plane or volume into blocks (regions without halo)."""
    size = BLOCK[len(shape)]
    ranges = [[slice(a, min(a + size, n)) for a in range(0, n, size)] for n in shape]
    return list(itertools.product(*ranges))


def write_instances(probabilities: Any, settings: InstanceSettings, out: Any, first_id: int) -> Iterator[int]:
    """Separate the objects of a plane.

    Parameters
    ----------
    probabilities
        P(background), P(interior), P(boundary): (3, *S), NumPy or zarr.
    settings
        Of the watershed.
    out
        Labels (*S), zeros, written by region.
    first_id
        Number of the first object.

    Yields
    ------
    int
        After each block, the number that the next object gets.
    """
    shape = probabilities.shape[1:]
    for core in blocks(shape):
        wide = _widened(core, shape, HALO[len(shape)])
        labels = labels_from_probabilities(np.asarray(probabilities[(slice(None), *wide)]), settings)
        labels, count = _centred_in(labels, core, wide)
        here = np.asarray(out[wide])
        out[wide] = np.where((here == 0) & (labels > 0), labels + (first_id - 1), here)
        first_id += count
        yield first_id


def classes_of(probabilities: NDArray[Any], *, foreground: float | None = None) -> NDArray[np.uint8]:
    """Return the likeliest class of each pixel.

    Parameters
    ----------
    probabilities
        (classes, *S).
    foreground
        For a model of instances: the threshold on P(interior) + P(boundary); the result is 0 or 1.
    """
    if foreground is not None:
        return np.asarray(probabilities[1:].astype(np.float32).sum(0) > foreground, dtype=np.uint8)
    return np.asarray(probabilities.argmax(0), dtype=np.uint8)


def components(classes: NDArray[Any], first_id: int) -> tuple[NDArray[np.int32], int]:
    """Give each connected region of one class a number; return labels and the next free number."""
    from skimage.measure import label

    found = label(classes, background=0, connectivity=classes.ndim).astype(np.int32)
    count = int(found.max(initial=0))
    return np.where(found > 0, found + (first_id - 1), 0).astype(np.int32), first_id + count


def resize_labels(small: Any, probabilities: Any, foreground: float, out: Any) -> Iterator[None]:
    """Bring objects found on a rescaled plane back to the image's own pixels, one block after each step.

    Ids are taken from the nearest object, the outline from the linearly interpolated foreground probability.
    """
    from skimage.segmentation import expand_labels

    shape, resized = small.shape, out.shape
    reach = math.ceil(max(m / n for m, n in zip(resized, shape, strict=True)))
    for core in blocks(resized):
        wide = _widened(core, resized, reach + 1)  # the nearest object may lie beyond the seam
        ids = read_resized(lambda region: np.asarray(small[region]), shape, resized, wide, order=0)
        inner = tuple(slice(c.start - w.start, c.stop - w.start) for c, w in zip(core, wide, strict=True))
        chance = read_resized(
            lambda region: np.asarray(probabilities[(slice(1, None), *region)], dtype=np.float32).sum(0),
            shape,
            resized,
            core,
        )
        out[core] = np.where(chance > foreground, expand_labels(ids, reach)[inner], 0)
        yield


def _widened(core: Region, shape: Sequence[int], halo: int) -> Region:
    return tuple(slice(max(0, s.start - halo), min(n, s.stop + halo)) for s, n in zip(core, shape, strict=True))


def _centred_in(labels: NDArray[np.int32], core: Region, wide: Region) -> tuple[NDArray[np.int32], int]:
    """Keep the objects whose centre lies in the core, and number them from 1."""
    from scipy import ndimage

    count = int(labels.max(initial=0))
    if count == 0 or core == wide:
        return labels, count
    centres = np.array(ndimage.center_of_mass(labels > 0, labels, range(1, count + 1)))
    low = np.array([c.start - w.start for c, w in zip(core, wide, strict=True)])
    high = np.array([c.stop - w.start for c, w in zip(core, wide, strict=True)])
    kept = np.concatenate([[False], ((centres >= low - 0.5) & (centres < high - 0.5)).all(1)])
    return np.where(kept, np.cumsum(kept), 0).astype(np.int32)[labels], int(kept.sum())
