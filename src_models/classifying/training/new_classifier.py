"""The header of a model of classes that is about to be trained: what the set says, and what a person chose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from src_models.errors import DataSetError, UserError
from src_models.files.class_sets.class_set import ClassSet
from src_models.models.architectures import ARCHITECTURES, find_architecture
from src_models.models.header import RGB, Intensity, ModelHeader

__all__ = ["check_teaches_classes", "new_classifier"]

LOOKED_AT = 64  # pictures whose channels are looked at


def check_teaches_classes(architecture: str, data: str) -> None:
    """Refuse a network that segments for a set of classes.

    Raises
    ------
    ModelFileError
        If there is no such architecture.
    UserError
        If it segments.
    """
    if find_architecture(architecture).task != "classification":
        names = [record.name for record in ARCHITECTURES if record.task == "classification"]
        raise UserError(
            f"{data} tells which class a picture shows, and {architecture} says what each pixel is: choose "
            f"--architecture {' or '.join(names)}, or a data set with masks"
        )


def new_classifier(
    data: ClassSet,
    *,
    architecture: str,
    name: str,
    size: int,
    purpose: str = "",
    config: Mapping[str, Any] | None = None,
    intensity: Intensity | None = None,
    licence: str = "unknown",
) -> ModelHeader:
    """Describe a network for a set of classes.

    Channels are those of the training pictures: colour as soon as one is in colour.

    Parameters
    ----------
    data
        The set; some of its training pictures are read.
    architecture, config
        The network, and its arguments besides channels and classes.
    size
        Size (px) that pictures are brought to.
    name, purpose, licence, intensity
        As in the header.

    Raises
    ------
    DataSetError
        If pictures have channel counts that do not go together.
    UserError
        If the architecture segments.
    """
    check_teaches_classes(architecture, str(data.root))
    samples = data.split("train")
    counts = {len(data.picture(sample, size)) for sample in samples[:: max(1, len(samples) // LOOKED_AT)]}
    channels = _channels(counts, data)
    return ModelHeader(
        name=name,
        purpose=purpose or f"{architecture} trained on {data.root.resolve().stem}",
        architecture=architecture,
        config={**(config or {}), "in_channels": len(channels), "classes": len(data.classes)},
        classes=data.classes,
        channels=channels,
        intensity=intensity or Intensity(),
        tile=(size, size),
        overlap=(0, 0),
        result="class",
        licence=licence,
    )


def _channels(counts: set[int], data: ClassSet) -> tuple[str, ...]:
    if counts <= {1, 3, 4} and counts & {3, 4}:
        return RGB
    if len(counts) > 1:
        raise DataSetError(f"{data.root}: pictures differ in channels ({sorted(counts)}); choose some with --channels")
    count = counts.pop()
    return ("grey",) if count == 1 else tuple(f"channel {index + 1}" for index in range(count))
