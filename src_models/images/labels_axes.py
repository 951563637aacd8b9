"""How the planes of an image lie in labels that cover it.

>>> covering = LabelsAxes("ZCYX", (5, 1, 64, 80))
>>> covering.index((3,), slice(0, 8), slice(4, 8))
(3, 0, slice(0, 8, None), slice(4, 8, None))
>>> covering.plane_shape
(64, 80)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["LabelsAxes"]


@dataclass(frozen=True, slots=True)
class LabelsAxes:
    """The axes of labels that cover an image as it is viewed.

    Parameters
    ----------
    letters
        One for each axis of the labels; Y and X are height and width in view. A channel axis (C) has length 1.
    shape
        Of the labels.
    """

    letters: str
    shape: tuple[int, ...]

    @property
    def core(self) -> list[int]:
        """The axes that are height and width in view."""
        return [axis for axis, letter in enumerate(self.letters) if letter in "YX"]

    @property
    def plane_shape(self) -> tuple[int, int]:
        """Rows and columns of a plane."""
        rows, columns = self.core
        return self.shape[rows], self.shape[columns]

    def position(self, plane: Sequence[int], y: float, x: float) -> tuple[float, ...]:
        """Return a place in a plane as one number for each axis.

        Parameters
        ----------
        plane
            Position along the axes besides channels, height and width.
        y, x
            Row and column.
        """
        rest, core = iter(plane), dict(zip(self.core, (y, x), strict=True))
        return tuple(
            core[axis] if axis in core else 0.0 if letter == "C" else float(next(rest))
            for axis, letter in enumerate(self.letters)
        )

    def index(self, plane: Sequence[int], rows: slice, columns: slice) -> tuple[int | slice, ...]:
        """Return the index of a part of a plane in the labels."""
        rest, core = iter(plane), dict(zip(self.core, (rows, columns), strict=True))
        return tuple(
            core[axis] if axis in core else 0 if letter == "C" else next(rest)
            for axis, letter in enumerate(self.letters)
        )

    def plane_index(self, plane: Sequence[int]) -> tuple[int | slice, ...]:
        """Return the index of a whole plane in the labels."""
        return self.index(plane, slice(None), slice(None))
