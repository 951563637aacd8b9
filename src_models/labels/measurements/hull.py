"""Convex hulls of objects: how much of its hull an object fills, and how long it is.

A hull is known by the first and the last pixel of each line of an object along the last axis, so none of the pixels
between them is looked at. As scikit-image has it, a pixel reaches half a pixel from its centre along each axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Hull", "line_ends", "longest_distance"]

_TOLERANCE = 1e-10  # px, of scikit-image
_FLAT = 1e-12
_AT_A_TIME = 2**22  # products of lines and facets, or distances
_FEW = 16  # points among which nothing is gained by a hull


@dataclass(frozen=True, slots=True, eq=False)
class Hull:
    """The pixels in the convex hull of an object.

    Parameters
    ----------
    pixels
        How many there are.
    ends
        (N, n) the first and the last of each line.
    """

    pixels: int
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, mask: NDArray[np.bool_]) -> Hull:
        """Find the hull of an object.

        Parameters
        ----------
        mask
            The object in its box, which it fills from end to end; 2 or 3 axes.
        """
        from scipy.spatial import ConvexHull

        corners = _extreme(line_ends(mask).astype(np.float64))
        facets = ConvexHull(np.unique(_borders(corners), axis=0)).equations
        lines = np.indices(mask.shape[:-1]).reshape(mask.ndim - 1, -1).T
        first, last = _reach(lines, facets, mask.shape[-1])
        there = first <= last
        lines, first, last = lines[there], first[there], last[there]
        ends = np.concatenate([np.c_[lines, first], np.c_[lines, last]]).astype(np.int64)
        return cls(int((last - first + 1).sum()), ends)

    def feret(self, linear: NDArray[np.float64]) -> float:
        """Return the largest distance of two points on the hull's border, for steps (m, n) of the pixels.

        It is scikit-image's ``feret_diameter_max``.
        """
        return longest_distance(_borders(_extreme(self.ends.astype(np.float64))), linear)


def line_ends(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the first and the last pixel (N, n) of an object in each line along the last axis."""
    lines = np.argwhere(mask.any(axis=-1))
    rows = mask[tuple(lines.T)]
    first, last = rows.argmax(axis=1), rows.shape[1] - 1 - rows[:, ::-1].argmax(axis=1)
    return np.unique(np.concatenate([np.c_[lines, first], np.c_[lines, last]]), axis=0)


def longest_distance(points: NDArray[Any], linear: NDArray[np.float64]) -> float:
    """Return the largest distance of two of some points.

    Parameters
    ----------
    points
        (N, n) positions in pixels.
    linear
        (m, n) steps of the pixels in the world.
    """
    world = _extreme(points.astype(np.float64)) @ linear.T
    world -= world.mean(axis=0)
    most, rows = 0.0, max(1, _AT_A_TIME // len(world))
    for start in range(0, len(world), rows):
        apart = world[start : start + rows, None] - world[None, start:]
        most = max(most, float(np.einsum("ijk,ijk->ij", apart, apart).max()))
    return float(np.sqrt(most))


def _borders(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the places half a pixel from each of some pixels, along each axis."""
    ndim = points.shape[1]
    half = np.concatenate([np.eye(ndim), -np.eye(ndim)]) / 2
    return (points[:, None] + half).reshape(-1, ndim)


def _extreme(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Leave out points that are in the convex hull of the others, also where all lie in a plane or on a line."""
    from scipy.spatial import ConvexHull

    if len(points) <= _FEW:
        return points
    apart = points - points[0]
    _, spread, directions = np.linalg.svd(apart, full_matrices=False)
    rank = int((spread > spread[0] * 1e-9).sum())
    within = apart @ directions[:rank].T
    if rank == 1:
        return points[[int(within.argmin()), int(within.argmax())]]
    return np.asarray(points[ConvexHull(within).vertices])


def _reach(
    lines: NDArray[np.int64], facets: NDArray[np.float64], length: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and last pixel of each line that lie in the half-spaces of all facets."""
    along, across, offset = facets[:, -2], facets[:, :-2], facets[:, -1]
    up, down = along > _FLAT, along < -_FLAT
    level = ~(up | down)
    first, last = np.zeros(len(lines), np.int64), np.full(len(lines), length - 1)
    rows = max(1, _AT_A_TIME // len(facets))
    for start in range(0, len(lines), rows):
        part = slice(start, start + rows)
        room = _TOLERANCE - offset - lines[part] @ across.T  # along * x is to be less than this
        last[part] = np.minimum(last[part], np.floor((room[:, up] / along[up]).min(axis=1)))
        first[part] = np.maximum(first[part], np.ceil((room[:, down] / along[down]).max(axis=1)))
        last[part][(room[:, level] <= 0).any(axis=1)] = -1
    return first, last
