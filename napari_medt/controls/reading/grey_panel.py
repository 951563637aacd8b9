"""Which grey values of an image count for a network: chosen for its layer, and alike in every widget."""

from __future__ import annotations

import napari.layers
import numpy as np
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QVBoxLayout, QWidget

from napari_medt.controls.layer_combo import ImageLayerCombo
from napari_medt.viewer.reading import AS_SHOWN, GreyChoice, choose_grey, chosen_grey
from src_models.images.grey.grey_range import GreyRange

__all__ = ["GreyPanel"]

_AUTOMATIC, _SHOWN, _PERCENTILES, _VALUES = "automatic", "as shown (contrast limits)", "percentiles", "by hand"
_USUAL = GreyRange(0.5, 99.8, percentiles=True)
_LARGEST = 1e12


class GreyPanel(QWidget):
    """A list of ways, and below it the two numbers where a way needs them.

    Parameters
    ----------
    images
        Where the layer is chosen.
    parent
        Parent widget.
    """

    chosen = Signal()  #: a person chose

    def __init__(self, images: ImageLayerCombo, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._images = images
        self.way = QComboBox()
        self.low, self.high = QDoubleSpinBox(), QDoubleSpinBox()
        self._numbers = QWidget()
        self._build()
        self.way.activated.connect(self._on_way)
        for box in (self.low, self.high):
            box.editingFinished.connect(self._on_numbers)
        images.layer_changed.connect(self.show_choice)
        self.show_choice()

    def choose(self, choice: GreyChoice) -> None:
        """Choose for the image, as a person would."""
        layer = self._images.layer()
        if layer is not None and choice != chosen_grey(layer):
            choose_grey(layer, choice)
            self.chosen.emit()

    def show_choice(self) -> None:
        """Show what was chosen for the image, and offer what it has."""
        layer = self._images.layer()
        choice = None if layer is None else chosen_grey(layer)
        ways = [_AUTOMATIC, _PERCENTILES, _VALUES]
        if layer is not None and not layer.rgb:  # colours are shown as they are, without limits
            ways.insert(1, _SHOWN)
        with QSignalBlocker(self.way), QSignalBlocker(self.low), QSignalBlocker(self.high):
            self.way.clear()
            self.way.addItems(ways)
            self.way.setCurrentText(_way_of(choice))
            if isinstance(choice, GreyRange):
                self._show_numbers(choice)
        self._numbers.setVisible(isinstance(choice, GreyRange))
        self.setEnabled(layer is not None)

    def _show_numbers(self, choice: GreyRange) -> None:
        least, most = (0.0, 100.0) if choice.percentiles else (-_LARGEST, _LARGEST)
        fine = choice.percentiles or choice.high - choice.low < 100
        for box, value in ((self.low, choice.low), (self.high, choice.high)):
            box.setDecimals(2 if fine else 0)
            box.setRange(least, most)
            box.setSuffix(" %" if choice.percentiles else "")
            box.setValue(value)

    def _on_way(self) -> None:
        way, layer = self.way.currentText(), self._images.layer()
        if layer is None:
            return
        choices: dict[str, GreyChoice] = {_AUTOMATIC: None, _SHOWN: AS_SHOWN, _PERCENTILES: _USUAL}
        self.choose(choices[way] if way in choices else _values_of(layer))

    def _on_numbers(self) -> None:
        low, high = self.low.value(), self.high.value()
        if low >= high:  # a person is not there yet; what counted still does
            self.show_choice()
            return
        self.choose(GreyRange(low, high, percentiles=self.way.currentText() == _PERCENTILES))

    def _build(self) -> None:
        row = QHBoxLayout(self._numbers)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.low, 1)
        row.addWidget(self.high, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.way)
        column.addWidget(self._numbers)
        self.way.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.way.setMinimumContentsLength(12)
        self.way.setToolTip(
            "Which grey values the network tells apart; what is darker or brighter counts as the ends. Automatic is "
            "what the model learnt with, and leaves out specks far brighter than all else. Try another way where "
            "something very bright hides the rest. It counts for this image in the other widgets, too."
        )
        self.way.setAccessibleName("Grey values")
        self.low.setAccessibleName("Black up to")
        self.high.setAccessibleName("White from")
        self.low.setToolTip("Grey values up to this are all black to the network.")
        self.high.setToolTip("Grey values from this on are all white to the network.")


def _way_of(choice: GreyChoice) -> str:
    if choice is None:
        return _AUTOMATIC
    if not isinstance(choice, GreyRange):
        return _SHOWN
    return _PERCENTILES if choice.percentiles else _VALUES


def _values_of(layer: napari.layers.Image) -> GreyRange:
    """Return values to begin with: those that are shown."""
    low, high = (float(limit) for limit in layer.contrast_limits)
    return GreyRange(low, high) if low < high else GreyRange(low, float(np.nextafter(low, np.inf)) + 1.0)
