"""Shows the maps that are ticked as layers, and ticks the maps whose layers are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import napari.layers
import napari.viewer
from qtpy.QtCore import QObject, Signal

from napari_medt.attention.map_layout import MapLayout
from napari_medt.attention.panels.map_panel import MapPanel
from napari_medt.attention.recorded_run import RecordedRun
from napari_medt.viewer.layer_notes import notes_of
from napari_medt.viewer.result_layers import ResultLayers

if TYPE_CHECKING:
    from src_models.attention.placed_map import PlacedMap

__all__ = ["MapDisplay"]

_SEEN = ("attention", "difference", "pointer")


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
        self._looked: RecordedRun | None = None
        self._added: list[napari.layers.Image] = []  # here; others are of the Segment widget
        self._uncovered: list[napari.layers.Image] = []
        self.layers = ResultLayers(viewer)
        self.layout = MapLayout(viewer, self)
        panel.ticked.connect(self._show)
        panel.overlay_wanted.connect(self.layout.overlay)
        panel.grid_wanted.connect(self.layout.side_by_side)
        panel.animation_wanted.connect(self._animate)

    def set_looked(self, looked: RecordedRun | None) -> None:
        """List the maps of a run; layers that show maps of an earlier one, perhaps of another plane, are updated.

        Of another model or image, they go: nothing here could untick them.
        """
        self._panel.animate.setChecked(False)
        if self._looked is not None and (looked is None or not _same(self._looked, looked)):
            self._uncovered = self._shown()
            self.clear()
        self._looked = looked
        if looked is None:
            self._panel.set_maps((), ())
            return
        mine = {notes_of(layer).map: layer.visible for layer in self._shown()}
        maps = looked.maps()
        labels = looked.outcome.segmentation.labels
        self._panel.set_maps(maps, {name for name, visible in mine.items() if visible}, labels)
        for placed in maps:
            if placed.name in mine:
                self._show(placed.name, mine[placed.name])

    def clear(self, *others: napari.layers.Layer) -> None:
        """Take away the layers that were added here, and `others`; hide those of others that were shown here."""
        added, self._added = self._added, []
        uncovered, self._uncovered = self._uncovered, []
        for layer in uncovered:
            if layer in self._viewer.layers:
                layer.visible = False
        leaving = [layer for layer in added if notes_of(layer).role != "kept"]
        for layer in (*leaving, *others):
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)

    def show_difference(self, found: PlacedMap) -> None:
        """Show the difference of two maps."""
        if self._looked is None or self._looked.image not in self._viewer.layers:
            return
        before = list(self._viewer.layers)
        self._note(self.layers.show_difference(self._looked.image, self._looked.outcome, found), before)

    def keep(self) -> list[str]:
        """Let go of the maps that are seen, so that they stay as they are; return their layers' names."""
        seen = [layer for layer in self._viewer.layers if layer.visible and notes_of(layer).role in _SEEN]
        for layer in seen:
            self._panel.tick(notes_of(layer).map, False)
        return [self.layers.keep(layer) for layer in seen]

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
        before = list(self._viewer.layers)
        layer = self.layers.show_map(image, outcome, self._looked.map(name))
        self._note(layer, before)
        layer.events.visible.connect(self._on_visible)  # once: psygnal and napari know the same slot again
        self._viewer.layers.selection.active = active
        layer.visible = shown
        self.shown.emit()

    def _shown(self) -> list[napari.layers.Image]:
        """Return the layers that show maps of the run, wherever they were made visible."""
        assert self._looked is not None
        model = self._looked.outcome.model_name
        return [layer for layer in self.layers.maps_of(self._looked.image) if notes_of(layer).model == model]

    def _note(self, layer: napari.layers.Image, before: list[napari.layers.Layer]) -> None:
        """Remember what was done to a layer, so that it can be undone."""
        if layer not in before:
            self._added.append(layer)
        elif layer not in self._added and not layer.visible and layer not in self._uncovered:
            self._uncovered.append(layer)

    def _on_visible(self, event: Any) -> None:
        notes = notes_of(event.source)
        if notes.role != "attention" or self._looked is None or self.layout.animating:
            return
        if notes.model == self._looked.outcome.model_name:
            self._panel.tick(notes.map, event.source.visible)

    def on_removed(self, layer: napari.layers.Layer) -> None:
        """Untick a map whose layer was removed."""
        notes = notes_of(layer)
        if notes.role == "attention":
            self._panel.tick(notes.map, False)

    def _animate(self, on: bool) -> None:
        if not on:
            self.layout.stop()
            return
        if not self._panel.names() and self._looked is not None:
            for name in self._looked.names():
                self._panel.tick(name, True)
                self._show(name, True)
        self.layout.start(self.ticked())


def _same(one: RecordedRun, other: RecordedRun) -> bool:
    return one.image == other.image and one.outcome.job.settings.model == other.outcome.job.settings.model
