"""Where the objects of labels lie, block by block, so that labels that do not fit in memory do.

An object of a stack or a time series is looked at in the one plane in which most of its pixels are.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.images.planes import LabelPlane, Planes
from src_models.labels.labelling import blocks

__all__ = ["ObjectPlaces", "check_labels", "object_places"]


@dataclass(frozen=True, slots=True, eq=False)
class ObjectPlaces:
    """Objects by their numbers, in rising order.

    Parameters
    ----------
    ids
        (N,) Numbers in the labels.
    planes
        (N,) Number of the plane in which most of each is, in the order of the image's planes.
    centres
        (N, 2) The mean y and x of its pixels in that plane (px).
    boxes
        (N, 4) y0, x0, y1, x1 of what of it lies in that plane (px; ends excluded).
    """

    ids: NDArray[np.int64]
    planes: NDArray[np.int64]
    centres: NDArray[np.float64]
    boxes: NDArray[np.int64]


def check_labels(labels: Any, planes: Planes, name: str) -> None:
    """Check that labels number the objects of an image.

    Raises
    ------
    ImageError
        If they have another shape, or hold no whole numbers.
    """
    if tuple(labels.shape) != planes.label_shape:
        raise ImageError(
            f"the labels are {_size(labels.shape)} and {name} is {_size(planes.label_shape)} without its channels "
            f"({planes.label_axes}): choose the labels of this image"
        )
    if labels.dtype.kind not in "ui":
        raise ImageError(f"the labels of {name} hold {labels.dtype}: number the objects 1, 2, 3 and so on; 0 is none")


def object_places(labels: Any, planes: Planes) -> Generator[None, None, ObjectPlaces]:
    """Find the objects of labels.

    Parameters
    ----------
    labels
        Integers of the planes' `label_shape`, NumPy, dask or zarr; 0 is none.
    planes
        The image's.

    Yields
    ------
    None
        After each block.

    Returns
    -------
    ObjectPlaces
        When all was read.
    """
    kept = np.zeros((0, _COLUMNS))
    for number, plane in enumerate(planes):
        one = LabelPlane(labels, planes, plane)
        found = [np.zeros((0, _COLUMNS))]
        for region in blocks(planes.shape):
            found.append(_in_block(one[region], [side.start for side in region]))
            yield
        merged = _merged(np.concatenate(found))
        merged[:, _PLANE] = number
        kept = _larger(np.concatenate([kept, merged]))
    sizes = kept[:, _SIZE, None]
    return ObjectPlaces(
        ids=kept[:, _ID].astype(np.int64),
        planes=kept[:, _PLANE].astype(np.int64),
        centres=kept[:, _SUMS] / np.maximum(sizes, 1),
        boxes=kept[:, _BOX].astype(np.int64),
    )


# Columns of the tables below, which float64 holds exactly up to 2**53.
_ID, _SIZE, _SUMS, _BOX, _PLANE, _COLUMNS = 0, 1, slice(2, 4), slice(4, 8), 8, 9


def _in_block(block: NDArray[Any], start: list[int]) -> NDArray[np.float64]:
    """Return a row for each object of a block."""
    places = np.nonzero(block)
    ids, inverse = np.unique(block[places], return_inverse=True)
    if not len(ids):
        return np.zeros((0, _COLUMNS))
    order = np.argsort(inverse, kind="stable")
    begins = np.searchsorted(inverse[order], np.arange(len(ids)))
    y, x = (axis[order] + first for axis, first in zip(places, start, strict=True))
    rows = np.zeros((len(ids), _COLUMNS))
    rows[:, _ID], rows[:, _SIZE] = ids, np.bincount(inverse)
    rows[:, _SUMS] = np.stack([np.add.reduceat(axis, begins) for axis in (y, x)], axis=1)
    low = [np.minimum.reduceat(axis, begins) for axis in (y, x)]
    high = [np.maximum.reduceat(axis, begins) + 1 for axis in (y, x)]
    rows[:, _BOX] = np.stack([*low, *high], axis=1)
    return rows


def _merged(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Join the rows of one plane that are of one object."""
    if not len(rows):
        return rows
    rows = rows[np.argsort(rows[:, _ID], kind="stable")]
    begins = np.flatnonzero(np.diff(rows[:, _ID], prepend=np.nan) != 0)
    joined = np.add.reduceat(rows, begins)
    joined[:, _ID] = rows[begins, _ID]
    joined[:, 4:6] = np.minimum.reduceat(rows[:, 4:6], begins)
    joined[:, 6:8] = np.maximum.reduceat(rows[:, 6:8], begins)
    return joined


def _larger(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keep of each object the row of its largest part, the first of equal ones."""
    order = np.lexsort((rows[:, _PLANE], -rows[:, _SIZE], rows[:, _ID]))
    rows = rows[order]
    return rows[np.flatnonzero(np.diff(rows[:, _ID], prepend=np.nan) != 0)] if len(rows) else rows


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
