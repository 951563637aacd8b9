"""What a client sends with labels: names of segments, who made them, for which model.

A value in the file is the **place** of its segment in ``label_info``, counted from 1. The ``idx`` beside each name is
another number where a segment called "background" comes before it, and is not looked at. A segmentation of 3D Slicer
(``.seg.nrrd``) says itself what its values are, and its word counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from numpy.typing import NDArray

from napari_medt.serving.answers import Refusal
from src_models.finetuning.kinds.label_kind import BACKGROUND
from src_models.finetuning.labelled.segments import values_in

__all__ = ["author_in", "check_values", "named_in", "segments_in"]

_LONGEST = 200
_MOST_SEGMENTS = 10_000


def segments_in(params: Mapping[str, Any]) -> dict[int, str]:
    """Return names of segments by the values that stand for them in the file.

    Raises
    ------
    Refusal
        If ``label_info`` is no list of names (400).
    """
    told = params.get("label_info") or []
    if not isinstance(told, list):
        raise Refusal(400, 'label_info must be a list of segments, such as [{"name": "liver"}]')
    names = [entry.get("name") if isinstance(entry, Mapping) else entry for entry in told]
    said = [name[:_LONGEST] for name in names if isinstance(name, str)]
    if len(said) < len(names):
        raise Refusal(400, 'each segment in label_info needs a name, such as {"name": "liver"}')
    return dict(enumerate(said, 1))


def named_in(file: IO[bytes]) -> dict[str, Any]:
    """Return ``label_info`` as the file itself has it: a segmentation of 3D Slicer names its own numbers.

    Nothing for any other file. Numbers that stand for no segment are background.
    """
    from src_models.files.volumes.nrrd import named_values

    names = named_values(file)
    file.seek(0)
    if not names or not 0 < min(names) <= max(names) <= _MOST_SEGMENTS:
        return {}
    return {"label_info": [{"name": names.get(value, BACKGROUND)} for value in range(1, max(names) + 1)]}


def author_in(params: Mapping[str, Any], client: str = "") -> str:
    """Return who made labels: the person, where one is named, else the client; never nothing."""
    for name in ("user", "username", "client_id"):
        said = params.get(name)
        if isinstance(said, str) and said.strip():
            return said.strip()[:_LONGEST]
    return client.strip()[:_LONGEST] or "a client without a name"


def check_values(labels: NDArray[Any], segments: Mapping[int, str]) -> None:
    """Refuse values that no segment stands for (400); without any segment, values are numbers of objects or classes."""
    if not segments:
        return
    strange = sorted(set(values_in(labels)) - {0, *segments})
    if strange:
        few = ", ".join(map(str, strange[:3]))
        raise Refusal(
            400,
            f"the labels hold the value {few}, and there are {len(segments)} segments: values are the places of the "
            "segments in label_info, counted from 1",
        )
