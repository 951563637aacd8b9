"""The mark on the object whose row or point in the plot was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_medt.viewer.lines.place_mark import mark_place
from napari_medt.viewer.own_layers import OwnLayers

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

__all__ = ["ChosenMark"]

_ROLE = "measured object"
_ROOM = 1.8  # between a ring and the object in it, which may be longer than wide


class ChosenMark:
    """A ring in a viewer.

    Parameters
    ----------
    viewer
        The viewer.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._layers = OwnLayers(viewer)

    def show(self, labels: napari.layers.Labels, place: Sequence[float], diameter: float) -> None:
        """Ring a place at which an object of an equivalent diameter is (px of the labels), and no other."""
        size = _ROOM * diameter
        name = f"{labels.name} - {_ROLE}"
        mark = mark_place(self._layers, labels, _ROLE, place, name=name, size=size, ring=True)
        mark.size, mark.visible = size, True

    def hide(self) -> None:
        """Ring nothing any more."""
        self._layers.hide(_ROLE)
