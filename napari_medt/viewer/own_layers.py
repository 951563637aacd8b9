"""Adding, finding, moving and removing of layers that the plugin makes from an image layer.

They are found again by their notes (:mod:`napari_medt.viewer.layer_notes`); people may rename them as they like.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_medt.viewer.layer_notes import LayerNotes, notes_of, own_notes

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

__all__ = ["OwnLayers", "move"]

Kind = Literal["image", "labels", "points", "vectors"]


class OwnLayers:
    """The layers of one part of the plugin in a viewer.

    Parameters
    ----------
    viewer
        The viewer.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self.viewer = viewer

    def add(
        self,
        kind: Kind,
        data: Any,
        notes: LayerNotes,
        place: Mapping[str, Any],
        *,
        select: bool = False,
        **options: Any,
    ) -> Any:
        """Add a layer.

        Parameters
        ----------
        kind, data
            What it is, and what it shows; None for nothing yet.
        notes
            What is known of it.
        place
            Where it lies (see :func:`napari_medt.viewer.placement.placement`).
        select
            Whether it becomes the active layer. Else the one that was active stays so, and its controls at hand.
        options
            Other keywords of the layer.
        """
        active = self.viewer.layers.selection.active
        add = getattr(self.viewer, f"add_{kind}")
        layer = add(data, metadata=notes.metadata(), **options, **place)
        if not select:
            self.viewer.layers.selection.active = active
        return layer

    def find(self, role: str) -> Any:
        """Return the layer of a role; None where there is none."""
        return next((layer for layer in self.viewer.layers if notes_of(layer).role == role), None)

    def all_of(self, image: napari.layers.Layer, role: str, model: str | None = None) -> list[Any]:
        """Return the layers of a role that were made from an image layer, by a model or whichever; newest last."""
        wanted = own_notes(image, role).image
        found = [(layer, notes_of(layer)) for layer in self.viewer.layers]
        return [
            layer
            for layer, notes in found
            if (notes.image, notes.role) == (wanted, role) and model in (None, notes.model)
        ]

    def of(self, image: napari.layers.Layer, role: str) -> Any:
        """Return the layer of a role, if it belongs to this image; one of another image goes."""
        layer = self.find(role)
        if layer is None or (notes_of(layer).image == str(image.unique_id) and layer.ndim == image.ndim):
            return layer
        layer.visible = False
        self.viewer.layers.remove(layer)
        return None

    def hide(self, role: str) -> None:
        """Hide the layer of a role."""
        layer = self.find(role)
        if layer is not None:
            layer.visible = False

    def remove(self, *roles: str) -> None:
        """Take the layers of some roles out of the viewer."""
        for role in roles:
            layer = self.find(role)
            if layer is not None:
                self.viewer.layers.remove(layer)


def move(layer: napari.layers.Layer, place: Mapping[str, Any]) -> None:
    """Put a layer elsewhere."""
    for name, value in place.items():
        if not np.array_equal(getattr(layer, name), value):  # each change is drawn
            setattr(layer, name, value)
