"""The outlines of objects, along the edges of their pixels.

A pixel at row y and column x covers the square from (y, x) to (y + 1, x + 1), as in ImageJ and QuPath, so outlines run
through whole numbers and hold exactly the pixels of their object. Pixels of an object that touch at a corner alone
are two polygons; so no ring touches or crosses itself, which is what QuPath (by JTS) takes for valid.

Examples
--------
>>> plane = np.zeros((5, 5), int)
>>> plane[1:4, 1:4] = 7
>>> plane[2, 2] = 0
>>> (outline,) = trace_outlines(plane)
>>> outline.number, outline.area, len(outline.polygons[0].holes)
(7, 8, 1)
>>> outline.polygons[0].exterior.tolist()
[[1, 1], [1, 4], [4, 4], [4, 1]]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Outline", "Polygon", "trace_outlines"]

_ROWS = 1024  # that are looked at in one go
# Directions in which an edge runs, its object to the right: along the top of a pixel, its right, its bottom, its left.
_DOWN, _ACROSS = np.array([0, 1, 0, -1]), np.array([1, 0, -1, 0])
# From where an edge begins to the pixel that it belongs to.
_TO_PIXEL = np.array([(0, 0), (0, -1), (-1, -1), (-1, 0)])


@dataclass(frozen=True, slots=True, eq=False)
class Polygon:
    """One connected part of an object.

    Parameters
    ----------
    exterior
        (N, 2) its corners (y, x), the last one not repeated; on the screen clockwise.
    holes
        The same of its holes, counter-clockwise.
    """

    exterior: NDArray[np.int64]
    holes: tuple[NDArray[np.int64], ...] = ()

    @property
    def rings(self) -> tuple[NDArray[np.int64], ...]:
        """The exterior, then the holes."""
        return (self.exterior, *self.holes)


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """An object in a plane.

    Parameters
    ----------
    number
        Its number in the labels.
    polygons
        Its parts.
    area
        Its number of pixels.
    box
        Its first row and column, and those after its last.
    """

    number: int
    polygons: tuple[Polygon, ...]
    area: int
    box: tuple[int, int, int, int]

    @property
    def rings(self) -> tuple[NDArray[np.int64], ...]:
        """All rings of all parts."""
        return tuple(ring for polygon in self.polygons for ring in polygon.rings)

    @property
    def has_holes(self) -> bool:
        """Whether a part has a hole."""
        return any(polygon.holes for polygon in self.polygons)


@dataclass(frozen=True, slots=True, eq=False)
class _Edges:
    """Edges of pixels between an object and what it is not."""

    number: NDArray[np.int64]
    y: NDArray[np.int64]
    x: NDArray[np.int64]
    direction: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Ring:
    corners: NDArray[np.int64]
    area: int  # negative of a hole
    pixel: tuple[int, int]  # of the object, beside the ring


def trace_outlines(plane: Any) -> list[Outline]:
    """Trace the outlines of all objects in a plane.

    Parameters
    ----------
    plane
        Integers (y, x), 0 the background; NumPy, dask or zarr, of which some rows at a time are read.

    Returns
    -------
    list of Outline
        In the order of their numbers.
    """
    edges = _edges(plane)
    if not len(edges.number):
        return []
    following, crossed = _following(edges, plane.shape[1] + 1)
    cycles = _cycles(following.tolist())
    if crossed.any():
        cycles = [part for cycle in cycles for part in _apart(cycle, edges, crossed)]
    outlines: dict[int, list[_Ring]] = {}
    for number, ring in _rings(cycles, edges):
        outlines.setdefault(number, []).append(ring)
    return [_outline(number, outlines[number]) for number in sorted(outlines)]


def _edges(plane: Any) -> _Edges:
    """Find the edges of all objects, some rows at a time."""
    height, width = plane.shape
    found: list[tuple[NDArray[Any], ...]] = []
    for first in range(0, height, _ROWS):
        last = min(first + _ROWS, height)
        block = np.zeros((last - first + 2, width + 2), np.asarray(plane[:1, :1]).dtype)
        low, high = max(first - 1, 0), min(last + 1, height)
        block[low - first + 1 : high - first + 1, 1:-1] = np.asarray(plane[low:high])
        inner = block[1:-1, 1:-1]
        there = inner != 0
        for direction, beside in enumerate((block[:-2, 1:-1], block[1:-1, 2:], block[2:, 1:-1], block[1:-1, :-2])):
            y, x = np.nonzero(there & (inner != beside))
            number = inner[y, x].astype(np.int64)
            down, across = -_TO_PIXEL[direction]
            found.append((number, y + first + down, x + across, np.full(len(y), direction)))
    return _Edges(*(np.concatenate(part).astype(np.int64) for part in zip(*found, strict=True)))


def _following(edges: _Edges, across: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return which edge follows on each, and whether an edge begins where its object touches itself at a corner."""
    own = np.unique(edges.number, return_inverse=True)[1]
    places = across * (int(edges.y.max()) + 1)
    start = own * places + edges.y * across + edges.x
    end = own * places + (edges.y + _DOWN[edges.direction]) * across + edges.x + _ACROSS[edges.direction]
    order = np.argsort(start, kind="stable")
    ordered = start[order]
    first = np.searchsorted(ordered, end)
    several = np.searchsorted(ordered, end, side="right") - first > 1
    following = order[first]
    # There, the next edge is that of the same pixel: to the right.
    other = order[np.minimum(first + 1, len(order) - 1)]
    turns_right = edges.direction[following] == (edges.direction + 1) % 4
    following = np.where(several & ~turns_right, other, following)
    crossed = np.zeros(len(order), bool)
    crossed[following[several]] = True
    return following, crossed


def _cycles(following: list[int]) -> list[list[int]]:
    """Return the edges ring by ring."""
    seen = bytearray(len(following))
    cycles = []
    for first in range(len(following)):
        if seen[first]:
            continue
        cycle, edge = [], first
        while not seen[edge]:
            seen[edge] = 1
            cycle.append(edge)
            edge = following[edge]
        cycles.append(cycle)
    return cycles


def _apart(cycle: list[int], edges: _Edges, crossed: NDArray[np.bool_]) -> list[list[int]]:
    """Divide a ring that comes to a place twice into rings that do not."""
    if not crossed[cycle].any():
        return [cycle]
    parts: list[list[int]] = []
    path: list[int] = []
    places: dict[tuple[int, int], int] = {}
    for edge in cycle:
        if crossed[edge]:
            place = int(edges.y[edge]), int(edges.x[edge])
            if place in places:
                begun = places[place]
                parts.append(path[begun:])
                for passed in path[begun + 1 :]:
                    places.pop((int(edges.y[passed]), int(edges.x[passed])), None)
                path = path[:begun]
            places[place] = len(path)
        path.append(edge)
    return [*parts, path]


def _rings(cycles: list[list[int]], edges: _Edges) -> list[tuple[int, _Ring]]:
    """Return the number of the object of each ring, and the ring by its corners alone."""
    lengths = np.array([len(cycle) for cycle in cycles])
    order = np.concatenate([np.asarray(cycle) for cycle in cycles])
    ends = np.cumsum(lengths)
    before = np.roll(order, 1)
    before[ends - lengths] = order[ends - 1]
    y, x, direction = edges.y[order], edges.x[order], edges.direction[order]
    # The area to the left of each edge that runs up or down, summed along the ring.
    areas = np.add.reduceat(_DOWN[direction] * x, ends - lengths)
    corner = direction != edges.direction[before]
    corners = np.stack([y, x], axis=1)[corner]
    cuts = np.cumsum(np.add.reduceat(corner, ends - lengths, dtype=np.int64))[:-1]
    firsts = order[ends - lengths]
    pixels = np.stack([edges.y[firsts], edges.x[firsts]], axis=1) + _TO_PIXEL[edges.direction[firsts]]
    rings = zip(np.split(corners, cuts), areas.tolist(), pixels.tolist(), strict=True)
    return [
        (number, _Ring(own, area, (pixel[0], pixel[1])))
        for number, (own, area, pixel) in zip(edges.number[firsts].tolist(), rings, strict=True)
    ]


def _outline(number: int, rings: list[_Ring]) -> Outline:
    exteriors = sorted((ring for ring in rings if ring.area > 0), key=lambda ring: ring.area)
    holes: list[list[NDArray[np.int64]]] = [[] for _ in exteriors]
    for hole in (ring for ring in rings if ring.area < 0):
        # Of parts that lie in each other, the smallest around the pixel beside the hole is its own.
        around = 0
        if len(exteriors) > 1:
            around = next(place for place, ring in enumerate(exteriors) if _holds(ring.corners, hole.pixel))
        holes[around].append(hole.corners)
    polygons = tuple(Polygon(ring.corners, tuple(own)) for ring, own in zip(exteriors, holes, strict=True))
    every = np.concatenate([ring.corners for ring in exteriors])
    (top, left), (bottom, right) = every.min(axis=0).tolist(), every.max(axis=0).tolist()
    return Outline(number, polygons, sum(ring.area for ring in rings), (top, left, bottom, right))


def _holds(corners: NDArray[np.int64], pixel: tuple[int, int]) -> bool:
    """Whether a pixel lies in a ring: a ray from its middle to the right leaves it an odd number of times."""
    following = np.roll(corners, -1, axis=0)
    upright = (corners[:, 1] == following[:, 1]) & (corners[:, 1] > pixel[1])
    low, high = np.minimum(corners[:, 0], following[:, 0]), np.maximum(corners[:, 0], following[:, 0])
    return bool(np.count_nonzero(upright & (low <= pixel[0]) & (pixel[0] < high)) % 2)
