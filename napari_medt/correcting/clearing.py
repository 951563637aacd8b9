"""What is taken out of labels when a part of a plane is cleared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cleared", "what_to_clear"]

_MOSTLY = 0.5  # an object is in a box with this share of its pixels


@dataclass(frozen=True, slots=True, eq=False)
class Cleared:
    """Pixels of a plane that become empty.

    Parameters
    ----------
    rows, columns
        Where they are.
    values
        What they hold.
    objects
        How many objects go; None where numbers are classes.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    values: NDArray[Any]
    objects: int | None


def what_to_clear(
    labels: NDArray[Any], part: tuple[tuple[int, int], tuple[int, int]], *, background: int, whole_objects: bool
) -> Cleared:
    """Return what goes when a part of a plane is cleared.

    Parameters
    ----------
    labels
        (H, W).
    part
        Rows and columns; what reaches beyond the plane is left out.
    background
        The number that background was painted with, which stays: it says that there is nothing.
    whole_objects
        Whether numbers are objects. One that lies mostly in the part goes whole, one that only reaches into it stays.
        Else all that is in the part goes.
    """
    (top, bottom), (left, right) = part
    cut = slice(max(top, 0), max(bottom, 0)), slice(max(left, 0), max(right, 0))
    inside = labels[cut]
    if not whole_objects:
        rows, columns = np.nonzero((inside != 0) & (inside != background))
        rows, columns = rows + cut[0].start, columns + cut[1].start
        return Cleared(rows, columns, labels[rows, columns], None)
    numbers, counts = np.unique(inside, return_counts=True)
    real = (numbers != 0) & (numbers != background)
    numbers, counts = numbers[real], counts[real]
    rows, columns = np.nonzero(np.isin(labels, numbers))
    values = labels[rows, columns]
    everywhere = np.bincount(np.searchsorted(numbers, values), minlength=len(numbers))
    going = counts >= _MOSTLY * everywhere
    goes = going[np.searchsorted(numbers, values)] if len(numbers) else np.zeros(0, bool)
    return Cleared(rows[goes], columns[goes], values[goes], int(going.sum()))
