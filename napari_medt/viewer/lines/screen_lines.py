"""Lines over an image that are as wide on the screen however far a person zooms."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_medt.viewer.layer_notes import own_notes
from napari_medt.viewer.own_layers import OwnLayers
from napari_medt.viewer.placement import placement

if TYPE_CHECKING:
    import napari.layers

    from napari_medt.viewer.viewed_image import ViewedImage

__all__ = ["ScreenLines"]

_WIDTH = 3.0  # px on the screen


class ScreenLines:
    """Layers of lines; each is added when there is a line to show, and keeps its width in step with the zoom.

    They are Vectors: napari compiles its shapes when the first one is drawn. Their pixels are square even where those
    of the image are not, for napari gives one width of lines for all directions.

    Parameters
    ----------
    layers
        Where they are added.
    """

    def __init__(self, layers: OwnLayers) -> None:
        self._layers = layers
        self._kept: list[napari.layers.Vectors] = []

    def show(
        self,
        target: ViewedImage,
        role: str,
        lines: NDArray[np.float64],
        colours: Sequence[str] | None = None,
        **options: Any,
    ) -> None:
        """Show lines in place of others.

        Parameters
        ----------
        target
            The image.
        role
            Of their layer.
        lines
            N x 2 x axes: where each starts, and how far it goes (px of the image).
        colours
            One for each line; None leaves them in the colour of the layer.
        options
            Keywords for a new layer, such as its name.
        """
        layer = self._layers.of(target.layer, role)
        if not len(lines) and (layer is None or not len(layer.data)):
            return
        if layer is None:
            options = {"ndim": len(target.shape), "vector_style": "line", **options}
            layer = self._layers.add("vectors", None, own_notes(target.layer, role), _place(target), **options)
            self._keep(layer)
        layer.data = lines / _squares(target)
        if colours is not None and len(lines):
            layer.edge_color = list(colours)

    def leave(self) -> None:
        """Leave the viewer alone."""
        self._kept = []
        with suppress(ValueError):  # nothing was kept
            self._layers.viewer.scene.camera.events.zoom.disconnect(self._on_zoom)

    def _keep(self, layer: napari.layers.Vectors) -> None:
        if not self._kept:
            self._layers.viewer.scene.camera.events.zoom.connect(self._on_zoom)
        self._kept.append(layer)
        self._on_zoom()

    def _on_zoom(self, event: Any = None) -> None:
        self._kept = [layer for layer in self._kept if layer in self._layers.viewer.layers]
        for layer in self._kept:
            pixel = float(layer.scale[-1]) * self._layers.viewer.scene.camera.zoom  # on the screen
            layer.edge_width = _WIDTH / max(abs(pixel), 1e-9)


def _place(target: ViewedImage) -> dict[str, Any]:
    scale, translate = target.region.place_canvas()
    return placement(target.layer, tuple(np.asarray(scale) * _squares(target)), translate)


def _squares(target: ViewedImage) -> NDArray[np.float64]:
    """Return the sides, in pixels of the image, of a square that is as long as the shorter side of a pixel in view."""
    scale = np.abs(np.asarray(target.layer.scale, dtype=float))
    core = target.core
    sides = np.ones(len(scale))
    sides[core] = scale[core].min() / scale[core]
    return sides
