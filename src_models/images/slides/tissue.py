"""Where on a slide there is tissue: stain has colour, and the glass around it is bright and has hardly any.

As in CLAM (Lu et al., Data-efficient and weakly supervised computational pathology on whole-slide images, Nat Biomed
Eng 5:555, 2021, Methods, "WSI segmentation"), a coarse level is brought to saturation, smoothed by a median filter, and
cut by Otsu's threshold. Theirs leaves out small regions and fills holes; here nothing that has colour is left out, and
what is dark is taken for tissue too, since a tile too many costs a moment and one too few what was in it.

Examples
--------
>>> slide = np.full((40, 60, 3), 240, np.uint8)
>>> slide[10:20, 10:20] = (220, 150, 190)
>>> tissue = find_tissue(slide, margin=0)
>>> shape = (1600, 2400)  # px at the finest level
>>> tissue.holds((slice(0, 400), slice(0, 2400)), shape), tissue.holds((slice(500, 520), slice(500, 900)), shape)
(False, True)
>>> [round(place, 2) for place in tissue.middle]
[0.36, 0.24]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Tissue", "find_tissue"]

_LEAST_COLOUR, _MOST_COLOUR = 8 / 255, 0.1  # Otsu's threshold is kept between: glass is never quite white, stain pale
_BRIGHT = 0.7  # of white: glass is brighter than this in all three colours
_LEAST_GLASS = 0.02  # of the slide: with less, nothing is gained


@dataclass(frozen=True, slots=True, eq=False)
class Tissue:
    """Where tissue is.

    Parameters
    ----------
    cells
        (rows, columns) bool: whether there is any in each of as many equal parts of the slide's height and width.
    """

    cells: NDArray[np.bool_]

    @property
    def share(self) -> float:
        """The part of the slide that is tissue, from 0 to 1."""
        return float(self.cells.mean())

    @property
    def middle(self) -> tuple[float, float]:
        """The place in height and width (as parts of them) around which most tissue is."""
        from scipy import ndimage

        around = ndimage.gaussian_filter(self.cells.astype(np.float32), min(self.cells.shape) / 16, mode="constant")
        y, x = np.unravel_index(int(around.argmax()), around.shape)
        return (int(y) + 0.5) / self.cells.shape[0], (int(x) + 0.5) / self.cells.shape[1]

    @property
    def note(self) -> str:
        """What to tell a person who wonders why nothing is found on the glass."""
        return (
            f"Only tissue was looked at, {self.share:.0%} of the area, and what is near it; the glass around it has "
            "label 0."
        )

    def holds(self, region: Sequence[slice], shape: Sequence[int]) -> bool:
        """Tell whether there is any tissue in a region, as :meth:`share_of` has it."""
        return self.share_of(region, shape) > 0

    def within(self, region: Sequence[slice], shape: Sequence[int]) -> Tissue | None:
        """Return where there is tissue in a region, which then is a slide of its own.

        Parameters
        ----------
        region, shape
            As of :meth:`share_of`.

        Returns
        -------
        Tissue or None
            None where it is all tissue: nothing can be left out.
        """
        cells = self.cells
        for axis, (side, size) in enumerate(zip(region, shape, strict=True)):
            count = self.cells.shape[axis]
            parts = max(1, math.ceil(side.stop * count / size) - side.start * count // size)
            # No part is longer than a cell, so that it touches two at most.
            edges = np.linspace(side.start, side.stop, parts + 1) * count / size
            first = np.clip(np.floor(edges[:-1] + 1e-9).astype(int), 0, count - 1)
            last = np.clip(np.ceil(edges[1:] - 1e-9).astype(int) - 1, 0, count - 1)
            cells = cells.take(first, axis=axis) | cells.take(last, axis=axis)
        return None if cells.all() else Tissue(cells)

    def share_of(self, region: Sequence[slice], shape: Sequence[int]) -> float:
        """Return the part of a region that is tissue, counted in the cells that it touches.

        Parameters
        ----------
        region
            Of the slide (px), at any scale.
        shape
            Height and width (px) of the slide at that scale.
        """
        places = (
            slice(side.start * count // size, math.ceil(side.stop * count / size))
            for side, size, count in zip(region, shape, self.cells.shape, strict=True)
        )
        return float(self.cells[tuple(places)].mean())


def find_tissue(colours: NDArray[Any], *, margin: int = 2) -> Tissue | None:
    """Find tissue on a coarse level of a slide.

    Parameters
    ----------
    colours
        (y, x, 3 or more): red, green and blue, of whole numbers up to what their type holds, or from 0 to 1.
    margin
        Pixels around tissue that are taken for tissue too: what a coarse level shows faintly, or shifted.

    Returns
    -------
    Tissue or None
        None where nothing can be left out: there is no bright ground, or nothing on it.
    """
    from scipy import ndimage
    from skimage.filters import threshold_otsu

    white = float(np.iinfo(colours.dtype).max) if colours.dtype.kind in "ui" else 1.0
    values = np.clip(np.nan_to_num(colours[..., :3].astype(np.float32) / white), 0, 1)
    brightest, darkest = values.max(-1), values.min(-1)
    saturation = (brightest - darkest) / np.maximum(brightest, 1e-6)  # S of HSV
    smooth = ndimage.median_filter(saturation, size=3)
    levels = np.round(smooth * 255).astype(np.uint8)
    otsu = threshold_otsu(levels) / 255 if levels.min() < levels.max() else 0.0
    threshold = min(max(otsu, _LEAST_COLOUR), _MOST_COLOUR)
    glass = (smooth <= threshold) & (ndimage.median_filter(darkest, size=3) >= _BRIGHT)
    if glass.mean() < _LEAST_GLASS or glass.all():
        return None
    cells = ~glass
    if margin:
        cells = ndimage.binary_dilation(cells, np.ones((3, 3), bool), iterations=margin)
    return Tissue(cells)
