"""Masks that were drawn as foreground against background, where every object needs a number of its own.

Examples
--------
>>> two_cells = np.array([[255, 0, 255]])
>>> one_number_each([two_cells])
True
>>> connected_parts(two_cells).tolist()
[[1, 0, 2]]
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.labels.instances import connected_parts

__all__ = ["connected_parts", "one_number_each", "unnumbered_words"]

SPECK = 0.1  # of the largest part of a mask; smaller ones may be slips of the brush


def one_number_each(masks: Iterable[NDArray[Any]]) -> bool:
    """Tell whether no mask tells objects apart: each holds one number at most, and some number marks several parts.

    Parameters
    ----------
    masks
        Masks of a data set, (H, W) or (D, H, W); 0 is background. No more of them are taken than it needs to tell.
    """
    several = False
    for mask in masks:
        numbers = mask[mask > 0]
        if not numbers.size:
            continue
        if numbers.min() != numbers.max():
            return False
        several = several or _in_parts(mask > 0)
    return several


def unnumbered_words(source: str | Path) -> str:
    """Return what a person should know where connected parts are taken as objects, in a sentence."""
    return (
        f"{source}: no mask tells objects apart (each holds one number, such as 255, in several pieces), so every "
        "connected piece was taken as an object of its own. Objects that touch count as one: number them, or use "
        "classes (--classes) if these are no objects"
    )


def _in_parts(marked: NDArray[np.bool_]) -> bool:
    from scipy import ndimage

    parts, _ = ndimage.label(marked)
    sizes = np.bincount(parts.ravel())[1:]
    return bool((sizes >= SPECK * sizes.max()).sum() > 1)
