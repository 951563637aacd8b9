"""What a client gives in a volume, read from its requests; what cannot be used is None."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from numpy.typing import NDArray

from src_models.clicking.volume.given import Drawn, Point

__all__ = ["box_of", "drawn_of", "meta_of", "point_of", "spacing_of"]

Shape = Sequence[int]


def meta_of(text: str | None) -> dict[str, Any]:
    """Return what the header ``X-Meta`` says; an empty dictionary where it says nothing that can be read."""
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def spacing_of(meta: Mapping[str, Any]) -> tuple[float, float, float] | None:
    """Return the size (mm) of a voxel along k, j and i; None where none is told."""
    told = meta.get("image_properties")
    sizes = _numbers(told.get("spacing") if isinstance(told, dict) else None, 3)
    return None if sizes is None or min(sizes) <= 0 else (sizes[0], sizes[1], sizes[2])


def point_of(body: Mapping[str, Any]) -> Point | None:
    """Return a point; it may lie outside of the volume."""
    place = _numbers(body.get("coordinates"), 3)
    if place is None:
        return None
    k, j, i = (math.floor(at + 0.5) for at in place)
    return Point((k, j, i), _positive(body))


def box_of(body: Mapping[str, Any], shape: Shape) -> Drawn | None:
    """Return the part of a box that lies in the volume."""
    bounds = _bounds(body.get("bbox_coords"))
    if bounds is None or all(last - first != 1 for first, last in bounds):
        return None  # boxes are drawn in planes: a deep one is not offered
    inside = [(max(0, first), min(size, last)) for (first, last), size in zip(bounds, shape, strict=True)]
    return Drawn.box(inside, _positive(body)) if all(first < last for first, last in inside) else None


def drawn_of(
    kind: Literal["lasso", "scribble"], meta: Mapping[str, Any], painted: NDArray[Any], shape: Shape
) -> Drawn | None:
    """Return a lasso or scribble: what is not 0 in a crop of the volume, or in all of it."""
    if painted.ndim != 3:
        return None
    start = (0, 0, 0)
    if meta.get("interaction_bbox") is not None:
        bounds = _bounds(meta["interaction_bbox"])
        if bounds is None or painted.shape != tuple(last - first for first, last in bounds):
            return None
        start = (bounds[0][0], bounds[1][0], bounds[2][0])
    elif painted.shape != tuple(shape):
        return None
    return Drawn(kind, start, painted != 0, _positive(meta))


def _positive(said: Mapping[str, Any]) -> bool:
    return bool(said.get("include_interaction", True))


def _bounds(given: Any) -> list[tuple[int, int]] | None:
    """Return three ranges of whole numbers, each from the lower end to the upper one."""
    if not isinstance(given, list) or len(given) != 3:
        return None
    pairs = [_numbers(each, 2) for each in given]
    known = [sorted(math.floor(end + 0.5) for end in pair) for pair in pairs if pair is not None]
    return [(low, high) for low, high in known] if len(known) == 3 else None


def _numbers(given: Any, count: int) -> list[float] | None:
    """Return finite numbers from a list of so many; None for anything else."""
    if not isinstance(given, list) or len(given) != count:
        return None
    if not all(isinstance(each, int | float) and abs(each) < 2**53 for each in given):
        return None  # neither a word, nor NaN, nor more than fits
    return [float(each) for each in given]
