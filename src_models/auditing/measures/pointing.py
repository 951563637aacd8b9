"""The pointing game: how often attention is strongest where people drew objects.

Zhang et al. 2016 (arXiv 1608.00507), section 4.1, without its margin of 15 px, which is wider than a nucleus; against
chance, and for the strongest 1 % of cells beside the single strongest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from src_models.auditing.figures import Pointing
from src_models.auditing.measures.cells import cell_means
from src_models.auditing.measures.curves import ranking

__all__ = ["pointing"]

TOP = 0.01


def pointing(
    cells: NDArray[np.float32], stride: int, objects: NDArray[np.bool_], generator: np.random.Generator
) -> Pointing:
    """Play the pointing game with one map.

    Parameters
    ----------
    cells
        The map (h, w), at its own resolution.
    stride
        Pixels per cell: cell i covers the pixels from ``stride * i`` on.
    objects
        (H, W), True inside objects.
    generator
        Decides between equal cells at the end of the strongest 1 %.
    """
    cover = cell_means(objects, stride)
    inside = cover >= 0.5
    order = ranking(cells, generator)[: max(1, round(TOP * cells.size))]
    return Pointing(
        strongest=float(inside[cells == cells.max()].mean()),
        strongest_chance=float(inside.mean()),
        top=float(cover.ravel()[order].mean()),
        chance=float(cover.mean()),
    )
