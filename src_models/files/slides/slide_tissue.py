"""Where on a slide there is tissue, from one of its coarse levels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from src_models.images.slides.tissue import Tissue, find_tissue

if TYPE_CHECKING:
    from src_models.files.images import ImageFile

__all__ = ["LEAST_PIXELS", "tissue_of"]

LEAST_PIXELS = 2**22  # of smaller images every tile is computed: there is little to be gained
_MOST_SIDE = 4096  # px of the level that is looked at: the finest that is no larger


def tissue_of(image: ImageFile) -> Tissue | None:
    """Find where there is tissue on a whole slide: an image in colour that is read lazily and has coarser levels.

    Returns
    -------
    Tissue or None
        None where the image is no slide, or where nothing of it can be left out.
    """
    reading = image.reading
    if not image.levels or isinstance(image.data, np.ndarray) or set(reading.axes) != set("YXC"):
        return None
    if reading.size("Y") * reading.size("X") < LEAST_PIXELS or reading.size("C") not in (3, 4):
        return None
    order = [reading.axes.index(letter) for letter in "YXC"]
    levels = [level.transpose(order) for level in image.levels]
    level = next((one for one in levels if max(one.shape[:2]) <= _MOST_SIDE), levels[-1])
    step = math.ceil(max(level.shape[:2]) / _MOST_SIDE)
    return find_tissue(np.asarray(level[::step, ::step]))
