"""Which window of the Hounsfield scale is shown of a CT, and given to the network."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal

import napari.layers
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QComboBox, QVBoxLayout, QWidget

from napari_medt.controls.ct.window_choice import WindowChoice
from napari_medt.viewer.ct_layer import same_limits, show_window, shown_limits, shown_window
from src_models.models.header import Intensity

__all__ = ["WindowPanel"]

_AS_SHOWN = "as shown"
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
        self.choice = WindowChoice(_AS_SHOWN)
        self.window_name = self.choice.names
        self.window_name.setToolTip(
            "Which Hounsfield units (HU) are told apart. As shown: the layer's contrast limits, a window of your own."
        )
        self.acts_on = QComboBox()
        self.acts_on.setAccessibleName("What the CT window is for")
        self.acts_on.addItems([_BOTH, _NETWORK, _VIEW])
        self.acts_on.setToolTip("Whether the window is what you see, what the network sees, or both.")
        self.acts_on.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.acts_on.activated.connect(self._on_chosen)
        self.choice.named.connect(self._on_chosen)
        self.choice.typed.connect(self._on_typed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.choice)
        column.addWidget(self.acts_on)

    def set_layer(self, layer: napari.layers.Image | None) -> None:
        """Show the window of a CT, or none for other images."""
        if self._layer is not None:
            with suppress(ValueError):  # it may be gone already
                self._layer.events.contrast_limits.disconnect(self._on_limits)
        self._layer = layer
        self.choice.offer(layer)
        if layer is not None:
            layer.events.contrast_limits.connect(self._on_limits)

    def choose(
        self, name: str, acts_on: Literal["view and network", "network only", "view only"] = "view and network"
    ) -> None:
        """Choose a window, as a person would."""
        self.choice.choose(name)
        self.acts_on.setCurrentText(acts_on)
        self._on_chosen()

    def intensity(self) -> Intensity | None:
        """Return the window that the network sees; None for what the model is used to."""
        if self._layer is None or self.choice.is_whole() or self.acts_on.currentText() == _VIEW:
            return None
        limits = self.choice.limits()
        if limits is None:
            return shown_window(self._layer)
        return Intensity(kind="window", low=limits[0], high=limits[1])

    def _on_chosen(self) -> None:
        if self._layer is not None and self.acts_on.currentText() != _NETWORK and not self.choice.is_own():
            show_window(self._layer, self.choice.wanted(self._layer))
        self._rest.stop()
        self.changed.emit()

    def _on_typed(self, low: float, high: float) -> None:
        """Show a window of a person's own, and have the network see it, unless the view alone is meant."""
        if self._layer is None:
            return
        self.choice.choose(_AS_SHOWN)
        if self.acts_on.currentText() == _NETWORK:
            self.acts_on.setCurrentText(_BOTH)
        show_window(self._layer, (low, high))

    def _on_limits(self) -> None:
        """Take contrast limits that a person set by hand for a window of their own."""
        if self._layer is None:
            return
        preset = self.choice.limits()
        both = self.acts_on.currentText() == _BOTH
        if both and preset is not None and not same_limits(preset, shown_limits(self._layer)):
            self.choice.choose(_AS_SHOWN)
        self.choice.show_numbers(self._layer)
        if self.choice.is_own():
            self._rest.start()
