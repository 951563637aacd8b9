"""A list of the viewer's image layers that follows the selection, and says where a file holds more than its layer."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from weakref import WeakSet

import napari.layers
import napari.viewer
from napari.utils.notifications import show_info
from qtpy.QtCore import QObject, QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QWidget

from napari_medt.running.latest_question import LatestQuestion
from napari_medt.viewer.layer_notes import is_own_layer, notes_of
from napari_medt.viewer.reading import reading_event

__all__ = ["ImageLayerCombo", "SeveralImages"]

_PLUGIN = "napari-medt"
_told: WeakSet[napari.layers.Image] = WeakSet()  # once for a layer, whichever widget asks


class ImageLayerCombo(QComboBox):
    """Choose an image layer; choosing one in the layer list chooses it here too.

    The plugin's own attention maps are images as well, but not listed: selecting one, or labels that the plugin made,
    chooses the image they came from.

    Parameters
    ----------
    viewer
        The viewer.
    parent
        Parent widget.
    """

    layer_changed = Signal()  #: another layer was chosen, or what is read from the chosen one changed

    _READ = ("data", "scale", "affine", "units", "axis_labels")

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layers: list[napari.layers.Image] = []
        self._watched: napari.layers.Image | None = None
        self._several = SeveralImages(self)
        self.setAccessibleName("Image")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        viewer.layers.events.inserted.connect(self._refill)
        viewer.layers.events.removed.connect(self._refill)
        viewer.layers.selection.events.active.connect(self._follow)
        self.currentIndexChanged.connect(self._on_chosen)
        self._refill()

    def layer(self) -> napari.layers.Image | None:
        """Return the chosen layer."""
        index = self.currentIndex()
        return self._layers[index] if 0 <= index < len(self._layers) else None

    def choose(self, layer: napari.layers.Image) -> None:
        """Choose a layer, if it is listed."""
        if layer in self._layers:
            self.setCurrentIndex(self._layers.index(layer))

    def disconnect_viewer(self) -> None:
        """Leave the viewer alone from now on."""
        events = self._viewer.layers.events
        for emitter, slot in (
            (events.inserted, self._refill),
            (events.removed, self._refill),
            (self._viewer.layers.selection.events.active, self._follow),
        ):
            with suppress(ValueError):  # it may be gone already
                emitter.disconnect(slot)
        for layer in self._layers:
            layer.events.name.disconnect(self._rename)
        self._layers = []
        self._watch(None)
        self._several.leave()

    def _refill(self) -> None:
        chosen = self.layer()
        for layer in self._layers:
            layer.events.name.disconnect(self._rename)
        self._layers = [
            layer for layer in self._viewer.layers if isinstance(layer, napari.layers.Image) and not is_own_layer(layer)
        ]
        for layer in self._layers:
            layer.events.name.connect(self._rename)
        with QSignalBlocker(self):
            self.clear()
            self.addItems([layer.name for layer in self._layers])
            self.setCurrentIndex(self._layers.index(chosen) if chosen in self._layers else len(self._layers) - 1)
        if self.layer() is not chosen:
            self._on_chosen()
        self._follow()  # a new layer is selected before it is listed here

    def _rename(self) -> None:
        for index, layer in enumerate(self._layers):
            self.setItemText(index, layer.name)

    def _follow(self) -> None:
        active = self._viewer.layers.selection.active
        if active is None:
            return
        source = notes_of(active).image
        for layer in self._layers:
            if layer == active or str(layer.unique_id) == source:  # napari hands out proxies: equal, not the same
                self.choose(layer)

    def _on_chosen(self) -> None:
        self._watch(self.layer())
        self._several.look(self.layer())
        self.layer_changed.emit()

    def _watch(self, layer: napari.layers.Image | None) -> None:
        """Follow changes of what is read from a layer."""
        for watched, connects in ((self._watched, False), (layer, True)):
            events = [] if watched is None else [*(watched.events[name] for name in self._READ), reading_event(watched)]
            for event in events:
                (event.connect if connects else event.disconnect)(self._on_read_changed)
        self._watched = layer

    def _on_read_changed(self) -> None:
        self.layer_changed.emit()


class SeveralImages(QObject):
    """Tells, once for each layer, that its file holds more images than the one it shows.

    napari's own readers take the first image of a file and leave out the others.

    Parameters
    ----------
    parent
        Parent object.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._question = LatestQuestion(self)
        self._question.answered.connect(self._tell)

    def look(self, layer: napari.layers.Image | None) -> None:
        """Look, off the GUI thread, whether the file of a layer holds other images."""
        if layer is None or layer in _told:
            return
        source = layer.source
        if source.path is None or source.reader_plugin == _PLUGIN or notes_of(layer).series is not None:
            return
        _told.add(layer)
        self._question.ask(partial(_others, Path(str(source.path)), layer.name))

    def leave(self) -> None:
        """Tell nothing more."""
        self._question.leave(wait=False)

    def _tell(self, sentence: str) -> None:
        if sentence:
            show_info(sentence)


def _others(path: Path, layer: str) -> str:
    from src_models.files.image_list import others_in_file

    return others_in_file(path, layer)
