"""Images of branching vessels whose truth is known: random curves that fork, 2 to 5 px wide, on an uneven ground."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

__all__ = ["vessels"]

SIDE = 256
WIDTHS = (2.0, 5.0)  # px, of the thinnest and of the trunks
TREES = 5
FORK = 0.012  # probability per px of length
TURN = 0.09  # standard deviation (rad) of what a vessel turns per px
CONTRAST = (22.0, 45.0)  # grey values that a vessel is brighter than its surroundings
NOISE = 14.0


def vessels(seed: int) -> tuple[Any, Any]:
    """Return an image (256, 256), uint8, and where its vessels are, bool."""
    rng = np.random.default_rng(seed)
    truth, light = np.zeros((SIDE, SIDE), bool), np.zeros((SIDE, SIDE))
    for _ in range(TREES):
        points, widths = _tree(rng)
        tree = _drawn(points, widths)
        truth |= tree
        light = np.maximum(light, tree * rng.uniform(*CONTRAST))
    uneven = ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE)), 40)
    ground = 80 + 30 * uneven / np.abs(uneven).max() + rng.normal(0, 4, (SIDE, SIDE)).cumsum(axis=1) * 0.05
    specks = ndimage.gaussian_filter((rng.random((SIDE, SIDE)) < 0.0015) * 500.0, 1.2)  # bright, and no vessels
    seen = ndimage.gaussian_filter(light, 0.7) + ground + specks + rng.normal(0, NOISE, (SIDE, SIDE))
    return seen.clip(0, 255).astype(np.uint8), truth


def _tree(rng: np.random.Generator) -> tuple[list[Any], list[float]]:
    """Return the points of a vessel that comes in at a side, with its branches, px by px, and the width there."""
    side, along = rng.integers(4), rng.uniform(0.1, 0.9) * SIDE
    start = [(along, 0.0), (0.0, along), (along, SIDE - 1.0), (SIDE - 1.0, along)][side]
    inwards = [np.pi / 2, 0.0, -np.pi / 2, np.pi][side]
    growing = [(np.array(start), inwards + rng.normal(0, 0.3), rng.uniform(3.5, WIDTHS[1]))]
    points: list[Any] = []
    widths: list[float] = []
    while growing:
        at, towards, width = growing.pop()
        for _ in range(int(rng.uniform(90, 260))):
            towards += rng.normal(0, TURN)
            at = at + np.array([np.cos(towards), np.sin(towards)])
            if not ((at >= 0) & (at < SIDE)).all():
                break
            points.append(at)
            widths.append(width)
            if width > WIDTHS[0] + 0.3 and rng.random() < FORK:
                branch = max(WIDTHS[0], width * rng.uniform(0.55, 0.85))
                growing.append((at, towards + rng.choice((-1, 1)) * rng.uniform(0.5, 1.1), branch))
                width = max(WIDTHS[0], 0.92 * width)
    return points, widths


def _drawn(points: list[Any], widths: list[float]) -> Any:
    """Return the pixels whose middle lies within half a vessel's width of its line."""
    found = np.zeros((SIDE, SIDE), bool)
    for (y, x), width in zip(points, widths, strict=True):
        reach = int(np.ceil(width / 2)) + 1
        rows, columns = (slice(max(0, round(c) - reach), round(c) + reach + 1) for c in (y, x))
        grid = np.mgrid[rows, columns][:, : SIDE - rows.start, : SIDE - columns.start]
        near = np.hypot(grid[0] - y, grid[1] - x) <= width / 2
        found[rows, columns] |= near
    return found
