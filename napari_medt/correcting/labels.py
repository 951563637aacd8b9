"""Labels that are being corrected: what the network had found in them goes with the layer, in its notes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_medt.viewer.labels.labels_layers import fitting_labels, placeless_labels
from napari_medt.viewer.labels.set_pixels import set_pixels
from napari_medt.viewer.layer_notes import Prediction, notes_of, write_notes
from src_models.errors import ImageError

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

    from napari_medt.viewer.viewed_image import ViewedImage

__all__ = [
    "LABELS_ROLE",
    "background_number",
    "begin",
    "changed_cells",
    "changed_in",
    "correctable",
    "first_prediction",
    "highest_number",
    "prediction_of",
    "what_changed",
    "write_where_held",
]

LABELS_ROLE = "to correct"

_STRIP = 2**18  # pixels that are compared at a time
_NUMBERS = {1: 120, 2: 30_000}  # of background, by the bytes of a label; the last one for all that are larger


def prediction_of(labels: napari.layers.Labels) -> Prediction | None:
    """Return what was found in labels that are being corrected; None for others."""
    correction = notes_of(labels).correction
    return correction if isinstance(correction, Prediction) else None


def begin(
    labels: napari.layers.Labels,
    predicted: NDArray[Any],
    *,
    model_name: str | None,
    model_sha256: str | None,
) -> Prediction:
    """Note what the network had found in labels; from now on they are being corrected.

    Raises
    ------
    ImageError
        If the labels are of another shape than what was found.
    """
    if labels.data.shape != predicted.shape:
        raise ImageError(
            f"the labels {labels.name!r} have the shape {labels.data.shape} and what was found has {predicted.shape}: "
            "choose other labels"
        )
    notes = notes_of(labels)
    background = None if notes.correction is None else notes.correction.background
    prediction = Prediction(
        data=predicted,
        model_name=model_name,
        model_sha256=model_sha256,
        background=background or background_number(labels.data),
    )
    write_notes(labels, replace(notes, correction=prediction))
    return prediction


def correctable(viewer: napari.viewer.Viewer, target: ViewedImage) -> list[napari.layers.Labels]:
    """Return the labels of an image's shape and place; those that are being corrected come last.

    First come those that nothing told a place: :func:`~napari_medt.viewer.labels.labels_layers.take_place` is for them.
    """
    fitting = sorted(fitting_labels(viewer, target), key=lambda layer: prediction_of(layer) is not None)
    return [*placeless_labels(viewer, target), *fitting]


def first_prediction(labels: napari.layers.Labels) -> tuple[NDArray[Any], str | None, str | None]:
    """Return what a network had found in labels that are about to be corrected, and the model's name and SHA-256.

    What was clicked or made elsewhere is all a person's: then nothing was found.
    """
    notes, shape, kind = notes_of(labels), labels.data.shape, labels.data.dtype
    if notes.role == "labels" and notes.found is not None and notes.found.shape == shape:
        return notes.found.unpack().astype(kind, copy=False), notes.model, notes.provenance.get("model_sha256")
    return np.zeros(shape, kind), None, None


def highest_number(labels: NDArray[Any], background: int) -> int:
    """Return the highest number of an object in labels; background that was painted is none."""
    highest, flat = 0, labels.reshape(-1)
    for start in range(0, flat.size, _STRIP):
        strip = flat[start : start + _STRIP]
        most = int(strip.max())
        if most == background:
            most = int(strip.max(initial=0, where=strip != background))
        highest = max(highest, most)
    return highest


def changed_in(labels: NDArray[Any], predicted: NDArray[Any], background: int) -> NDArray[np.uint8]:
    """Return 1 where labels differ from what was found, 2 where background was painted, and 0 elsewhere."""
    changed = (labels != predicted).astype(np.uint8)
    changed[labels == background] = 2
    return changed


def what_changed(labels: NDArray[Any], predicted: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """Return where a plane differs from what was found, as flat indices, and what it holds there.

    A person waits for it: of a large plane, this is much less than a copy.
    """
    height, width = labels.shape
    strip = max(1, _STRIP // max(1, width))
    places, values = [], []
    for top in range(0, height, strip):
        rows = slice(top, min(top + strip, height))
        differs = labels[rows] != predicted[rows]
        places.append(np.flatnonzero(differs) + top * width)
        values.append(labels[rows][differs])
    return np.concatenate(places), np.concatenate(values)


def changed_cells(
    labels: NDArray[Any], predicted: NDArray[Any], background: int, step: int
) -> tuple[NDArray[np.uint8], int]:
    """Return what changed in a plane, and in how many pixels.

    It comes in cells of `step` x `step` pixels, each as its highest one. The plane is gone through in strips, so that
    no copy of it is made; of a large one that takes a moment, and is meant for a thread.
    """
    height, width = labels.shape
    cells = np.zeros((-(-height // step), -(-width // step)), np.uint8)
    columns = np.arange(0, width, step)
    count, strip = 0, step * max(1, _STRIP // max(1, step * width))
    for top in range(0, height, strip):
        rows = slice(top, min(top + strip, height))
        changed = changed_in(labels[rows], predicted[rows], background)
        count += int(np.count_nonzero(changed))
        if step > 1:
            changed = np.maximum.reduceat(changed, np.arange(0, len(changed), step), axis=0)
            changed = np.maximum.reduceat(changed, columns, axis=1)
        cells[top // step : top // step + len(changed)] = changed
    return cells, count


def background_number(labels: NDArray[Any]) -> int:
    """Return the number that background is painted with in labels: one that no object has."""
    number = _NUMBERS.get(labels.dtype.itemsize, _NUMBERS[2])
    highest = int(labels.max(initial=0))
    return number if highest < number else min(highest + 10_000, int(np.iinfo(labels.dtype).max) - 1)


def write_where_held(labels: napari.layers.Labels, plane: Any, places: tuple[Any, ...], held: Any, value: int) -> None:
    """Write a number into pixels of a plane, as one step of napari's undo, where they still hold what they held."""
    rows, columns = places
    still = labels.data[plane][rows, columns] == held
    if still.any():
        core = iter((rows[still], columns[still]))
        index = [next(core) if isinstance(at, slice) else np.full(int(still.sum()), at) for at in plane]
        set_pixels(labels, tuple(index), value)
