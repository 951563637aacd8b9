"""A mark on a place, such as one that a map was asked about, large enough to be seen however far one zooms out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_medt.viewer.layer_notes import own_notes
from napari_medt.viewer.own_layers import move
from napari_medt.viewer.placement import placement

if TYPE_CHECKING:
    import napari.layers

    from napari_medt.viewer.own_layers import OwnLayers

__all__ = ["mark_place"]

_COLOR = "#00e5ff"
# On the screen. A ring that is kept from getting smaller is drawn with a border of half this: then it is a dot, and
# larger, it would hide what is in it.
_LEAST_PX, _LEAST_RING_PX = 16, 12


def mark_place(
    layers: OwnLayers,
    image: napari.layers.Layer,
    role: str,
    place: Sequence[float],
    *,
    name: str,
    size: float,
    description: str = "",
    ring: bool = False,
) -> Any:
    """Mark a place of an image, or of labels, and no other, and return the layer.

    Parameters
    ----------
    layers
        Where the mark is found again.
    image
        The image.
    role
        What tells this mark from others.
    place
        In the image's data, along all of its axes.
    name, size, description
        Of the layer where it is new; its size is in pixels of the image.
    ring
        Whether it is a ring around the place, which can be seen through, instead of a cross on it.
    """
    point = np.array([place])
    layer = layers.of(image, role)
    if layer is None:
        return layers.add(
            "points",
            point,
            replace(own_notes(image, role), description=description),
            placement(image),
            name=name,
            symbol="disc" if ring else "cross",
            size=size,
            face_color="transparent" if ring else _COLOR,
            border_color=_COLOR,
            canvas_size_limits=(_LEAST_RING_PX if ring else _LEAST_PX, 10_000),
            out_of_slice_display=False,
        )
    if not np.array_equal(layer.data, point):
        layer.data = point
        if layer.selected_data:
            layer.selected_data = set()
    move(layer, placement(image))
    return layer
