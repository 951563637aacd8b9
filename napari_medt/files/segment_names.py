"""What the numbers of a labels layer are called, in the layer's features: napari shows them at the pointer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from src_models.files.volumes.volume import Segment

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["named_segments", "segment_features"]

_NAME, _COLOUR = "name", "colour"


def segment_features(segments: Sequence[Segment]) -> dict[str, list[Any]]:
    """Return the features of a labels layer that tell its segments' names and colours."""
    colours = ["" if one.colour is None else " ".join(f"{part:.6g}" for part in one.colour) for one in segments]
    features: dict[str, list[Any]] = {
        "index": [one.value for one in segments],
        _NAME: [one.name for one in segments],
    }
    return features | {_COLOUR: colours} if any(colours) else features


def named_segments(features: Any) -> list[Segment] | None:
    """Return the segments that a layer's features name; None if they name none."""
    columns: Sequence[Hashable] = () if features is None else list(features)
    if "index" not in columns or _NAME not in columns:
        return None
    colours = list(features[_COLOUR]) if _COLOUR in columns else [""] * len(features["index"])
    rows = zip(features["index"], features[_NAME], colours, strict=True)
    named = [
        Segment(int(value), name, _colour(colour)) for value, name, colour in rows if value and isinstance(name, str)
    ]
    return named or None


def _colour(text: Any) -> tuple[float, float, float] | None:
    words = text.split() if isinstance(text, str) else []
    return (float(words[0]), float(words[1]), float(words[2])) if len(words) == 3 else None
