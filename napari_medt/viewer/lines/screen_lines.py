"""Lines over an image that are as wide on the screen however far a person zooms."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_medt.viewer.placement import placement

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

    from napari_medt.viewer.viewed_image import ViewedImage

__all__ = ["ScreenWidth", "place_of_lines", "show_lines"]

_WIDTH = 3.0  # px on the screen


def place_of_lines(target: ViewedImage) -> dict[str, Any]:
    """Return the placement of a Vectors layer over an image: keywords of napari's layers.

    Its pixels are square even where those of the image are not, for napari gives one width of lines for all directions.
    """
    scale, translate = target.region.place_canvas()
    return placement(target.layer, tuple(np.asarray(scale) * _squares(target)), translate)


def show_lines(
    layer: napari.layers.Vectors, target: ViewedImage, lines: NDArray[np.float64], colours: Sequence[str] | None = None
) -> None:
    """Show other lines in a Vectors layer.

    Parameters
    ----------
    layer
        The layer, placed by :func:`place_of_lines`.
    target
        The image.
    lines
        N x 2 x axes: where each starts, and how far it goes (px of the image).
    colours
        One for each line; None leaves them in the colour of the layer.
    """
    if not len(lines) and not len(layer.data):
        return
    layer.data = lines / _squares(target)
    if colours is not None and len(lines):
        layer.edge_color = list(colours)


class ScreenWidth:
    """Keeps the width of some Vectors layers in step with a viewer's zoom.

    Parameters
    ----------
    viewer
        The viewer.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._layers: list[napari.layers.Vectors] = []

    def keep(self, layer: napari.layers.Vectors) -> None:
        """Begin with a layer."""
        if not self._layers:
            self._viewer.scene.camera.events.zoom.connect(self._on_zoom)
        self._layers.append(layer)
        self._on_zoom()

    def leave(self) -> None:
        """Leave the viewer alone."""
        self._layers = []
        with suppress(ValueError):  # nothing was kept
            self._viewer.scene.camera.events.zoom.disconnect(self._on_zoom)

    def _on_zoom(self, event: Any = None) -> None:
        self._layers = [layer for layer in self._layers if layer in self._viewer.layers]
        for layer in self._layers:
            pixel = float(layer.scale[-1]) * self._viewer.scene.camera.zoom  # on the screen
            layer.edge_width = _WIDTH / max(abs(pixel), 1e-9)


def _squares(target: ViewedImage) -> NDArray[np.float64]:
    """Return the sides, in pixels of the image, of a square that is as long as the shorter side of a pixel in view."""
    scale = np.abs(np.asarray(target.layer.scale, dtype=float))
    core = target.core
    sides = np.ones(len(scale))
    sides[core] = scale[core].min() / scale[core]
    return sides
