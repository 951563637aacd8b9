"""The header of a model that is about to be trained: what the data set says, and what a person chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np

from src_models.errors import DataSetError, UserError
from src_models.files.dataset import DataSet
from src_models.files.images import read_labels
from src_models.files.samples import Sample, open_sample
from src_models.images.axes import AxesReading, unit_symbol
from src_models.images.resampling import mean_zoom
from src_models.images.spacing import seen_at, spacing_words
from src_models.labels.instances import connected_parts, median_diameter
from src_models.labels.numbering import one_number_each
from src_models.models.architectures import find_architecture
from src_models.models.header import (
    RGB,
    InstanceSettings,
    Intensity,
    ModelHeader,
    Separation,
    instance_classes,
    slice_channels,
)

__all__ = ["masks_without_numbers", "new_header", "shown_as_to", "tiles_for"]

INSTANCES: dict[Separation, InstanceSettings] = {
    "boundary": InstanceSettings(),
    "distance": InstanceSettings(separation="distance", smoothing=1.0, depth=0.1),
    "flows": InstanceSettings(separation="flows"),
}
TILE = {2: (512, 512), 3: (96, 96, 96)}
# Above this many classes, numbers that do not occur mean that the masks are no classes.
MOST_UNNAMED = 16
OVERLAP = {2: (96, 96), 3: (24, 24, 24)}


def new_header(
    data: DataSet,
    *,
    architecture: str,
    name: str,
    purpose: str = "",
    result: Literal["semantic", "instances"] = "instances",
    separation: Separation = "boundary",
    class_names: Sequence[str] = (),
    config: Mapping[str, Any] | None = None,
    intensity: Intensity | None = None,
    licence: str = "unknown",
    spacing: Sequence[float] | None = None,
    unit: str = "mm",
    slices: int | None = None,
) -> ModelHeader:
    """Describe a network for a data set.

    Where masks of objects do not number them, every connected part is one.

    Dimensions and channels are those of the training images (colour as soon as one is in colour), the number of classes
    is that of the masks, and the sizes of objects a model of instances will handle are those it will see.

    Parameters
    ----------
    data
        The data set; its split "train" is read once.
    architecture, config
        The network, and its arguments besides channels, classes and dimensions.
    name, purpose, licence, intensity
        As in the header.
    result
        Whether masks hold objects or classes.
    separation
        Of objects: what tells those apart that touch, as in the header.
    class_names
        Names of the classes from 1 on, for ``"semantic"``; by default "class 1" and so on.
    spacing, unit
        The spacing, ((z,) y, x), at which the network is to see images; None for that of each image.
    slices
        How many slices of a volume a 2D network sees to segment the one in their middle, an odd number; None for a
        network of whole volumes, or of pictures.

    Raises
    ------
    DataSetError
        If images differ in dimensions or have channel counts that do not go together, or there are too few names.
    """
    parts = result == "instances" and masks_without_numbers(data)
    facts = [_facts(sample, result, parts) for sample in data.split("train")]
    if slices is None:
        dimensions = _only({fact.dimensions for fact in facts}, data, "dimensions")
        channels = _channels({fact.channels for fact in facts}, data)
    else:
        dimensions, channels = 2, slice_channels(slices)
        _check_grey({fact.channels for fact in facts}, data)
    instances = INSTANCES[separation]
    classes = instance_classes(separation)
    if result == "semantic":
        classes = _classes(set().union(*(fact.classes for fact in facts)), class_names, data)
    at: dict[str, Any] = {}
    if spacing is not None:
        at = {"spacing": _per_axis(spacing, dimensions), "unit": unit_symbol(unit)}
    tile, overlap = tiles_for(architecture, config or {}, dimensions)
    header = ModelHeader(
        name=name,
        purpose=purpose or f"{architecture} trained on {data.root.resolve().name}",
        architecture=architecture,
        config=dict(config or {}),
        classes=classes,
        channels=channels,
        dimensions=dimensions,
        intensity=intensity or Intensity(),
        tile=tile,
        overlap=overlap,
        result=result,
        instances=instances,
        licence=licence,
        **at,
    )
    header = replace(header, **_sizes(facts, header))
    built = {"in_channels": len(channels), "classes": header.outputs, "dimensions": dimensions}
    return replace(header, config={**header.config, **built})


def shown_as_to(start: ModelHeader, header: ModelHeader) -> ModelHeader:
    """Let a network that begins with the weights of another see images as that one does: grey ones in colour, too."""
    if not (start.rgb and header.channels == ("grey",)):
        return header
    return replace(header, channels=start.channels, config={**header.config, "in_channels": len(start.channels)})


def tiles_for(architecture: str, config: Mapping[str, Any], dimensions: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return tile and overlap (px) for a network: its window, where it has one."""
    window = find_architecture(architecture).window(config)
    if window:
        return (window,) * dimensions, (window // 4,) * dimensions
    return TILE[dimensions], OVERLAP[dimensions]


def masks_without_numbers(data: DataSet) -> bool:
    """Whether the masks of a data set do not tell objects apart, so that connected parts are its objects."""
    return one_number_each(read_labels(sample.mask) for sample in data.samples)


class _Facts(NamedTuple):
    """What a header needs to know of a sample: of objects their median diameter (px), of classes which occur."""

    dimensions: int
    channels: int
    reading: AxesReading
    classes: set[int]
    diameter: float | None


def _facts(sample: Sample, result: str, parts: bool) -> _Facts:
    image, mask, reading = open_sample(sample)
    channels = 1 if image.ndim == mask.ndim else image.shape[-1]
    if result == "instances":
        diameter = median_diameter(connected_parts(mask) if parts else mask)
        return _Facts(mask.ndim, channels, reading, set(), diameter)
    return _Facts(mask.ndim, channels, reading, set(np.unique(mask).tolist()) - {0}, None)


def _sizes(facts: Sequence[_Facts], header: ModelHeader) -> dict[str, Any]:
    """Return the sizes of objects (px of what the network sees) that a model will handle."""
    zooms = [mean_zoom(seen_at(fact.reading, header).zoom) for fact in facts]
    diameters = [fact.diameter * zoom for fact, zoom in zip(facts, zooms, strict=True) if fact.diameter is not None]
    if not diameters:
        return {}
    low, middle, high = (float(v) for v in np.percentile(diameters, (5, 50, 95)))
    return {"object_diameter": round(middle, 1), "diameter_range": (round(0.8 * low, 1), round(1.25 * high, 1))}


def _only(values: set[int], data: DataSet, what: str) -> int:
    if len(values) > 1:
        raise DataSetError(f"{data.root}: images differ in {what} ({sorted(values)}); train on one kind at a time")
    return values.pop()


def _check_grey(counts: set[int], data: DataSet) -> None:
    if not counts <= {1, 3}:
        raise DataSetError(
            f"{data.root}: a network of slices sees one channel of a volume, and these have {_listed(counts)}; choose "
            "the one that counts with --channels"
        )


def _listed(counts: set[int]) -> str:
    return " and ".join(str(count) for count in sorted(counts))


def _per_axis(spacing: Sequence[float], dimensions: int) -> tuple[float, ...]:
    sizes = tuple(float(size) for size in spacing)
    if len(sizes) != dimensions:
        axes = "y,x" if dimensions == 2 else "z,y,x"
        raise UserError(f"the spacing {spacing_words(sizes)} needs {dimensions} numbers, {axes}, for this network")
    return sizes


def _channels(counts: set[int], data: DataSet) -> tuple[str, ...]:
    if counts <= {1, 3} and 3 in counts:
        return RGB
    count = _only(counts, data, "channels")
    return ("grey",) if count == 1 else tuple(f"channel {index + 1}" for index in range(count))


def _classes(present: set[int], names: Sequence[str], data: DataSet) -> tuple[str, ...]:
    # One value besides 0, such as 255, means one class whatever the value.
    count = 1 if len(present) < 2 else max(present)
    if count > MOST_UNNAMED and len(present) < count:
        few = ", ".join(str(value) for value in sorted(present)[:6])
        raise DataSetError(
            f"{data.root}: the masks have the values {few}...; number the classes 1, 2, 3 and so on, or train for "
            "objects (--instances) if these are objects"
        )
    if names and len(names) < count:
        raise DataSetError(
            f"{data.root}: the masks have classes up to {count} and there are {len(names)} names; name every class "
            "(without the background)"
        )
    return ("background", *(names or [f"class {index + 1}" for index in range(count)]))
