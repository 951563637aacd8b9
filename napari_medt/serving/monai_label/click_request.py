"""What a client asks when somebody clicked: all points of a segment, each time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from napari_medt.serving.answers import Refusal
from napari_medt.serving.store.served_image import ServedImage

__all__ = ["ClickRequest", "Voxel"]

Voxel = tuple[int, int, int]  # (i, j, k) on the client's grid

_MOST_POINTS = 1000
_LONGEST = 200
_FARTHEST = 2**31  # voxels
_FORM = "the points are to be lists of whole numbers [i, j, k]"


@dataclass(frozen=True, slots=True)
class ClickRequest:
    """Points of a segment.

    Parameters
    ----------
    foreground, background
        On the object and beside it, each in the order of placing.
    slice
        The k that is in view; None where the client does not say.
    label
        Name of the segment.
    """

    foreground: tuple[Voxel, ...]
    background: tuple[Voxel, ...] = ()
    slice: int | None = None
    label: str = "object"

    @classmethod
    def of(cls, params: Mapping[str, Any], image: ServedImage) -> ClickRequest:
        """Read what a client sent.

        Raises
        ------
        Refusal
            If that is nothing of the kind, or a point lies outside of the volume (400).
        """
        on, beside = _points(params.get("foreground") or ()), _points(params.get("background") or ())
        for voxel in (*on, *beside):
            image.check(voxel)
        shown = params.get("slice")
        return cls(
            on, beside, None if shown is None else _whole(shown), str(params.get("label") or "object")[:_LONGEST]
        )

    def in_slice(self) -> ClickRequest:
        """Return the points of the slice in view alone: some versions of the client send those of others along."""
        k = self.foreground[0][2] if self.slice is None and self.foreground else self.slice
        on, beside = (tuple(v for v in points if v[2] == k) for points in (self.foreground, self.background))
        return ClickRequest(on, beside, k, self.label)


def _points(given: Any) -> tuple[Voxel, ...]:
    if not isinstance(given, list | tuple) or not all(isinstance(p, list | tuple) and len(p) == 3 for p in given):
        raise Refusal(400, _FORM)
    if len(given) > _MOST_POINTS:
        raise Refusal(400, f"{len(given):,} points are more than the {_MOST_POINTS:,} that an object may have")
    return tuple((_whole(i), _whole(j), _whole(k)) for i, j, k in given)


def _whole(number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) < _FARTHEST:
        raise Refusal(400, _FORM)
    return round(number)
