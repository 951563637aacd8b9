"""A person who clicks, simulated: where the next click goes, given what is right and what has been found.

The next click goes to the middle of the largest error, on the object where some of it is missing and beside it where
too much was found (the protocol of Sofiiuk et al. 2022, arXiv 2102.06583, Section 4, and the works before it).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from src_models.clicking.prompts import Click

__all__ = ["hurried_click", "next_click"]


def next_click(
    truth: NDArray[np.bool_], found: NDArray[np.bool_], clicked: NDArray[np.bool_] | None = None
) -> Click | None:
    """Return the next click of a careful person.

    Parameters
    ----------
    truth, found
        The object, and what has been found of it; both (H, W).
    clicked
        Pixels that were clicked before, which are not clicked again.

    Returns
    -------
    Click or None
        In the middle of the largest error, that is, as far as can be from its edge; None where all is right.
    """
    middle = _middle_of_largest_error(truth, found, clicked)
    if middle is None:
        return None
    y, x, positive, _ = middle
    return Click(y, x, positive=positive)


def hurried_click(
    truth: NDArray[np.bool_],
    found: NDArray[np.bool_],
    random: np.random.Generator,
    clicked: NDArray[np.bool_] | None = None,
) -> Click | None:
    """Return the next click of a person in a hurry: anywhere in the inner half of the error's largest part.

    Parameters
    ----------
    truth, found, clicked
        As for :func:`next_click`.
    random
        Decides where.
    """
    middle = _middle_of_largest_error(truth, found, clicked)
    if middle is None:
        return None
    _, _, positive, depth = middle
    inner = np.argwhere(depth > depth.max() / 2)
    y, x = inner[random.integers(len(inner))]
    return Click(float(y), float(x), positive=positive)


def _middle_of_largest_error(
    truth: NDArray[np.bool_], found: NDArray[np.bool_], clicked: NDArray[np.bool_] | None
) -> tuple[float, float, bool, NDArray[np.float64]] | None:
    """Return row and column, whether the object is missing there, and depths in the part: distances to its edge."""
    errors = [truth & ~found, found & ~truth]
    if clicked is not None:
        errors = [error & ~clicked for error in errors]
    parts = [_largest_part(error) for error in errors]
    sizes = [int(part.sum()) for part in parts]
    if not any(sizes):
        return None
    positive = sizes[0] >= sizes[1]
    depth = _depth(parts[0 if positive else 1])
    y, x = np.unravel_index(int(np.argmax(depth)), depth.shape)
    return float(y), float(x), positive, depth


def _largest_part(error: NDArray[np.bool_]) -> NDArray[np.bool_]:
    numbered, count = ndimage.label(error, structure=np.ones((3, 3)))
    if count < 2:
        return error
    sizes = np.bincount(numbered.ravel())
    sizes[0] = 0
    return np.asarray(numbered == sizes.argmax())


def _depth(part: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return each pixel's distance to the nearest one outside; what lies beyond the image is outside."""
    depth = np.zeros(part.shape)
    rows, columns = (np.flatnonzero(part.any(axis)) for axis in (1, 0))
    if len(rows):  # nothing beside its rows and columns is in the part
        around = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        depth[around] = ndimage.distance_transform_edt(np.pad(part[around], 1))[1:-1, 1:-1]
    return depth
