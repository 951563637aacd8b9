"""What a click promises, and whether an answer kept it.

A place that was clicked is in the object, or out of it, from then on; a click changes something near it; and what was
right stays as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from src_models.clicking.prompts import Click

__all__ = ["Kept", "kept"]

NEAR, LEAST = 0.1, 3.0  # share of the object's length from a click that is near it, and px that always are
LOST = 0.05  # share of the object's area: what was right and is not any more is no matter up to it
Mask = NDArray[np.bool_]


class Kept(NamedTuple):
    """Which of its promises a click kept.

    Parameters
    ----------
    obeyed
        All clicked pixels are in the object, or out of it, as the last click on each said.
    changed
        Something changed near the click.
    stayed
        Of what had been right, less than 5 % of the object's area is wrong now.
    """

    obeyed: bool
    changed: bool
    stayed: bool


def kept(before: Mask, after: Mask, truth: Mask, clicks: Sequence[Click]) -> Kept:
    """Tell which promises the last of some clicks kept.

    Parameters
    ----------
    before, after, truth
        What was found before it and after it, and the object; all (H, W).
    clicks
        All clicks on the object, the last of them at a place where `before` was wrong.
    """
    said = {pixel_of(click, truth.shape): click.positive for click in clicks}
    y, x = pixel_of(clicks[-1], truth.shape)
    rows, columns = (np.flatnonzero(truth.any(axis)) for axis in (1, 0))
    reach = max(LEAST, NEAR * max(np.ptp(rows), np.ptp(columns)) if len(rows) else 0.0)
    near = np.ogrid[: truth.shape[0], : truth.shape[1]]
    close = (near[0] - y) ** 2 + (near[1] - x) ** 2 <= reach**2
    lost = (before == truth) & (after != truth)
    return Kept(
        obeyed=all(after[pixel] == positive for pixel, positive in said.items()),
        changed=bool((before != after)[close].any()),
        stayed=bool(lost.sum() <= LOST * truth.sum()),
    )


def pixel_of(click: Click, shape: Sequence[int]) -> tuple[int, int]:
    """Return the pixel that was clicked."""
    y, x = (min(max(round(at), 0), length - 1) for at, length in zip((click.y, click.x), shape, strict=True))
    return y, x
