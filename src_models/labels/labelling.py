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

from src_models.images.resampling import read_resized
from src_models.labels.separation import objects_from_outputs
from src_models.models.header import InstanceSettings, instance_classes

__all__ = [
    "blocks",
    "classes_of",
    "laid_below",
    "objects_of_block",
    "resize_block",
    "resize_labels",
    "with_halo",
    "write_components",
    "write_instances",
]

BLOCK = {2: 2048, 3: 160}
HALO = {2: 160, 3: 32}

Block = tuple[slice, ...]  # of a plane or volume


def blocks(shape: Sequence[int]) -> list[Block]:
    """Cut a plane or volume into blocks (regions without halo)."""
    size = BLOCK[len(shape)]
    ranges = [[slice(a, min(a + size, n)) for a in range(0, n, size)] for n in shape]
    return list(itertools.product(*ranges))


def write_instances(outputs: Any, settings: InstanceSettings, out: Any, first_id: int) -> Iterator[int]:
    """Separate the objects of a plane.

    Parameters
    ----------
    outputs
        Class probabilities and fields (C + F, *S), NumPy or zarr.
    settings
        How objects are told apart.
    out
        Labels (*S), zeros, written by region.
    first_id
        Number of the first object.

    Yields
    ------
    int
        After each block, the number that the next object gets.
    """
    shape = outputs.shape[1:]
    for core in blocks(shape):
        wide = with_halo(core, shape)
        labels, count = objects_of_block(outputs, settings, core)
        out[wide] = laid_below(np.asarray(out[wide]), labels, first_id)
        first_id += count
        yield first_id


def with_halo(core: Block, shape: Sequence[int]) -> Block:
    """Return a block with its halo, as far as the plane goes."""
    return _widened(core, shape, HALO[len(shape)])


def objects_of_block(outputs: Any, settings: InstanceSettings, core: Block) -> tuple[NDArray[np.int32], int]:
    """Separate the objects whose centre lies in a block.

    Parameters
    ----------
    outputs, settings
        As of :func:`write_instances`.
    core
        One of :func:`blocks`.

    Returns
    -------
    labels, count
        The block with its halo (:func:`with_halo`), its objects numbered from 1, and how many there are.
    """
    wide = with_halo(core, outputs.shape[1:])
    here = np.asarray(outputs[(slice(None), *wide)])
    if not here.any():  # passed over: even where nothing is, the background has a probability
        return np.zeros(here.shape[1:], np.int32), 0
    return _centred_in(objects_from_outputs(here, settings), core, wide)


def laid_below(here: NDArray[Any], labels: NDArray[np.int32], first_id: int) -> NDArray[Any]:
    """Return `here` with the objects of one more block, numbered from `first_id`: what is there already stays."""
    return np.where((here == 0) & (labels > 0), labels + (first_id - 1), here)


def classes_of(probabilities: NDArray[Any], *, foreground: float | None = None) -> NDArray[np.uint8]:
    """Return the likeliest class of each pixel.

    Parameters
    ----------
    probabilities
        (classes, *S).
    foreground
        For a model of instances: the threshold on the probability of being an object; the result is 0 or 1.
    """
    if foreground is not None:
        return np.asarray(probabilities[1:].astype(np.float32).sum(0) > foreground, dtype=np.uint8)
    return np.asarray(probabilities.argmax(0), dtype=np.uint8)


def write_components(plane: Any, first_id: int) -> int:
    """Give each connected region of one class a number, block by block, and join what seams cut.

    Parameters
    ----------
    plane
        Classes (*S), 0 the background, which are overwritten by numbers; read and written by region.
    first_id
        Number of the first region.

    Returns
    -------
    int
        The next free number.
    """
    from skimage.measure import label

    kinds = [np.zeros(1, np.int64)]  # the class of every provisional number
    count = 0
    for core in blocks(plane.shape):
        classes = np.asarray(plane[core])
        found = label(classes, background=0, connectivity=classes.ndim).astype(np.int32)
        here = int(found.max(initial=0))
        kind = np.zeros(here + 1, np.int64)
        kind[found] = classes
        kinds.append(kind[1:])
        plane[core] = np.where(found > 0, found + count, 0)
        count += here
    final = _joined(plane, np.concatenate(kinds))
    for core in blocks(plane.shape):
        ids = np.asarray(plane[core])
        plane[core] = np.where(ids > 0, final[ids] + (first_id - 1), 0)
    return first_id + int(final.max(initial=0))


def _joined(plane: Any, kinds: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the final number, from 1 on, of every provisional one: neighbours of one class share theirs."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = [np.zeros((2, 0), np.int64)]
    for core in blocks(plane.shape):
        wide = np.asarray(plane[_widened(core, plane.shape, 1)])
        for offset in itertools.product((-1, 0, 1), repeat=wide.ndim):
            if offset > (0,) * wide.ndim:  # each pair of directions once
                one, other = (wide[_shifted(offset, sign)] for sign in (1, -1))
                differ = (one != other) & (one > 0) & (other > 0)
                met = np.unique(np.stack([one[differ], other[differ]]).astype(np.int64), axis=1)
                pairs.append(met[:, kinds[met[0]] == kinds[met[1]]])
    one, other = np.concatenate(pairs, axis=1)
    size = len(kinds)
    _, groups = connected_components(coo_array((np.ones(len(one)), (one, other)), (size, size)), directed=False)
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    ranks = np.argsort(np.argsort(first))  # in the order in which groups appear; the background, number 0, is the first
    return np.asarray(ranks[inverse], np.int32)


def _shifted(offset: Sequence[int], sign: int) -> Block:
    """Return where an array overlaps itself moved by an offset: (1) the part that stays, (-1) the part that comes."""
    return tuple(slice(max(0, sign * step), min(0, sign * step) or None) for step in offset)


def resize_labels(small: Any, outputs: Any, settings: InstanceSettings, out: Any) -> Iterator[None]:
    """Bring objects found on a rescaled plane back to the image's own pixels, one block after each step.

    Ids are taken from the nearest object, the outline from the linearly interpolated foreground probability.
    """
    for core in blocks(out.shape):
        out[core] = resize_block(small, outputs, settings, out.shape, core)
        yield


def resize_block(
    small: Any, outputs: Any, settings: InstanceSettings, resized: Sequence[int], core: Block
) -> NDArray[np.int32]:
    """Return one block (px of the image) of what :func:`resize_labels` draws."""
    from skimage.segmentation import expand_labels

    shape = small.shape
    objects = slice(1, len(instance_classes(settings.separation)))
    reach = math.ceil(max(m / n for m, n in zip(resized, shape, strict=True)))
    wide = _widened(core, resized, reach + 1)  # the nearest object may lie beyond the seam
    ids = read_resized(lambda region: np.asarray(small[region]), shape, resized, wide, order=0)
    inner = tuple(slice(c.start - w.start, c.stop - w.start) for c, w in zip(core, wide, strict=True))
    chance = read_resized(
        lambda region: np.asarray(outputs[(objects, *region)], dtype=np.float32).sum(0), shape, resized, core
    )
    return np.where(chance > settings.foreground, expand_labels(ids, reach)[inner], 0)


def _widened(core: Block, shape: Sequence[int], halo: int) -> Block:
    return tuple(slice(max(0, s.start - halo), min(n, s.stop + halo)) for s, n in zip(core, shape, strict=True))


def _centred_in(labels: NDArray[np.int32], core: Block, wide: Block) -> tuple[NDArray[np.int32], int]:
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
