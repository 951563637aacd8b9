"""What a person gives in a volume, and what it says of each plane: pixels that are in or out, prompts for a network.

A point lies in planes of all three views. What is drawn lies in the planes of the view that it was drawn in, which is
told by the one axis along which it has a single voxel; if need be, it is taken apart into planes of another view.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from src_models.clicking.prompts import Box, Click, Prompt, Scribble
from src_models.clicking.volume.changes import bounds_of
from src_models.clicking.volume.painting import innermost, strokes
from src_models.clicking.volume.views import VIEWS, View

__all__ = ["Drawn", "InPlane", "Point"]

Mask = NDArray[np.bool_]
Voxel = tuple[int, int, int]
SLACK = 0.05  # share of a lasso's longer side by which a person draws it too small


@dataclass(frozen=True, slots=True)
class InPlane:
    """What was given in one plane.

    Parameters
    ----------
    index
        Which plane of its view.
    prompts
        What a network is shown.
    said
        Pixels (N, 2) that are in the object, or out of it, from then on.
    positive
        Whether they are in it, or what was drawn is around it.
    within
        Pixels around the object, as they were drawn; None where nothing was drawn around it.
    limit
        Pixels that it does not leave; None where no lasso tells.
    """

    index: int
    prompts: tuple[Prompt, ...]
    said: NDArray[np.intp]
    positive: bool
    within: Mask | None = None
    limit: Mask | None = None

    @property
    def places(self) -> NDArray[np.float64]:
        """Places (N, 2) that it is about."""
        if self.within is not None:
            return np.argwhere(self.within).astype(float)
        return np.asarray(self.said, float)


@dataclass(frozen=True, slots=True)
class Point:
    """A click on a voxel (k, j, i) of the object, or (not positive) beside it."""

    voxel: Voxel
    positive: bool = True

    def fits(self, shape: Sequence[int]) -> bool:
        """Whether it lies in a volume."""
        return all(0 <= at < size for at, size in zip(self.voxel, shape, strict=True))

    def planes(self, view: View, shape: Sequence[int]) -> Iterator[InPlane]:
        """Yield what it says in the one plane of a view."""
        index, (row, column) = view.place(self.voxel)
        yield InPlane(
            index, (Click(float(row), float(column), self.positive),), np.array([[row, column]]), self.positive
        )


@dataclass(frozen=True)
class Drawn:
    """A box, lasso or scribble.

    Parameters
    ----------
    kind
        A box or lasso goes around the object, or (not positive) around what is no part of it; a scribble over it.
    start
        The first voxel (k, j, i) of `painted`.
    painted
        The voxels that were drawn over, or lie in the box or lasso, (k, j, i).
    positive
        Whether it is about the object.
    """

    kind: Literal["box", "lasso", "scribble"]
    start: Voxel
    painted: Mask
    positive: bool = True

    @classmethod
    def box(cls, bounds: Sequence[tuple[int, int]], positive: bool = True) -> Drawn:
        """Return a box from the first voxel to the one after the last along each axis."""
        low = tuple(first for first, _ in bounds)
        return cls("box", (low[0], low[1], low[2]), np.ones([max(0, b - a) for a, b in bounds], bool), positive)

    def clipped(self, shape: Sequence[int]) -> Drawn | None:
        """Return the part that lies in a volume, no larger than what was drawn over; None if nothing does."""
        cuts = [slice(max(0, -start), max(0, size - start)) for start, size in zip(self.start, shape, strict=True)]
        inside = self.painted[tuple(cuts)]
        bounds = bounds_of(inside)
        if bounds is None:
            return None
        k, j, i = (start + cut.start + first for start, cut, (first, _) in zip(self.start, cuts, bounds, strict=True))
        return Drawn(self.kind, (k, j, i), inside[tuple(slice(*pair) for pair in bounds)], self.positive)

    @cached_property
    def view(self) -> View | None:
        """The view whose planes it was drawn in; None where it goes through several planes of each."""
        flat = [view for view in VIEWS if self.painted.shape[view.axis] == 1]
        return flat[0] if flat else None

    def planes(self, view: View, shape: Sequence[int]) -> Iterator[InPlane]:
        """Yield what it says in the planes of a view."""
        sides = tuple(shape[axis] for axis in view.core)
        first, (top, left) = view.place(self.start)
        for behind in range(self.painted.shape[view.axis]):
            part = view.plane(self.painted, behind)
            if not part.any():
                continue
            whole = np.zeros(sides, bool)
            whole[top : top + part.shape[0], left : left + part.shape[1]] = part
            yield self._in_plane(first + behind, whole)

    def _in_plane(self, index: int, painted: Mask) -> InPlane:
        pixels = np.argwhere(painted)
        if self.positive and self.kind != "scribble":
            box = _box(pixels)
            middle = round((box.top + box.bottom) / 2), round((box.left + box.right) / 2)
            # A network is shown the middle of a box as a click: of a lasso, it may lie outside.
            row, column = (0, 0) if painted[middle] else innermost(painted)
            clicks = () if painted[middle] else (Click(float(row), float(column)),)
            said = np.zeros((0, 2), np.intp)
            limit = _larger(painted, box) if self.kind == "lasso" else None
            return InPlane(index, (*clicks, box), said, True, painted, limit)
        lines = tuple(
            Scribble(tuple((float(row), float(column)) for row, column in line), self.positive)
            for line in strokes(painted)
        )
        return InPlane(index, lines, pixels, self.positive)


def _box(pixels: NDArray[np.intp]) -> Box:
    (top, left), (bottom, right) = pixels.min(0), pixels.max(0)
    return Box(top - 0.5, left - 0.5, bottom + 0.5, right + 0.5)


def _larger(painted: Mask, box: Box) -> Mask:
    """Return a lasso with what may lie beyond it, as it was drawn a bit too small."""
    slack = SLACK * max(box.bottom - box.top, box.right - box.left)
    larger: Mask = ndimage.distance_transform_edt(~painted) <= slack
    return larger
