"""Which window of the Hounsfield scale is shown of a CT, and given to the network."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal

import napari.layers
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QComboBox, QVBoxLayout, QWidget

from napari_medt.viewer.ct_layer import shown_window
from src_models.images.grey.ct_windows import ct_window, ct_windows
from src_models.models.header import Intensity

__all__ = ["WindowPanel"]

_AS_SHOWN, _WHOLE = "as shown", "whole range"
_BOTH, _NETWORK, _VIEW = "view and network", "network only", "view only"
_REST = 400  # ms that contrast limits must rest before the network sees them


class WindowPanel(QWidget):
    """Choose a window; hidden for images that are no CT.

    Parameters
    ----------
    parent
        Parent widget.
    """

    changed = Signal()  #: the network is to see another window

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layer: napari.layers.Image | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST)
        self._rest.timeout.connect(self.changed)
        self.window_name = QComboBox()
        self.window_name.setAccessibleName("CT window")
        self.window_name.addItems([_AS_SHOWN, *(window.name for window in ct_windows()), _WHOLE])
        self.window_name.setToolTip(
            "Which Hounsfield units (HU) are told apart. As shown: the layer's contrast limits, a window of your own."
        )
        self.acts_on = QComboBox()
        self.acts_on.setAccessibleName("What the CT window is for")
        self.acts_on.addItems([_BOTH, _NETWORK, _VIEW])
        self.acts_on.setToolTip("Whether the window is what you see, what the network sees, or both.")
        for combo in (self.window_name, self.acts_on):
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.activated.connect(self._on_chosen)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.window_name)
        column.addWidget(self.acts_on)

    def set_layer(self, layer: napari.layers.Image | None) -> None:
        """Show the window of a CT, or none for other images."""
        if self._layer is not None:
            with suppress(ValueError):  # it may be gone already
                self._layer.events.contrast_limits.disconnect(self._on_limits)
        self._layer = layer
        if layer is not None:
            layer.events.contrast_limits.connect(self._on_limits)

    def choose(
        self, name: str, acts_on: Literal["view and network", "network only", "view only"] = "view and network"
    ) -> None:
        """Choose a window, as a person would."""
        self.window_name.setCurrentText(name)
        self.acts_on.setCurrentText(acts_on)
        self._on_chosen()

    def intensity(self) -> Intensity | None:
        """Return the window that the network sees; None for what the model is used to."""
        name = self.window_name.currentText()
        if self._layer is None or name == _WHOLE or self.acts_on.currentText() == _VIEW:
            return None
        return shown_window(self._layer) if name == _AS_SHOWN else ct_window(name).intensity

    def _on_chosen(self) -> None:
        name = self.window_name.currentText()
        if self._layer is not None and self.acts_on.currentText() != _NETWORK and name != _AS_SHOWN:
            limits = self._layer.contrast_limits_range if name == _WHOLE else ct_window(name).limits
            low, high = self._layer.contrast_limits_range
            self._layer.contrast_limits_range = (min(low, limits[0]), max(high, limits[1]))
            self._layer.contrast_limits = limits
        self._rest.stop()
        self.changed.emit()

    def _on_limits(self) -> None:
        """Take contrast limits that a person set by hand for a window of their own."""
        if self._layer is None:
            return
        name = self.window_name.currentText()
        preset = None if name in (_AS_SHOWN, _WHOLE) else ct_window(name).limits
        shown = tuple(float(limit) for limit in self._layer.contrast_limits)
        if self.acts_on.currentText() == _BOTH and preset is not None and shown != preset:
            self.window_name.setCurrentText(_AS_SHOWN)
        if self.window_name.currentText() == _AS_SHOWN:
            self._rest.start()
