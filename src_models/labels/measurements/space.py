"""How large pixels are and where they lie: what turns counts and indices into lengths, areas and volumes.

A pixel's size is the determinant of what takes an index to the world, so that oblique and sheared scans are measured
as they are: the product of the distances between neighbours would make the voxels of a tilted gantry too large.

Examples
--------
>>> space = PixelSpace.of_spacing((3.0, 0.5, 0.5), "millimeter")
>>> space.amount_title, round(space.size, 6), round(space.amount(4000), 6)
('volume (mL)', 0.75, 3.0)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from src_models.images.axes import unit_symbol
from src_models.images.units import converted

__all__ = ["PixelSpace"]

_MICROSCOPIC = ("Å", "pm", "nm", "µm")
_MM3_PER_ML = 1000.0
_NO_LENGTH, _SCALED = "px", "scaled px"
_SAME = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class PixelSpace:
    """Where the pixels of an array of n axes lie in a world of m >= n axes.

    Parameters
    ----------
    linear
        (m, n): each column is the step from a pixel to its neighbour along an axis.
    origin
        (m,): the centre of the first pixel.
    unit
        Of both: ``"mm"`` or ``"µm"``; ``"px"`` where the size of a pixel is not known, ``"scaled px"`` where it is
        told without a unit of length.
    """

    linear: NDArray[np.float64]
    origin: NDArray[np.float64]
    unit: str = _NO_LENGTH

    @classmethod
    def of(cls, linear: ArrayLike, origin: ArrayLike | None = None, unit: str | None = None) -> PixelSpace:
        """Bring a place to millimetres or, if it is told in smaller units, to micrometres.

        Parameters
        ----------
        linear, origin
            As in :class:`PixelSpace`, in `unit`.
        unit
            By any of its usual names; None where it is not known.

        Raises
        ------
        ValueError
            If the pixels have no size.
        """
        steps = np.asarray(linear, np.float64)
        start = np.zeros(len(steps)) if origin is None else np.asarray(origin, np.float64)
        if not np.isfinite(steps).all() or not np.isfinite(start).all() or not _size(steps) > 0:
            raise ValueError("the pixels have no size: two of their axes run in one direction, or not at all")
        symbol = unit_symbol(unit)
        into = "µm" if symbol in _MICROSCOPIC else "mm"
        factor = converted(1.0, symbol, into)
        if factor is None:
            plain = np.allclose(np.linalg.norm(steps, axis=0), 1.0)
            return cls(steps, start, _NO_LENGTH if plain else _SCALED)
        return cls(steps * factor, start * factor, into)

    @classmethod
    def of_spacing(
        cls, spacing: Sequence[float], unit: str | None = None, origin: Sequence[float] | None = None
    ) -> PixelSpace:
        """Return the space of straight axes with these distances of neighbouring pixels."""
        return cls.of(np.diag(np.asarray(spacing, np.float64)), origin, unit)

    @property
    def ndim(self) -> int:
        """Axes of the array, 2 or 3."""
        return int(self.linear.shape[1])

    @property
    def size(self) -> float:
        """Area (volume) of a pixel (voxel) in `unit` squared (cubed)."""
        return _size(self.linear)

    @property
    def physical(self) -> bool:
        """Whether lengths are known."""
        return self.unit not in (_NO_LENGTH, _SCALED)

    @property
    def scaled(self) -> bool:
        """Whether lengths are others than those in pixels."""
        return self.unit != _NO_LENGTH

    @property
    def even_step(self) -> float | None:
        """The one distance of neighbours along all axes, if these are at right angles; else None."""
        product = self.linear.T @ self.linear
        step = float(np.sqrt(product[0, 0]))
        even = np.allclose(product, np.eye(self.ndim) * product[0, 0], rtol=0, atol=_SAME * product[0, 0])
        return step if even else None

    @property
    def amount_title(self) -> str:
        """Title of a column of areas or volumes."""
        what = "area" if self.ndim == 2 else "volume"
        if self.ndim == 3 and self.unit == "mm":
            return f"{what} (mL)"
        return f"{what} ({self.unit}{'²' if self.ndim == 2 else '³'})"

    def amount(self, pixels: float) -> float:
        """Return the area or volume of so many pixels, in what :attr:`amount_title` says."""
        amount = pixels * self.size
        return amount / _MM3_PER_ML if self.ndim == 3 and self.unit == "mm" else amount

    def to_world(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take positions (..., n) in pixels to the world (..., m)."""
        return np.asarray(points @ self.linear.T + self.origin)

    def plane(self) -> NDArray[np.float64]:
        """Return the steps (m, 2) within a slice: along the last two axes."""
        return self.linear[:, -2:]


def _size(linear: NDArray[np.float64]) -> float:
    if linear.shape[0] == linear.shape[1]:
        return float(abs(np.linalg.det(linear)))
    return float(np.sqrt(np.linalg.det(linear.T @ linear)))  # a plane in a world of three dimensions
