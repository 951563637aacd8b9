"""The line that a person drags across an object, to say how large objects are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_medt.viewer.lines.screen_lines import ScreenLines
from napari_medt.viewer.own_layers import OwnLayers

if TYPE_CHECKING:
    import napari.viewer

    from napari_medt.viewer.viewed_image import ViewedImage

__all__ = ["SizeLine"]

_ROLE = "object size"
_COLOUR = "#ffd400"


class SizeLine:
    """A line over an image, in a viewer.

    Parameters
    ----------
    viewer
        The viewer.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._layers = OwnLayers(viewer)
        self._lines = ScreenLines(self._layers)

    def show(self, target: ViewedImage, start: Sequence[float], stop: Sequence[float]) -> None:
        """Show the line from one position to another (px of the layer)."""
        line = np.stack([np.asarray(start, float), np.subtract(stop, start)])
        self._lines.show(target, _ROLE, line[None], name=_ROLE, edge_color=_COLOUR)

    def remove(self) -> None:
        """Take the line away."""
        self._lines.leave()
        self._layers.remove(_ROLE)
