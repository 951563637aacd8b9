"""Writing accepted objects into a Labels layer, as :mod:`src_models.clicking.writing` works it out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_medt.viewer.labels.object_records import note_records, records_of
from napari_medt.viewer.result_layers import METADATA_KEY
from src_models.clicking.writing import ObjectLabels, Plan, Written, pixels_of
from src_models.errors import UserError

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

    from napari_medt.viewer.viewed_image import ViewedImage

__all__ = ["add_objects_layer", "object_labels", "write_objects"]

# Of labels of 16 bits napari draws the numbers themselves; others it converts, all of them, at each change.
_DTYPE = np.uint16


def add_objects_layer(viewer: napari.viewer.Viewer, target: ViewedImage) -> napari.layers.Labels:
    """Add an empty Labels layer over an image.

    Raises
    ------
    UserError
        If it does not fit into memory.
    """
    try:
        data = np.zeros(target.shape, _DTYPE)
    except (MemoryError, ValueError) as error:
        raise UserError(
            f"{target.name} is too large for labels in memory ({' x '.join(map(str, target.shape))} px): crop it first"
        ) from error
    active = viewer.layers.selection.active
    notes = {"image": str(target.layer.unique_id), "image_name": target.layer.name, "role": "clicked objects"}
    layer = viewer.add_labels(
        data, name=f"{target.layer.name} - objects", metadata={METADATA_KEY: {"layer": notes}}, **target.place()
    )
    if active is not None:
        viewer.layers.selection.active = active
    return layer


def object_labels(labels: napari.layers.Labels) -> ObjectLabels:
    """Return what a worker thread needs to know of a layer; its array is not copied."""
    return ObjectLabels(labels.unique_id, labels.name, labels.data, records_of(labels))


def write_objects(
    labels: napari.layers.Labels, target: ViewedImage, plans: Sequence[Plan], *, overwrite: bool = False
) -> Sequence[Written]:
    """Write objects into labels, as one step of napari's undo.

    Raises
    ------
    UserError
        If they cannot be written any more: the labels may have changed since it was planned.
    """
    found = pixels_of(
        plans,
        object_labels(labels),
        target.covering,
        image=target.name,
        overwrite=overwrite,
        notes={"image": target.layer.name, "axes": target.axes},
    )
    labels.data_setitem(found.places, found.values)
    gone = [(plan.again.value, plan.again.time) for plan in plans if plan.again is not None]
    note_records(labels, found.records, gone=[{"value": value, "time": time} for value, time in gone])
    return found.written
