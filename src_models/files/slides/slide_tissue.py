"""Where on a slide there is tissue, from one of its coarse levels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from src_models.images.slides.tissue import Tissue, find_tissue

if TYPE_CHECKING:
    from src_models.files.images import ImageFile

__all__ = ["LEAST_PIXELS", "is_slide", "tissue_in", "tissue_of"]

LEAST_PIXELS = 2**22  # of smaller images every tile is computed: there is little to be gained
_MOST_SIDE = 4096  # px of the level that is looked at: the finest that is no larger


def tissue_of(image: ImageFile) -> Tissue | None:
    """Find where there is tissue on a whole slide: an image in colour that is read lazily and has coarser levels.

    Returns
    -------
    Tissue or None
        None where the image is no slide, or where nothing of it can be left out.
    """
    return tissue_in((image.data, *image.levels), image.reading.axes)


def is_slide(levels: Sequence[Any], axes: str) -> bool:
    """Tell whether an image is a whole slide: in colour, large, read lazily, and with coarser levels.

    Parameters
    ----------
    levels
        Its array, and the same at coarser levels.
    axes
        Letters of the array's axes.
    """
    data = levels[0]
    if len(levels) < 2 or isinstance(data, np.ndarray) or sorted(axes) != sorted("YXC"):
        return False
    height, width, colours = (data.shape[axes.index(letter)] for letter in "YXC")
    return height * width >= LEAST_PIXELS and colours in (3, 4)


def tissue_in(levels: Sequence[Any], axes: str) -> Tissue | None:
    """Find where there is tissue, as :func:`tissue_of` does, of arrays; see :func:`is_slide`."""
    if not is_slide(levels, axes):
        return None
    order = [axes.index(letter) for letter in "YXC"]
    coarser = [level.transpose(order) for level in levels[1:]]
    level = next((one for one in coarser if max(one.shape[:2]) <= _MOST_SIDE), coarser[-1])
    step = math.ceil(max(level.shape[:2]) / _MOST_SIDE)
    return find_tissue(np.asarray(level[::step, ::step]))
