"""What an object's grey values are, and those around it: whether a pixel elsewhere looks like the one or the other.

A network that is shown where an object was in the slice before goes on believing in it where there is none. Its grey
values tell: learnt where a person saw the object, as two histograms, they say of each pixel of another slice how much
likelier it is in the object than around it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["GreyValues", "with_evidence"]

BINS = 32
SMOOTHING = 1.0  # cells: noise is no matter of what something is
AROUND = 0.35  # how far around an object its surroundings are taken to reach, as a share of the root of its area
FEWEST = 20  # cells that tell of an object's inside without its edge
# Shares of grey values never seen before that belong to an object, and to what surrounds it: what is like neither is
# rather not the object.
NEW_INSIDE, NEW_AROUND = 0.02, 0.2
CERTAIN = 0.02  # beyond which a network's certainty counts no more where it is held against grey values
MOST = 4.0  # what a single cell can say at the most, as a logarithm of odds


class GreyValues:
    """Grey values of an object and of its surroundings.

    Parameters
    ----------
    image
        Normalised grey values, (C, H, W); of colours the mean counts.
    inside
        Where the object is, (H, W); it holds something.
    """

    def __init__(self, image: NDArray[np.float32], inside: NDArray[np.bool_]) -> None:
        grey = _smooth(image)
        low, high = np.percentile(grey, [1, 99])
        self._low, self._width = float(low), float(max(high - low, 1e-3)) / BINS
        core = ndimage.binary_erosion(inside)
        core = core if core.sum() > FEWEST else inside
        reach = max(3, round(AROUND * float(np.sqrt(inside.sum()))))
        around = ndimage.binary_dilation(inside, iterations=reach) & ~ndimage.binary_dilation(inside)
        object_, other = self._histogram(grey[core]), self._histogram(grey[around])
        odds = (1 - NEW_INSIDE) * object_ + NEW_INSIDE / BINS, (1 - NEW_AROUND) * other + NEW_AROUND / BINS
        self._evidence = np.clip(np.log(odds[0] / odds[1]), -MOST, MOST).astype(np.float32)
        self.own = float(self._evidence[self._bins(grey[core])].mean())

    def evidence(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return how each cell of an image (C, H, W) looks: above 0 like the object, below like its surroundings.

        Returns
        -------
        ndarray, shape (H, W)
            Logarithms of odds.
        """
        found: NDArray[np.float32] = self._evidence[self._bins(_smooth(image))]
        return found

    def _histogram(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        counts = np.bincount(self._bins(values), minlength=BINS).astype(float)
        return np.asarray(ndimage.gaussian_filter1d(counts, 1.0) / max(len(values), 1))

    def _bins(self, values: NDArray[np.float32]) -> NDArray[np.intp]:
        bins: NDArray[np.intp] = np.clip((values - self._low) / self._width, 0, BINS - 1).astype(int)
        return bins


def _smooth(image: NDArray[np.float32]) -> NDArray[np.float32]:
    grey: NDArray[np.float32] = ndimage.gaussian_filter(image.mean(0), SMOOTHING)
    return grey


def with_evidence(grid: NDArray[np.float32], evidence: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return probabilities after what grey values say; odds are multiplied."""
    certain = np.clip(grid, CERTAIN, 1 - CERTAIN)
    return np.asarray(1 / (1 + (1 - certain) / certain * np.exp(-evidence)), np.float32)
