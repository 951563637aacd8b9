"""Writing an accepted object into a Labels layer: with a new number or as a class, never over finished objects unasked.

What an object was made by (clicks, model, time) is kept in the layer's metadata, under ``["napari_medt"]["objects"]``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_medt.layers import METADATA_KEY, notes_of
from src_models.errors import UserError

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

    from napari_medt.click_target import ClickTarget
    from src_models.clicking.accepted import AcceptedObject, ObjectSlice

__all__ = [
    "Written",
    "add_objects_layer",
    "check_object",
    "fitting_labels",
    "free_part",
    "objects_of",
    "write_object",
]

OBJECTS = "objects"


@dataclass(frozen=True, slots=True)
class Written:
    """What accepting an object did: its number or class, its pixels, and how many were left to finished objects."""

    value: int
    pixels: int
    kept_out: int


def fitting_labels(viewer: napari.viewer.Viewer, target: ClickTarget) -> list[napari.layers.Labels]:
    """Return the Labels layers that objects of an image can be written into: of its shape, in memory and not a preview.

    Those that lie elsewhere in the world are left out: an object would not lie where it was clicked.
    """
    from napari.layers import Labels

    place = target.place()
    found = []
    for layer in viewer.layers:
        if not isinstance(layer, Labels) or layer.multiscale or not isinstance(layer.data, np.ndarray):
            continue
        if notes_of(layer).get("role", "").startswith(("click ", "correction ")):
            continue
        if layer.data.shape != target.shape:
            continue
        if all(np.allclose(getattr(layer, name), place[name]) for name in ("scale", "translate", "rotate")):
            found.append(layer)
    return found


def add_objects_layer(viewer: napari.viewer.Viewer, target: ClickTarget) -> napari.layers.Labels:
    """Add an empty Labels layer over an image.

    Raises
    ------
    UserError
        If it does not fit into memory.
    """
    try:
        data = np.zeros(target.shape, np.int32)
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


def objects_of(labels: napari.layers.Labels) -> list[dict[str, Any]]:
    """Return what is known of the objects that were clicked into labels and are still there."""
    notes = labels.metadata.get(METADATA_KEY, {})
    known = notes.get(OBJECTS, []) if isinstance(notes, dict) else []
    present = set(np.unique(labels.data).tolist()) if known else set()
    return [entry for entry in known if entry["value"] in present]


def free_part(
    labels: napari.layers.Labels | None, target: ClickTarget, part: ObjectSlice, *, value: int | None, overwrite: bool
) -> NDArray[np.bool_]:
    """Return the pixels of a part of an object that accepting it would write.

    Parameters
    ----------
    labels
        Where to; None for a new layer.
    target
        The image.
    part
        The object in one plane.
    value
        The class that is written; None for an object with a number of its own.
    overwrite
        Whether what others have is taken from them.
    """
    if labels is None or overwrite:
        return part.mask
    there = labels.data[target.index(part.plane, *part.region)]
    return part.mask & ((there == 0) | (there == (value or 0)))


def check_object(
    labels: napari.layers.Labels | None,
    target: ClickTarget,
    accepted: AcceptedObject,
    *,
    value: int | None = None,
    overwrite: bool = False,
) -> None:
    """Check that an object can be written.

    Parameters
    ----------
    labels, target, accepted, value, overwrite
        As for :func:`write_object`; None labels are new ones.

    Raises
    ------
    UserError
        If the labels are of another shape, cannot hold the number, or nothing is free.
    """
    if labels is None:
        return
    if labels.data.shape != target.shape:
        raise UserError(
            f"the labels {labels.name!r} have the shape {labels.data.shape} and {target.name} needs {target.shape}: "
            "choose other labels, or new ones"
        )
    free = (free_part(labels, target, part, value=value, overwrite=overwrite) for part in accepted.slices)
    if not any(mask.any() for mask in free):
        raise UserError(
            "all of this object belongs to finished objects: tick Overwrite finished objects to take it from them"
        )
    if (_next_number(labels) if value is None else value) > np.iinfo(labels.data.dtype).max:
        raise UserError(f"the labels {labels.name!r} are full ({labels.data.dtype}): choose new labels")


def write_object(
    labels: napari.layers.Labels,
    target: ClickTarget,
    accepted: AcceptedObject,
    *,
    value: int | None = None,
    overwrite: bool = False,
    again: bool = False,
) -> Written:
    """Write an object into labels, as one step of napari's undo.

    Parameters
    ----------
    labels
        Where to.
    target
        The image it was clicked in.
    accepted
        The object.
    value
        The number to write, of a class or of this object; None numbers it one above the highest there is or was.
    overwrite
        Whether what finished objects have is taken from them.
    again
        Whether the object was accepted before with this number, and what was known of it is known anew.

    Raises
    ------
    UserError
        As :func:`check_object` says.
    """
    check_object(labels, target, accepted, value=value, overwrite=overwrite)
    number = _next_number(labels) if value is None else value
    free = [free_part(labels, target, part, value=value, overwrite=overwrite) for part in accepted.slices]
    places = [_places(target, part, mask) for part, mask in zip(accepted.slices, free, strict=True) if mask.any()]
    labels.data_setitem(tuple(np.concatenate(axis) for axis in zip(*places, strict=True)), number)
    _note(labels, {"value": number, "image": target.layer.name, "axes": target.axes, **accepted.to_dict()}, again)
    pixels = sum(int(mask.sum()) for mask in free)
    return Written(number, pixels, accepted.area - pixels)


def _places(target: ClickTarget, part: ObjectSlice, mask: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Return the index arrays of an object's pixels in one plane, one for each axis of the labels."""
    rows, columns = np.nonzero(mask)
    core = iter((rows + part.region[0].start, columns + part.region[1].start))
    index = target.index(part.plane, *part.region)
    return [next(core) if isinstance(at, slice) else np.full(len(rows), at) for at in index]


def _next_number(labels: napari.layers.Labels) -> int:
    notes = labels.metadata.get(METADATA_KEY, {})
    known = [entry["value"] for entry in notes.get(OBJECTS, [])]
    return max([int(labels.data.max(initial=0)), *known]) + 1


def _note(labels: napari.layers.Labels, entry: dict[str, Any], again: bool) -> None:
    notes = labels.metadata.get(METADATA_KEY, {})
    known = [other for other in notes.get(OBJECTS, []) if not (again and other["value"] == entry["value"])]
    labels.metadata = {**labels.metadata, METADATA_KEY: {**notes, OBJECTS: [*known, entry]}}
