"""What is measured of one object, of its mask and the values of the image in it.

Where scikit-image's ``regionprops`` has a quantity, this is the same one; it is also measured where pixels are longer
than wide or axes lean on each other, which scikit-image refuses or does not know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.labels.measurements.hull import Hull, line_ends, longest_distance
from src_models.labels.measurements.space import PixelSpace

__all__ = ["Shape", "intensities", "shape_of"]

STATISTICS = ("mean", "sum", "SD", "min", "max")


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """Size and form of an object; lengths are in the unit of the space.

    Parameters
    ----------
    pixels
        How many it has.
    centroid
        (n,) middle in its box (px).
    equivalent_diameter
        Of the circle, or ball, of its area or volume.
    axes
        Lengths of the axes of the ellipse, or ellipsoid, of its second moments, longest first.
    feret
        Longest diameter, from border to border of the convex hull.
    filled
        Share of its convex hull that it fills: the solidity.
    border
        Perimeter (2D; None where pixels are not square) or surface (3D).
    longest
        The longest distance between the centres of two of its voxels; None in 2D.
    in_slice
        The longest distance within one slice; None in 2D.
    slice
        The slice (its place in the box) where that is.
    """

    pixels: int
    centroid: NDArray[np.float64]
    equivalent_diameter: float
    axes: tuple[float, ...]
    feret: float
    filled: float
    border: float | None
    longest: float | None = None
    in_slice: float | None = None
    slice: int | None = None

    @property
    def eccentricity(self) -> float:
        """Of the ellipse, in 2D: 0 for a circle, towards 1 for what is long."""
        major, minor = self.axes[0], self.axes[-1]
        return float(np.sqrt(1 - (minor / major) ** 2)) if major > 0 else 0.0


def shape_of(mask: NDArray[np.bool_], space: PixelSpace) -> Shape:
    """Measure an object.

    Parameters
    ----------
    mask
        The object in its box, which it fills from end to end; 2 or 3 axes.
    space
        Of the pixels.
    """
    pixels = int(mask.sum())
    centroid, spread = _moments(mask, pixels)
    amount = pixels * space.size
    diameter = 2 * np.sqrt(amount / np.pi) if mask.ndim == 2 else np.cbrt(6 * amount / np.pi)
    hull = Hull.of(mask)
    longest = in_slice = place = None
    if mask.ndim == 3:
        longest = longest_distance(line_ends(mask), space.linear)
        in_slice, place = _longest_in_slice(mask, space.plane())
    return Shape(
        pixels,
        centroid,
        float(diameter),
        _axes(spread, space),
        hull.feret(space.linear),
        pixels / hull.pixels,
        _perimeter(mask, space) if mask.ndim == 2 else _surface(mask, space),
        longest,
        in_slice,
        place,
    )


def intensities(values: NDArray[Any]) -> dict[str, float]:
    """Return mean, sum, standard deviation (of the object, not of a sample), minimum and maximum of some values."""
    return {
        "mean": float(values.mean(dtype=np.float64)),
        "sum": float(values.sum(dtype=np.float64)),
        "SD": float(values.std(dtype=np.float64)),
        "min": float(values.min()),
        "max": float(values.max()),
    }


def _moments(mask: NDArray[np.bool_], pixels: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the middle (n,) and the covariance (n, n) of the pixels, from their sums along axes."""
    ndim = mask.ndim
    places = [np.arange(size, dtype=np.float64) for size in mask.shape]
    sums = [mask.sum(axis=tuple(other for other in range(ndim) if other != axis)) for axis in range(ndim)]
    middle = np.array([place @ count / pixels for place, count in zip(places, sums, strict=True)])
    centred = [place - at for place, at in zip(places, middle, strict=True)]
    spread = np.diag([(place**2) @ count / pixels for place, count in zip(centred, sums, strict=True)])
    for i in range(ndim):
        for j in range(i + 1, ndim):
            both = mask.sum(axis=tuple(axis for axis in range(ndim) if axis not in (i, j)))
            spread[i, j] = spread[j, i] = centred[i] @ both @ centred[j] / pixels
    return middle, spread


def _axes(spread: NDArray[np.float64], space: PixelSpace) -> tuple[float, ...]:
    """Return the axes of the ellipse (variance: a quarter of a semi-axis squared) or ellipsoid (a fifth)."""
    ndim = len(spread)
    values = np.linalg.eigvalsh(space.linear @ spread @ space.linear.T)[::-1][:ndim]
    lengths = 2 * np.sqrt((ndim + 2) * np.clip(values, 0, None))
    return tuple(float(length) for length in lengths)


def _longest_in_slice(mask: NDArray[np.bool_], plane: NDArray[np.float64]) -> tuple[float, int]:
    best, where = -1.0, 0
    steps = np.linalg.norm(plane, axis=0)
    for place, within in enumerate(mask):
        rows, columns = np.flatnonzero(within.any(axis=1)), np.flatnonzero(within.any(axis=0))
        if not len(rows):
            continue
        most = (rows[-1] - rows[0]) * steps[0] + (columns[-1] - columns[0]) * steps[1]
        if most <= best:
            continue
        length = longest_distance(line_ends(within), plane)
        if length > best:
            best, where = length, place
    return best, where


def _perimeter(mask: NDArray[np.bool_], space: PixelSpace) -> float | None:
    from skimage.measure import perimeter

    step = space.even_step
    return None if step is None else float(perimeter(mask, 4)) * step


def _surface(mask: NDArray[np.bool_], space: PixelSpace) -> float:
    from skimage.measure import marching_cubes, mesh_surface_area

    points, faces, _, _ = marching_cubes(np.pad(mask, 1).astype(np.float32), level=0.5)
    return float(mesh_surface_area(points.astype(np.float64) @ space.linear.T, faces))
