"""Open TIFF and zarr in napari as the shell reads them: lazily, with their axes, sizes, place, levels and labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_medt.files.readers import NO_LAYERS, LayerData, Reader

if TYPE_CHECKING:
    from src_models.files.images import ImageFile
    from src_models.files.ngff.channel_looks import ChannelLook
    from src_models.images.axes import AxesReading

__all__ = ["image_layers", "image_reader", "labels_layer"]

_IN_MEMORY = 64 * 2**20  # pixels; labels up to this are read whole, so that they can be painted in
# What napari gives to channels that it splits.
_TWO_COLOURS = ("magenta", "green")
_COLOURS = ("cyan", "yellow", "magenta", "red", "green", "blue")


def image_reader(path: str | Sequence[str]) -> Reader | None:
    """Return the reader of TIFF and zarr, or None for what is neither."""
    return _open_all if all(_is_ours(one) for one in _paths(path)) else None


def _paths(path: str | Sequence[str]) -> list[Path]:
    return [Path(path)] if isinstance(path, str | Path) else [Path(one) for one in path]


def _is_ours(path: Path) -> bool:
    from src_models.files.tiff import is_tiff
    from src_models.files.zarr import is_zarr

    try:
        return is_zarr(path) or (path.is_file() and is_tiff(path))
    except OSError:
        return False


def _open_all(path: str | Sequence[str]) -> list[LayerData]:
    from napari_medt.files.series_dialog import chosen_images
    from napari_medt.viewer.scans.scan_view import show_what_opens

    show_what_opens()
    layers: list[LayerData] = []
    for one in _paths(path):
        for image in chosen_images(one):
            layers += image_layers(image)
    return layers or NO_LAYERS


def image_layers(image: ImageFile) -> list[LayerData]:
    """Return the layers of an image: one, or one for each of its channels, and its labels."""
    from src_models.files.images import read_image
    from src_models.files.ngff.channel_looks import channel_looks
    from src_models.files.ngff.labels import are_labels, labels_inside

    if not image.place.is_dir():
        return _channels(image, ())
    if are_labels(image.place):
        return [labels_layer(image, image.place.name if image.place.parent.name == "labels" else image.name)]
    inside = [labels_layer(read_image(one), one.name) for one in labels_inside(image.place)]
    return [*_channels(image, channel_looks(image.place)), *inside]


def _channels(image: ImageFile, looks: Sequence[ChannelLook]) -> list[LayerData]:
    """Return one layer of an image in colour or without channels, else one for each channel."""
    reading, levels = image.reading, [image.data, *image.levels]
    if "C" not in reading.axes or reading.rgb:
        options = _options(reading, image.name, image.apart)
        if len(looks) == 1 and not reading.rgb:
            options |= _look(looks[0])
        return [_layer(levels, reading, {**options, "rgb": reading.rgb}, "image")]
    axis, count = reading.axes.index("C"), reading.size("C")
    looks = looks if len(looks) == count else ()
    found = []
    for number in range(count):
        name = looks[number].name if looks and looks[number].name else f"channel {number}"
        colour = _TWO_COLOURS[number] if count == 2 else _COLOURS[number % len(_COLOURS)]
        apart = " ".join(filter(None, (image.apart, name)))
        options = _options(reading, f"{image.name} - {name}", apart) | {"colormap": colour, "blending": "additive"}
        if looks:
            options |= _look(looks[number])
        part = [level[(slice(None),) * axis + (number,)] for level in levels]
        found.append(_layer(part, reading.without_channels(), {**options, "rgb": False}, "image"))
    return found


def labels_layer(image: ImageFile, name: str) -> LayerData:
    """Return labels, in memory where they are small enough to be painted in."""
    levels, options = [image.data, *image.levels], _options(image.reading, name, image.apart)
    if math.prod(image.data.shape) <= _IN_MEMORY:
        levels = [np.asarray(image.data)]
    return _layer(levels, image.reading, options, "labels")


def _layer(levels: list[Any], reading: AxesReading, options: dict[str, Any], kind: str) -> LayerData:
    """Return a layer with its planes (y, x), or (y, x, colours), last, which is what napari shows."""
    order = [reading.axes.index(letter) for letter in _shown(reading)]
    if order != sorted(order):
        levels = [level.transpose(order) for level in levels]
    return (levels, {**options, "multiscale": True}, kind) if len(levels) > 1 else (levels[0], options, kind)


def _shown(reading: AxesReading) -> str:
    """Return the axes of an image in the order in which a layer has them."""
    front = "".join(letter for letter in reading.axes if letter not in "YXC")
    return front + "YX" + ("C" if "C" in reading.axes else "")


def _options(reading: AxesReading, name: str, apart: str | None) -> dict[str, Any]:
    """Return where a layer lies: sizes, first pixel and units along its axes but channels, and what it is known by."""
    from napari_medt.viewer.layer_notes import LayerNotes
    from src_models.images.units import converted

    axes = _shown(reading).replace("C", "")
    known = converted(1.0, reading.unit, "m") is not None  # others are none of napari's, which refuses them
    seconds = reading.frame_seconds
    steps = {**reading.spacing, "T": seconds or 1.0}
    units = {"T": "pixel" if seconds is None else "s"}
    return {
        "name": name,
        "scale": tuple(steps[letter] for letter in axes),
        "translate": tuple(reading.origin.get(letter, 0.0) for letter in axes),
        "units": tuple(units.get(letter, reading.unit if known else "pixel") for letter in axes),
        "axis_labels": tuple(axes.lower()),
        "metadata": LayerNotes(series=apart).metadata(),
    }


def _look(look: ChannelLook) -> dict[str, Any]:
    said = {"colormap": look.colour, "contrast_limits": look.limits}
    return {"visible": look.shown, **{name: value for name, value in said.items() if value is not None}}
