"""Labels of other programs in napari: opened onto the image that they are of, and saved as their outlines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_medt.files.readers import LayerData, Reader
from napari_medt.files.segment_names import named_segments, segment_features
from napari_medt.viewer.labels.labels_layers import without_background

if TYPE_CHECKING:
    import napari.layers

    from src_models.files.exchange.described import Described
    from src_models.files.exchange.formats import Foreign
    from src_models.images.axes import AxesReading

__all__ = ["outlines_reader", "write_outlines"]

_INDEX, _CLASS = "index", "class"  # columns of features


def outlines_reader(path: str | Sequence[str]) -> Reader | None:
    """Return the reader of labels of Cellpose, ImageJ, QuPath and ilastik and of COCO; None for what are none."""
    from src_models.files.exchange.formats import program_of

    return _open_all if all(program_of(one) is not None for one in _paths(path)) else None


def write_outlines(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write a labels layer as regions of ImageJ, objects of QuPath, or COCO JSON, as the name ends.

    Parameters
    ----------
    path
        What to write. napari has asked whether a file that exists may be replaced.
    data
        Integers.
    meta
        The layer's attributes. Its features tell names, classes and measurements of the objects.

    Returns
    -------
    list of str
        The file that was written.

    Raises
    ------
    OutputError
        If the name ends otherwise, or the file cannot be written.
    UserError
        If a package is missing that writes it.
    """
    from src_models.errors import OutputError
    from src_models.files.exchange.formats import write_foreign

    labels = without_background(np.asarray(data[0] if meta.get("multiscale") else data), meta.get("metadata", {}))
    if labels.size and labels.min() < 0:
        raise OutputError(f"layer {meta.get('name')!r} holds negative numbers, which have no outlines; number from 1")
    described = _described(meta)
    axes = _axes(labels.ndim, meta.get("axis_labels") or ())
    write_foreign(
        Path(path), labels, axes, described, kind="annotation" if described.names else "detection", overwrite=True
    )
    return [path]


def _paths(path: str | Sequence[str]) -> list[Path]:
    return [Path(path)] if isinstance(path, str | Path) else [Path(one) for one in path]


def _open_all(path: str | Sequence[str]) -> list[LayerData]:
    return [_open_one(one) for one in _paths(path)]


def _open_one(path: Path) -> LayerData:
    """Open labels on the uppermost image that they fit; else as large as they need to be."""
    from napari.utils.notifications import show_warning

    from napari_medt.viewer.placement import placement
    from src_models.errors import ImageError
    from src_models.files.exchange.formats import labels_stem, read_foreign
    from src_models.files.pixels.masks import as_mask

    options: dict[str, Any] = {"name": labels_stem(path)}
    found = None
    for layer in _images():
        try:
            found = read_foreign(path, like=_reading(layer), image=layer.name)
        except ImageError:
            continue  # of another image, or what is wrong is said below
        if found.data.shape == _shape(layer) and not any(_outside(note) for note in found.notes):
            options |= placement(layer)
            break
        found = None
    found = found or read_foreign(path)
    for note in found.notes:
        show_warning(note)
    features = _features(found)
    return as_mask(found.data, str(path)), options | ({"features": features} if features else {}), "labels"


def _outside(note: str) -> bool:
    return "hold the middle of no pixel" in note


def _images() -> list[napari.layers.Image]:
    """Return the image layers of the viewer, those that are selected first, then from the top."""
    from napari import current_viewer
    from napari.layers import Image

    viewer = current_viewer()
    images = [] if viewer is None else [layer for layer in reversed(viewer.layers) if isinstance(layer, Image)]
    return sorted(images, key=lambda layer: layer not in viewer.layers.selection) if viewer is not None else []


def _shape(layer: napari.layers.Image) -> tuple[int, ...]:
    data = layer.data[0] if layer.multiscale else layer.data
    return tuple(data.shape[:-1] if layer.rgb else data.shape)


def _reading(layer: napari.layers.Image) -> AxesReading | None:
    from src_models.images.axes import read_axes

    axes, shape = _axes(layer.ndim, layer.axis_labels), _shape(layer)
    return read_axes(shape, axes=axes, labels=True) if len(axes) == len(shape) else None


def _axes(ndim: int, labels: Sequence[str]) -> str:
    """Return the axes by their labels; where these tell nothing, the first of three is Z."""
    from src_models.images.axis_names import axis_letter

    letters = "".join(axis_letter(label) or "" for label in labels)
    usable = len(letters) == len(set(letters)) == ndim and {"Y", "X"} <= set(letters) <= set("TZYX")
    return letters if usable else "TZYX"[-ndim:]


def _features(found: Foreign) -> dict[str, list[Any]]:
    """Return names and classes of objects as the features of a layer."""
    from src_models.files.volumes.volume import Segment

    if found.kinds:
        numbers = sorted(found.kinds)
        named = {"name": [found.names.get(number, "") for number in numbers]} if found.names else {}
        return {_INDEX: numbers, **named, _CLASS: [found.kinds[number] for number in numbers]}
    return segment_features([Segment(*one) for one in sorted(found.names.items())]) if found.names else {}


def _described(meta: Mapping[str, Any]) -> Described:
    from src_models.files.exchange.described import Described

    features = meta.get("features")
    name = str(meta.get("name") or "")
    if features is None or _INDEX not in features:
        return Described(image=name)
    kinds: dict[int, str] = {}
    measured: dict[int, dict[str, float]] = {}
    others = [title for title in features if title != _INDEX]
    for number, *values in zip(features[_INDEX], *(features[title] for title in others), strict=True):
        row = dict(zip(others, values, strict=True))
        if isinstance(row.get(_CLASS), str) and row[_CLASS]:
            kinds[int(number)] = row[_CLASS]
        measured[int(number)] = {title: float(value) for title, value in row.items() if _is_number(value)}
    names = {one.value: one.name for one in named_segments(features) or () if one.name}
    return Described(names=names, kinds=kinds, measurements=measured, image=name)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and math.isfinite(value)
