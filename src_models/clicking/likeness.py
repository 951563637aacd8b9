"""Where an image looks like the inside of some objects rather than like what surrounds them.

How a place looks is told by its grey values or colours, smoothed over a part of an object, and by how much they vary
there. All of it happens on cells of several pixels where objects are large, so that it takes no longer for these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import peak_local_max

__all__ = ["ObjectLook", "Scale", "View", "inner"]

FINE = 8  # cells that the radius of an object has at the least, as far as it has so many pixels
ALIKE = 0.03  # how much more alike a place is than what is around it, at the least
SMALLEST_SPREAD = 0.05  # of normalised values; less is taken for noise


@dataclass(frozen=True, slots=True)
class Scale:
    """The size of the objects that are looked for.

    Parameters
    ----------
    radius
        Of the largest disk that fits into one (px).
    diameter
        Of a disk of an object's area (px).
    """

    radius: float
    diameter: float

    @classmethod
    def of(cls, masks: Sequence[NDArray[np.bool_]]) -> Scale:
        """Return the mean size of objects; each mask holds one."""
        radii = [float(ndimage.distance_transform_edt(np.pad(mask, 1)).max()) for mask in masks]
        diameters = [2 * float(np.sqrt(mask.sum() / np.pi)) for mask in masks]
        return cls(float(np.mean(radii)), float(np.mean(diameters)))

    @property
    def step(self) -> int:
        """Side of a cell (px)."""
        return max(1, int(self.radius / FINE))


class View:
    """How the places of a part of a plane look.

    Parameters
    ----------
    values
        Normalised values (C, H, W) of that part.
    origin
        Its first row and column in the plane.
    scale
        Of the objects that are looked for.
    """

    def __init__(self, values: NDArray[np.float32], origin: tuple[int, int], scale: Scale) -> None:
        self._origin = origin
        self._shape = values.shape[1:]
        self._scale = scale
        cells = _cell_means(values, scale.step)
        sigma = scale.radius / scale.step / 4
        mean = ndimage.gaussian_filter(cells, (0, sigma, sigma), mode="nearest")
        square = ndimage.gaussian_filter(cells**2, (0, sigma, sigma), mode="nearest")
        varying = np.sqrt(np.maximum(square - mean**2, 0)).mean(0, keepdims=True)
        self._looks = np.concatenate([mean, varying])

    def at(self, pixels: NDArray[np.intp]) -> NDArray[np.float32]:
        """Return how places (N, 2), in px of the plane, look: (N, C + 1)."""
        cells = (pixels - self._origin) // self._scale.step
        rows, columns = np.clip(cells, 0, np.array(self._looks.shape[1:]) - 1).T
        return np.asarray(self._looks[:, rows, columns].T)

    def places(self, examples: Sequence[ObjectLook], taken: NDArray[np.bool_], most: int) -> list[tuple[int, int]]:
        """Return places (rows and columns of the plane) in what may be objects alike, the most alike first.

        Parameters
        ----------
        examples
            The objects.
        taken
            Pixels of the view at which nothing is looked for.
        most
            Number of places at the most.
        """
        step = self._scale.step
        near = np.min([_distance(self._looks, one.inside, one.spread) for one in examples], axis=0)
        far = np.min([_distance(self._looks, one.outside, one.outside_spread) for one in examples], axis=0)
        alike = np.clip((far - near) / np.maximum(far + near, 1e-6), 0, 1)
        alike[_cell_means(taken[None].astype(np.float32), step)[0] > 0.5] = 0
        # What is alike here more than all around comes first: the middle of an object of this size, not any place in
        # something larger.
        sigma = self._scale.radius / step / 2
        here, around = (ndimage.gaussian_filter(alike, width, mode="nearest") for width in (sigma, 3 * sigma))
        blobs = (here - 0.8 * around) * (alike > 0)
        apart = max(1, round(0.4 * self._scale.diameter / step))
        peaks = peak_local_max(blobs, min_distance=apart, threshold_abs=ALIKE, exclude_border=False, num_peaks=most)
        pixels = np.minimum(peaks * step + step // 2, np.array(self._shape) - 1) + self._origin
        return [(int(row), int(column)) for row, column in pixels]


@dataclass(frozen=True, slots=True)
class ObjectLook:
    """How an object and what surrounds it look: medians and spreads, of C + 1 numbers each.

    Parameters
    ----------
    inside, spread
        Of the inner part of the object.
    outside, outside_spread
        Of a rim around it.
    area
        Its pixels.
    """

    inside: NDArray[np.float32]
    spread: NDArray[np.float32]
    outside: NDArray[np.float32]
    outside_spread: NDArray[np.float32]
    area: int

    @classmethod
    def of(cls, view: View, mask: NDArray[np.bool_], origin: tuple[int, int], scale: Scale) -> ObjectLook:
        """Look at an object.

        Parameters
        ----------
        view
            A view of it and its surroundings.
        mask
            The object's pixels and room around it for the rim.
        origin
            The mask's first row and column in the plane.
        scale
            Of the objects.
        """
        away = ndimage.distance_transform_edt(~mask)
        rim = (away > 0.4 * scale.radius) & (away <= scale.radius + 1)
        inside = _median_and_spread(view.at(inner(mask, origin)))
        # What fills the whole image has nothing around it that it could be told from.
        outside = _median_and_spread(view.at(_pixels(rim if rim.any() else mask, origin)))
        return cls(*inside, *outside, int(mask.sum()))

    def resemblance(self, look: NDArray[np.float32]) -> float:
        """Return how much another object's look (C + 1) is like this one's: 1 for the same, 0 for another kind."""
        contrast = float(np.sqrt(np.mean((self.inside - self.outside) ** 2)))
        allowed = np.maximum(self.spread, 0.35 * contrast)
        off = float(np.sqrt(np.mean(((look - self.inside) / allowed) ** 2)))
        return float(np.exp(-(off**2) / 2)) if off <= 1 else 0.0


def inner(mask: NDArray[np.bool_], origin: tuple[int, int]) -> NDArray[np.intp]:
    """Return rows and columns (N, 2) in the inner half of an object; `origin` is where its mask begins in the plane."""
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    return _pixels(depth > depth.max() / 2, origin)


def _pixels(mask: NDArray[np.bool_], origin: tuple[int, int]) -> NDArray[np.intp]:
    rows, columns = np.nonzero(mask)
    return np.stack([rows + origin[0], columns + origin[1]], axis=1)


def _cell_means(values: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """Return the mean of each cell; at the far edges, that of what there is of it."""
    if step == 1:
        return values
    wide = np.pad(values, [(0, 0), *((0, -size % step) for size in values.shape[1:])], mode="edge")
    channels, height, width = wide.shape
    return np.asarray(wide.reshape(channels, height // step, step, width // step, step).mean((2, 4)))


def _distance(
    looks: NDArray[np.float32], middle: NDArray[np.float32], spread: NDArray[np.float32]
) -> NDArray[np.float32]:
    off = (looks - middle[:, None, None]) / spread[:, None, None]
    return np.asarray(np.sqrt(np.mean(off**2, axis=0)))


def _median_and_spread(looks: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return median and spread (as a standard deviation) of places' looks, whatever a few of them are."""
    middle = np.median(looks, axis=0)
    spread = 1.4826 * np.median(np.abs(looks - middle), axis=0)
    return middle.astype(np.float32), np.maximum(spread, SMALLEST_SPREAD).astype(np.float32)
