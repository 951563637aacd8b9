"""A list of labels that lie on an image, to choose one."""

from __future__ import annotations

from collections.abc import Sequence

import napari.layers
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QWidget

__all__ = ["LabelsCombo"]


class LabelsCombo(QComboBox):
    """Labels, below an entry for none.

    Parameters
    ----------
    none
        What that entry says.
    parent
        Parent widget.
    """

    layer_changed = Signal()  #: a person chose others

    def __init__(self, none: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._none = none
        self._layers: list[napari.layers.Labels] = []
        self.setAccessibleName("Labels")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(10)
        self.currentIndexChanged.connect(self.layer_changed)
        self.offer([], None)

    def layer(self) -> napari.layers.Labels | None:
        """Return the chosen labels."""
        index = self.currentIndex() - 1
        return self._layers[index] if 0 <= index < len(self._layers) else None

    def layers(self) -> list[napari.layers.Labels]:
        """Return the labels that are listed."""
        return list(self._layers)

    def offer(self, layers: Sequence[napari.layers.Labels], chosen: napari.layers.Labels | None) -> None:
        """List labels, and choose some of them without telling."""
        self._layers = list(layers)
        with QSignalBlocker(self):
            self.clear()
            self.addItem(self._none)
            self.addItems([layer.name for layer in self._layers])
            self.setCurrentIndex(self._layers.index(chosen) + 1 if chosen in self._layers else 0)
