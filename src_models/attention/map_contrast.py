"""How an attention map sets the objects that were found apart from the rest of the image.

>>> import numpy as np
>>> from src_models.attention.placed_map import PlacedMap
>>> labels = np.zeros((8, 8), int)
>>> labels[:4] = 1
>>> cells = np.repeat([[0.9], [0.9], [0.1], [0.1]], 4, axis=1)
>>> gate = PlacedMap("gate 2", "attention gate", "", 2, cells, (2, 2), (0.5, 0.5))
>>> contrast = object_contrast(gate, labels)
>>> contrast.inside, contrast.outside
(0.9, 0.1)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from src_models.attention.placed_map import PlacedMap

__all__ = ["Contrast", "object_contrast", "telling_first"]

_MOST = 256  # cells that are looked at along each axis


@dataclass(frozen=True, slots=True)
class Contrast:
    """A map inside and outside of objects.

    Parameters
    ----------
    inside, outside
        Means over the cells whose centre lies in an object, and over the others.
    separation
        Their difference in standard deviations of the map: large where objects are bright, below 0 where they are dark.
    """

    inside: float
    outside: float
    separation: float


def object_contrast(placed: PlacedMap, labels: Any) -> Contrast | None:
    """Return how a map sets objects apart; None where there are none, or nothing else.

    Parameters
    ----------
    placed
        The map.
    labels
        Objects, on the pixels that the map lies over; 0 is background.
    """
    shape = np.shape(placed.data)
    cells = [np.arange(0, size, -(-size // _MOST)) for size in shape]
    pixels = [
        np.clip(np.rint(start + step * cell), 0, size - 1).astype(int)
        for cell, start, step, size in zip(cells, placed.translate, placed.scale, np.shape(labels), strict=True)
    ]
    values = np.asarray(placed.data[tuple(slice(None, None, -(-size // _MOST)) for size in shape)], np.float64)
    objects = np.asarray(labels)[np.ix_(*pixels)] > 0
    if not 0 < objects.sum() < objects.size:
        return None
    inside, outside = float(values[objects].mean()), float(values[~objects].mean())
    return Contrast(inside, outside, (inside - outside) / max(float(values.std()), 1e-9))


def telling_first(maps: Sequence[PlacedMap], labels: Any) -> list[PlacedMap]:
    """Return maps in the order in which they explain objects: those bright on them first, else as they were."""

    def separation(placed: PlacedMap) -> float:
        contrast = object_contrast(placed, labels)
        return contrast.separation if contrast else 0.0

    return sorted(maps, key=separation, reverse=True)
