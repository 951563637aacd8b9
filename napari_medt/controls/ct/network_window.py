"""What a network sees of a CT, where its model file names a window: a line, and a button that shows the image so."""

from __future__ import annotations

from contextlib import suppress

import napari.layers
from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from napari_medt.controls.layer_combo import ImageLayerCombo
from napari_medt.controls.model_combo import ModelCombo
from napari_medt.viewer.ct_layer import Limits, same_limits, show_window, shown_limits
from napari_medt.viewer.reading import chosen_grey
from src_models.images.grey.grey_range import number

__all__ = ["NetworkWindow"]


class NetworkWindow(QWidget):
    """Tells the window of the chosen model; hidden for a model that has none.

    Parameters
    ----------
    images
        Where the layer is chosen.
    models
        Where the model is chosen.
    parent
        Parent widget.
    """

    def __init__(self, images: ImageLayerCombo, models: ModelCombo, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._images, self._models = images, models
        self._watched: napari.layers.Image | None = None
        self.says = QLabel()
        self.says.setWordWrap(True)
        self.says.setToolTip("Windows and contrast limits change what you see, and never what this network sees.")
        self.show_it = QPushButton("Show the image like that")
        self.show_it.setToolTip("Set the contrast limits of the image to what the network sees.")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.says)
        column.addWidget(self.show_it)
        self.show_it.clicked.connect(self._on_show)
        images.layer_changed.connect(self.tell)
        models.model_changed.connect(self.tell)
        self.tell()

    def limits(self) -> Limits | None:
        """Return the window of the chosen model; None where its file names none."""
        header = self._models.header()
        if header is None or header.intensity.kind not in ("window", "signed-window"):
            return None
        return header.intensity.low, header.intensity.high

    def tell(self) -> None:
        """Say what the network sees of the chosen image."""
        limits, layer = self.limits(), self._images.layer()
        self._watch(layer)
        self.setVisible(limits is not None)
        if limits is None:
            return
        window = f"{number(limits[0])} to {number(limits[1])} HU"
        chosen = layer is not None and chosen_grey(layer) is not None
        so = layer is not None and not layer.rgb and same_limits(shown_limits(layer), limits)
        if chosen:
            self.says.setText(f"This network was made for {window}; you chose other grey values for it.")
        else:
            self.says.setText(f"This network sees {window}{', as shown' if so else ', whatever is shown'}.")
        self.show_it.setVisible(layer is not None and not layer.rgb and not so and not chosen)

    def leave(self) -> None:
        """Listen to no layer any more."""
        self._watch(None)

    def _watch(self, layer: napari.layers.Image | None) -> None:
        if layer is self._watched:
            return
        if self._watched is not None:
            with suppress(ValueError):  # it may be gone already
                self._watched.events.contrast_limits.disconnect(self._on_limits)
        self._watched = layer
        if layer is not None:
            layer.events.contrast_limits.connect(self._on_limits)

    def _on_limits(self) -> None:
        self.tell()

    def _on_show(self) -> None:
        limits, layer = self.limits(), self._images.layer()
        if limits is not None and layer is not None:
            show_window(layer, limits)
