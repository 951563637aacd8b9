"""What was given to a journal and is not on disk yet: small labels and notes as they are, large labels to be read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.journal.log import Box, split_box

__all__ = ["Block", "Notes", "Source", "as_json", "checked_form"]


@dataclass(frozen=True, slots=True)
class Block:
    """Labels to be written.

    Parameters
    ----------
    start
        Where the first one lies.
    labels
        The array.
    """

    start: tuple[int, ...]
    labels: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Notes:
    """Notes to be written.

    Parameters
    ----------
    notes
        As JSON gives them.
    """

    notes: dict[str, Any]


class Source:
    """Labels to be read and written part by part.

    Parameters
    ----------
    labels
        The array.
    region
        Which part of it, with start and stop for each axis.
    whole
        Whether it is the whole that a journal begins with, or goes on with.
    """

    def __init__(self, labels: NDArray[Any], region: Box, *, whole: bool) -> None:
        self.labels = labels
        self.whole = whole
        self.later = split_box(region, labels.dtype.itemsize)
        self.next: Box | None = next(self.later)  #: what is to be read next; None after the last
        self.over: list[bytes] = []  #: records of what was written since, to lie over this


def checked_form(shape: Sequence[int], dtype: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and dtype of labels.

    Raises
    ------
    ValueError
        If they are neither integers nor booleans.
    """
    dtype = np.dtype(dtype)
    if dtype.kind not in "biu":
        raise ValueError(f"labels are integers or booleans, not {dtype}")
    return tuple(int(size) for size in shape), dtype


def as_json(notes: Mapping[str, Any]) -> dict[str, Any]:
    """Copy notes as JSON holds them, at once: they may change later, and a mistake is seen where it was made."""
    copied: dict[str, Any] = json.loads(json.dumps(dict(notes)))
    return copied
