"""Shows the maps that are ticked as layers, and ticks the maps whose layers are shown."""

from __future__ import annotations

from typing import Any

import napari.layers
import napari.viewer
from qtpy.QtCore import QObject, Signal

from napari_medt.attention_look import Looked
from napari_medt.layers import ResultLayers, notes_of
from napari_medt.widgets.map_layout import MapLayout
from napari_medt.widgets.map_panel import MapPanel

__all__ = ["MapDisplay"]


class MapDisplay(QObject):
    """Keeps the list of maps and the layers in step.

    Parameters
    ----------
    viewer
        The viewer.
    panel
        The list.
    parent
        Parent object.
    """

    shown = Signal()  #: a layer was shown or hidden

    def __init__(self, viewer: napari.viewer.Viewer, panel: MapPanel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._panel = panel
        self._looked: Looked | None = None
        self.layers = ResultLayers(viewer)
        self.layout = MapLayout(viewer, self)
        panel.ticked.connect(self._show)
        panel.overlay_wanted.connect(self.layout.overlay)
        panel.grid_wanted.connect(self.layout.side_by_side)
        panel.animation_wanted.connect(self._animate)

    def set_looked(self, looked: Looked | None) -> None:
        """List the maps of a run; layers that show maps of an earlier one, perhaps of another plane, are updated."""
        self._panel.animate.setChecked(False)
        self._looked = looked
        if looked is None:
            self._panel.set_maps((), ())
            return
        mine = {
            notes_of(layer)["map"]: layer.visible
            for layer in self.layers.maps_of(looked.image)
            if notes_of(layer)["model"] == looked.outcome.model_name
        }
        maps = looked.maps()
        self._panel.set_maps(maps, {name for name, visible in mine.items() if visible})
        for placed in maps:
            if placed.name in mine:
                self._show(placed.name, mine[placed.name])

    @property
    def viewer(self) -> napari.viewer.Viewer:
        """The viewer."""
        return self._viewer

    def names(self) -> list[str]:
        """Return the names of the ticked maps."""
        return self._panel.names()

    def ticked(self) -> list[napari.layers.Image]:
        """Return the layers of the ticked maps."""
        if self._looked is None:
            return []
        model = self._looked.outcome.model_name
        found = (self.layers.map_of(self._looked.image, model, name) for name in self._panel.names())
        return [layer for layer in found if layer is not None]

    def _show(self, name: str, shown: bool) -> None:
        if self._looked is None or self._looked.image not in self._viewer.layers:
            return
        image, outcome = self._looked.image, self._looked.outcome
        active = self._viewer.layers.selection.active
        layer = self.layers.show_map(image, outcome, self._looked.map(name))
        layer.events.visible.connect(self._on_visible)  # once: psygnal and napari know the same slot again
        self._viewer.layers.selection.active = active
        layer.visible = shown
        self.shown.emit()

    def _on_visible(self, event: Any) -> None:
        notes = notes_of(event.source)
        known = self._looked is not None and notes.get("model") == self._looked.outcome.model_name
        if known and not self.layout.animating:
            self._panel.tick(notes["map"], event.source.visible)

    def on_removed(self, layer: napari.layers.Layer) -> None:
        """Untick a map whose layer was removed."""
        notes = notes_of(layer)
        if notes.get("role") == "attention":
            self._panel.tick(notes["map"], False)

    def _animate(self, on: bool) -> None:
        if not on:
            self.layout.stop()
            return
        if not self._panel.names() and self._looked is not None:
            for name in self._looked.names():
                self._panel.tick(name, True)
                self._show(name, True)
        self.layout.start(self.ticked())
