"""Writing accepted objects into a Labels layer, as :mod:`src_models.clicking.writing` works it out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_medt.viewer.labels.object_records import note_records, records_of
from napari_medt.viewer.labels.set_pixels import set_pixels
from src_models.clicking.writing import ObjectLabels, Plan, Written, pixels_of

if TYPE_CHECKING:
    import napari.layers

    from napari_medt.viewer.viewed_image import ViewedImage

__all__ = ["object_labels", "write_objects"]


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
    set_pixels(labels, found.places, found.values)
    gone = [(plan.again.value, plan.again.time) for plan in plans if plan.again is not None]
    note_records(labels, found.records, gone=[{"value": value, "time": time} for value, time in gone])
    return found.written
