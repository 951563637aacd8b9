"""Labels layers of a person: which ones belong to an image, and what they hold as it is saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_medt.viewer.layer_notes import LayerNotes, notes_of

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

    from napari_medt.viewer.viewed_image import ViewedImage

__all__ = ["fitting_labels", "without_background"]


def fitting_labels(viewer: napari.viewer.Viewer, target: ViewedImage) -> list[napari.layers.Labels]:
    """Return the Labels layers that objects of an image can be written into: of its shape, in memory and not a preview.

    Those that lie elsewhere in the world are left out: an object would not lie where it was clicked.
    """
    from napari.layers import Labels

    place = target.place()
    found = []
    for layer in viewer.layers:
        if not isinstance(layer, Labels) or layer.multiscale or not isinstance(layer.data, np.ndarray):
            continue
        if notes_of(layer).role.startswith(("click ", "correction ")):
            continue
        if layer.data.shape != target.shape:
            continue
        if all(np.allclose(getattr(layer, name), place[name]) for name in ("scale", "translate", "rotate")):
            found.append(layer)
    return found


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
