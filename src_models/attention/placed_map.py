"""An attention map with its place on an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["PlacedMap"]


@dataclass(frozen=True, slots=True)
class PlacedMap:
    """One attention map on an image.

    Parameters
    ----------
    name, kind, description, level
        What it is; level 1 is the finest.
    data
        Values from 0 to 1 (of attention received: 1 is the average), at the map's own resolution; the same axes as the
        labels.
    scale
        Image pixels per cell, along each axis.
    translate
        Position (image pixels, centre of a pixel = whole number) of the centre of the first cell, along each axis.
    """

    name: str
    kind: str
    description: str
    level: int
    data: Any
    scale: tuple[float, ...]
    translate: tuple[float, ...]
