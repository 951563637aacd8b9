"""A scan that is opened comes into view: each lies at its own place in mm, which may be metres from the others.

napari fits the view to the first layer only. Whatever is in view already, such as the labels of the scan that a person
looks at, leaves the view as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_medt.viewer.scans.oblique_planes import SlicedLayer, reach_planes

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

__all__ = ["bring_into_view", "show_what_opens"]

_PLUGIN = "napari-medt"
_FILLED = 0.95  # of the canvas, as in napari
_SEEN = 0.05  # of the canvas
_SMALLEST = 1e-9  # size that a layer of one pixel is taken to have at least


def show_what_opens() -> None:
    """Have the current viewer bring each scan into view from now on; without a window nothing happens."""
    from napari import current_viewer

    viewer = current_viewer()
    if viewer is not None:
        reach_planes(viewer)
        viewer.layers.events.inserted.connect(_on_inserted)  # again is no other connection; napari's own come first


def _on_inserted(event: Any) -> None:
    from napari import current_viewer

    viewer = current_viewer()
    if viewer is not None and event.value in viewer.layers and event.value.source.reader_plugin == _PLUGIN:
        bring_into_view(viewer, event.value)


def bring_into_view(viewer: napari.viewer.Viewer, layer: napari.layers.Layer) -> None:
    """Move the sliders into a layer and fit the camera to it, unless it is in view.

    Of an oblique layer, napari shows in 2D the plane of the data in which the sliders' place lies with 0 for all other
    axes, and draws it where the first plane would be. The sliders go to where this is the middle plane.

    Parameters
    ----------
    viewer
        The viewer.
    layer
        One of its layers. It is in view if the sliders are in it and it covers a twentieth of the canvas.
    """
    dims, missing = viewer.dims, viewer.dims.ndim - layer.ndim
    placed = SlicedLayer(layer)
    hidden = [axis - missing for axis in dims.not_displayed if axis >= missing]
    shown = [axis - missing for axis in dims.displayed if axis >= missing]
    aside = not placed.holds(hidden, np.asarray(dims.point)[missing:][hidden])
    low, high = placed.drawn(shown)
    camera = viewer.scene.camera
    room = np.asarray(viewer.canvas.viewbox_size(viewer.layers), dtype=float)
    first, last, half = low[-2:], high[-2:], room / camera.zoom / 2
    centre = np.asarray(camera.center)[-2:]
    covered = np.clip(np.minimum(last, centre + half) - np.maximum(first, centre - half), 0, None) / (2 * half)
    if not aside and covered.prod() >= _SEEN:
        return
    if aside:
        dims.set_point([axis + missing for axis in hidden], placed.middle(hidden).tolist())
    camera.center = tuple((low + high) / 2)
    camera.zoom = _FILLED * float(np.min(room / np.maximum(last - first, _SMALLEST)))
