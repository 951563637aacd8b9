"""A window of the Hounsfield scale by its name, or by level and width."""

from __future__ import annotations

import napari.layers
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QVBoxLayout, QWidget

from napari_medt.viewer.ct_layer import Limits, same_limits, shown_limits, windows_for

__all__ = ["WindowChoice"]

_LARGEST = 1e6


class WindowChoice(QWidget):
    """A list of windows, and below it level and width of what a layer shows, which can be typed.

    It changes no layer: who has it does what is chosen.

    Parameters
    ----------
    own
        What stands in the list for whatever the layer shows.
    whole
        What stands in the list for all values of the layer.
    parent
        Parent widget.
    """

    named = Signal()  #: a person chose from the list
    typed = Signal(float, float)  #: a person gave level and width: the values that are black and white

    def __init__(self, own: str, whole: str = "whole range", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._own, self._whole = own, whole
        self._windows: dict[str, Limits] = {}
        self._shown = 0.0, 0.0  # what the boxes hold, which are rounded
        self.names = QComboBox()
        self.level, self.width = QDoubleSpinBox(), QDoubleSpinBox()
        self._build()
        self.offer(None)
        self.names.activated.connect(self.named)
        for box in (self.level, self.width):
            box.editingFinished.connect(self._on_typed)

    def offer(self, layer: napari.layers.Image | None, *, is_ct: bool = True) -> None:
        """List the windows that there are for a layer; what is chosen stays, if it is among them."""
        chosen = self.names.currentText()
        self._windows = windows_for(layer, is_ct=is_ct)
        with QSignalBlocker(self.names):
            self.names.clear()
            self.names.addItems([self._own, *self._windows, self._whole])
            self.names.setCurrentText(chosen if self.names.findText(chosen) >= 0 else self._own)
        self.show_numbers(layer)

    def name(self) -> str:
        """Return what is chosen in the list."""
        return str(self.names.currentText())

    def choose(self, name: str) -> None:
        """Choose in the list, without telling anybody; what is not in it chooses nothing."""
        self.names.setCurrentText(name)

    def is_own(self) -> bool:
        """Whether whatever the layer shows is meant."""
        return self.name() == self._own

    def is_whole(self) -> bool:
        """Whether all values of the layer are meant."""
        return self.name() == self._whole

    def limits(self) -> Limits | None:
        """Return the window that is chosen; None for what the layer shows, and for all its values."""
        return self._windows.get(self.name())

    def follow(self, layer: napari.layers.Image) -> None:
        """Choose the window that a layer shows, by its name where it has one."""
        shown = shown_limits(layer)
        if self.is_whole() and same_limits(shown, _whole_range(layer)):
            pass  # a window may be as wide as all values
        elif not same_limits(self.limits() or (0.0, 0.0), shown):
            named = [name for name, limits in self._windows.items() if same_limits(limits, shown)]
            self.choose(named[0] if named else self._own)
        self.show_numbers(layer)

    def show_numbers(self, layer: napari.layers.Image | None) -> None:
        """Show level and width of what a layer shows."""
        if layer is None:
            return
        low, high = shown_limits(layer)
        fine = high - low < 10
        for box, value in ((self.level, (low + high) / 2), (self.width, high - low)):
            with QSignalBlocker(box):
                box.setDecimals(3 if fine else 1 if (2 * value) % 2 else 0)
                box.setValue(value)
        self._shown = self.level.value(), self.width.value()

    def wanted(self, layer: napari.layers.Image) -> Limits:
        """Return what a layer is to show for what is chosen in the list."""
        return _whole_range(layer) if self.is_whole() else self.limits() or shown_limits(layer)

    def _on_typed(self) -> None:
        level, width = self.level.value(), self.width.value()
        if (level, width) == self._shown:  # it was looked at, and left
            return
        self._shown = level, width
        self.typed.emit(level - width / 2, level + width / 2)

    def _build(self) -> None:
        row = QHBoxLayout()
        for box, words, least in ((self.level, "level ", -_LARGEST), (self.width, "width ", 0.001)):
            box.setRange(least, _LARGEST)
            box.setPrefix(words)
            box.setKeyboardTracking(False)
            row.addWidget(box, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.names)
        column.addLayout(row)
        self.names.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.names.setMinimumContentsLength(12)
        self.names.setAccessibleName("CT window")
        self.level.setAccessibleName("Level")
        self.width.setAccessibleName("Width")
        self.level.setToolTip("Level: the value (HU) in the middle of what is shown. Type another for your own window.")
        self.width.setToolTip(
            "Width: how many HU there are from black to white. Type another for your own window; less is more contrast."
        )


def _whole_range(layer: napari.layers.Image) -> Limits:
    low, high = layer.contrast_limits_range
    return float(low), float(high)
