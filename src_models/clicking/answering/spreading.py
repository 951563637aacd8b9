"""How far a click goes: what lies near it and looks like it to the network is taken along.

A network that was shown a click may go on believing the contrary there, or yield in the clicked cell alone. A click is
an observation of what the object is, and tells of cells around it, the more so the more alike they are. So the logits
are corrected by a Gaussian process whose mean is what the network found, whose observations are the clicks that it did
not follow, and whose kernel is a product of two Gaussians: of the distance on the grid, and of the distance between the
network's own features. Interactive segmentation was put so by Zhou et al. 2023 (arXiv 2302.14578, Section 3), who train
the network with it; here it holds for any network as it is.

>>> grid = np.full((9, 9), 0.2, np.float32)
>>> features = np.zeros((1, 9, 9), np.float32)
>>> features[0, :, 5:] = 1.0  # two halves that look otherwise
>>> found = spread(grid, features, [(4.0, 2.0, True)], length=9.0, threshold=0.5)
>>> bool(found[4, 2] > 0.5), bool(found[4, 3] > 0.5), bool(found[4, 6] > 0.5)
(True, True, False)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from src_models.clicking.prompts import Box, Prompt

__all__ = ["Said", "cells_said", "spread"]

#: Row and column of a cell, and whether it is said to be in the object.
Said = tuple[float, float, bool]

MARGIN = 1.0  # by which the logit of a clicked cell lies beyond the threshold's
ALIKE = 0.6  # standard deviations of features, by root mean square over channels, within which cells look alike
NEAR, NEAREST = 0.4, 2.0  # as far as a click goes: a share of the object's length, and cells at the least
NOISE = 0.1  # variance of an observation: clicks beside each other that contradict do not tear the logits apart
OF_SCRIBBLE = 8  # points of a scribble that tell what it goes over
CERTAIN = 1e-3  # no probability is taken to be nearer to 0 or 1


def cells_said(prompts: Sequence[Prompt], place: Callable[[float, float], tuple[float, float]]) -> list[Said]:
    """Return what clicks and scribbles say, of a scribble at some of its points, evenly spread.

    Parameters
    ----------
    prompts
        What was given, in order; boxes are passed over.
    place
        Row and column of a grid at a row and column of the image.
    """
    said = []
    for prompt in prompts:
        if not isinstance(prompt, Box):
            points = list(prompt.points())
            some = points[:: max(1, len(points) // OF_SCRIBBLE)]
            said += [(*place(y, x), prompt.positive) for y, x in some]
    return said


def spread(
    grid: NDArray[np.float32], features: NDArray[np.float32], said: Sequence[Said], length: float, threshold: float
) -> NDArray[np.float32]:
    """Return probabilities that follow what was said, there and where it is alike around it.

    Parameters
    ----------
    grid
        What the network found, probabilities (size, size).
    features
        What it saw there, (C, size, size), in any unit.
    said
        Cells that are in the object, or out of it. Those that lie on no cell of the grid are passed over.
    length
        The object's longer side (cells).
    threshold
        Probability above which a cell is the object.

    Returns
    -------
    ndarray, shape (size, size), float32
        `grid` itself where the network followed all that was said, with a margin.
    """
    size = len(grid)
    rows, columns, signs = _cells(said, size)
    logits = _logit(grid.astype(np.float64))
    border = float(_logit(np.float64(threshold)))
    missed = np.maximum(MARGIN - signs * (logits[rows, columns] - border), 0.0)
    if not missed.any():
        return grid
    kernel = _kernel(features, rows, columns, max(NEAREST, NEAR * length))
    among = kernel[:, rows, columns]
    weights = np.linalg.solve(among + NOISE * np.eye(len(rows)), signs * missed)
    corrected = logits + np.einsum("n,nyx->yx", weights, kernel)
    return np.asarray(1 / (1 + np.exp(-corrected)), np.float32)


def _cells(said: Sequence[Said], size: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return rows, columns and signs of what was said of a cell of the grid; of one cell, the last word."""
    words = {}
    for y, x, positive in said:
        cell = round(y), round(x)
        if min(cell) >= 0 and max(cell) < size:
            words[cell] = 1.0 if positive else -1.0
    cells = np.array(list(words), np.intp).reshape(-1, 2)
    return cells[:, 0], cells[:, 1], np.array(list(words.values()), np.float64)


def _kernel(
    features: NDArray[np.float32], rows: NDArray[np.intp], columns: NDArray[np.intp], near: float
) -> NDArray[np.float32]:
    """Return how much each cell of the grid goes with each of some cells, (count, size, size), 1 with itself."""
    size = features.shape[-1]
    spreads = features.std((1, 2), keepdims=True) + np.float32(1e-6)
    seen = features / (spreads * np.float32(ALIKE * np.sqrt(2 * len(features))))
    line = np.arange(size, dtype=np.float32)
    down, across = (np.exp(-(((line - of[:, None]) / near) ** 2) / 2) for of in (rows, columns))
    found = np.empty((len(rows), size, size), np.float32)
    for number, (row, column) in enumerate(zip(rows, columns, strict=True)):
        unlike = seen - seen[:, row, column][:, None, None]
        alike = np.exp(-np.einsum("cyx,cyx->yx", unlike, unlike))
        found[number] = alike * down[number][:, None] * across[number]
    return found


def _logit(probability: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    certain = np.clip(probability, CERTAIN, 1 - CERTAIN)
    return np.asarray(np.log(certain / (1 - certain)))
