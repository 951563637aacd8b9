"""Labels layers of a person: which ones belong to an image, and what they hold as it is saved.

Whether labels lie on an image is told as for files, by :func:`src_models.files.pairs.compare`: their pixels are the
image's, in the viewer's world. Labels that were opened without a place of their own (from a TIFF or PNG, say, for a
scan) can be given the image's; others are not paired by their index, which could mirror or shift them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_medt.viewer.layer_notes import LayerNotes, notes_of
from napari_medt.viewer.placement import grid_of, placement
from src_models.files.pairs import compare

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

    from napari_medt.viewer.viewed_image import ViewedImage

__all__ = ["fitting_labels", "lies_on", "misfit_words", "placeless_labels", "take_place", "without_background"]

_PREVIEWS = ("click ", "correction ")


def fitting_labels(viewer: napari.viewer.Viewer, target: ViewedImage) -> list[napari.layers.Labels]:
    """Return the Labels layers that objects of an image can be written into: of its shape, in memory and not a preview.

    Those that lie elsewhere in the world are left out: an object would not lie where it was clicked.
    """
    place = target.place()
    return [layer for layer in _labels_in_memory(viewer) if lies_on(layer, place, target.shape)]


def lies_on(labels: napari.layers.Labels, place: Mapping[str, Any], shape: Sequence[int]) -> bool:
    """Whether the pixels of labels are those of an image.

    Parameters
    ----------
    labels
        The labels.
    place, shape
        Of labels that cover the image.
    """
    if labels.data.shape != tuple(shape):
        return False
    return compare(grid_of(place, shape), grid_of(placement(labels), shape)).fit == "same"


def placeless_labels(viewer: napari.viewer.Viewer, target: ViewedImage) -> list[napari.layers.Labels]:
    """Return Labels layers of an image's shape that lie elsewhere, since nothing told where they belong."""
    place = target.place()
    return [
        layer
        for layer in _labels_in_memory(viewer)
        if layer.data.shape == target.shape and _placeless(layer) and not lies_on(layer, place, target.shape)
    ]


def take_place(labels: napari.layers.Labels, target: ViewedImage) -> str | None:
    """Give labels without a place of their own that of an image, pixel by pixel; return words on it, if it was done."""
    place = target.place()
    if not _placeless(labels) or lies_on(labels, place, target.shape):
        return None
    for name, value in place.items():
        setattr(labels, name, value)
    return (
        f"The labels {labels.name!r} have no place of their own, so they were laid on {target.layer.name!r} pixel by "
        "pixel: check that they are not mirrored."
    )


def misfit_words(viewer: napari.viewer.Viewer, target: ViewedImage) -> str:
    """Return why labels of an image's number of axes are not for this image, in a sentence each."""
    place, told = target.place(), []
    for layer in _labels_in_memory(viewer):
        if layer.ndim != len(target.shape):
            continue
        found = compare(grid_of(place, target.shape), grid_of(placement(layer), layer.data.shape))
        if found.fit != "same" and not (_placeless(layer) and layer.data.shape == target.shape):
            told.append(f"The labels {layer.name!r} do not lie on {target.layer.name!r}: {found.words}.")
    return " ".join(told)


def _placeless(layer: napari.layers.Labels) -> bool:
    """Whether a layer lies where napari puts an array of which it knows nothing."""
    matrix = grid_of(placement(layer), layer.data.shape).to_world
    return bool(np.array_equal(matrix, np.eye(len(matrix))))


def _labels_in_memory(viewer: napari.viewer.Viewer) -> list[napari.layers.Labels]:
    from napari.layers import Labels

    return [
        layer
        for layer in viewer.layers
        if isinstance(layer, Labels)
        and not layer.multiscale
        and isinstance(layer.data, np.ndarray)
        and not notes_of(layer).role.startswith(_PREVIEWS)
    ]


def without_background(data: NDArray[Any], metadata: Mapping[str, Any]) -> NDArray[Any]:
    """Return labels as they are saved: background that was painted is 0, not the number that it is painted with.

    Parameters
    ----------
    data
        Labels of any shape.
    metadata
        Their layer's metadata.
    """
    correction = LayerNotes.read(metadata).correction
    number = None if correction is None else correction.background
    return data if number is None else np.where(data == number, 0, data).astype(data.dtype)
