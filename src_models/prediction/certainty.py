"""How sure a network is of the objects it finds: what tells an image like those it learnt from from an unlike one.

The measure is the mean probability of being an object, of whatever class, over the pixels where it is above one half.
It needs no truth. What it tells apart is measured by `benchmarks/unlike_images.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST_CERTAINTY", "Certainty"]

LEAST_CERTAINTY = 0.8  # below, an image is taken for one unlike those learnt from
_OBJECT = 0.5  # whatever threshold a person sets, so that the measure stays comparable


class Certainty:
    """Sums up an image's probabilities, block by block."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._count = 0

    def add(self, probabilities: NDArray[Any]) -> None:
        """Add a block of class probabilities (C, *S), the background's first."""
        chance = np.asarray(probabilities[1:], np.float32).sum(0)
        on = chance > _OBJECT
        self._sum += float(chance[on].sum(dtype=np.float64))
        self._count += int(on.sum())

    def join(self, other: Certainty) -> None:
        """Add what was summed up elsewhere, of other blocks."""
        total, count = other.totals
        self._sum += total
        self._count += count

    @property
    def totals(self) -> tuple[float, int]:
        """The sum over all pixels of objects, and how many there are."""
        return self._sum, self._count

    @property
    def mean(self) -> float | None:
        """The mean over all that was added; None where no pixel is an object's."""
        return self._sum / self._count if self._count else None
