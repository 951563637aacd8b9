"""Which of the connected parts of what was found are the object."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["part_over", "parts_with"]


def parts_with(found: NDArray[np.bool_], places: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
    """Return the connected parts that hold one of some places; all parts if none does."""
    around = _extent(found)
    if around is None:
        return found
    parts, count = ndimage.label(found[around])
    if count < 2:
        return found
    where, shape = np.asarray(places, dtype=float).reshape(-1, 2), np.asarray(found.shape)
    where = where[((where >= -0.5) & (where <= shape - 0.5)).all(1)]
    cells = np.clip(np.round(where).astype(int), 0, shape - 1) - [part.start for part in around]
    cells = cells[((cells >= 0) & (cells < parts.shape)).all(1)]
    meant = np.unique(parts[tuple(cells.T)])
    meant = meant[meant > 0]
    if not meant.size:
        return found
    chosen = np.zeros_like(found)
    chosen[around] = np.isin(parts, meant)
    return chosen


def _extent(found: NDArray[np.bool_]) -> tuple[slice, slice] | None:
    """Return the rows and columns that a mask takes: to number the parts of little takes little time."""
    rows, columns = (np.flatnonzero(found.any(axis)) for axis in (1, 0))
    return (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)) if len(rows) else None


def part_over(found: NDArray[np.bool_], before: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the connected part that has most in common with another mask; all parts if none has anything."""
    parts, count = ndimage.label(found)
    common = np.bincount(parts[before], minlength=count + 1)
    common[0] = 0
    return np.asarray(parts == common.argmax()) if common.any() else found
