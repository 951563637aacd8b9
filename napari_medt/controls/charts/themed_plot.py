"""A chart whose axes and colours follow the theme of the window that it lies in."""

from __future__ import annotations

from typing import Any

import pyqtgraph
from qtpy.QtCore import QEvent, Signal
from qtpy.QtWidgets import QWidget

from napari_medt.controls.charts.contrast import readable

__all__ = ["ThemedPlot"]

_AXES = "#969696"
_CHANGES = (QEvent.Type.PaletteChange, QEvent.Type.StyleChange)


class ThemedPlot(pyqtgraph.PlotWidget):
    """A plot on the ground of its window; importing this file takes half a second.

    Parameters
    ----------
    height
        Of the plot (px).
    parent
        Parent widget.
    """

    themed = Signal()  #: the ground is another one: what is drawn needs its colours again

    _ground = ""  # also while the base class, which may ask, is being made

    def __init__(self, height: int, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent, background=None)
        self.setFixedHeight(height)
        self._ground = self.ground()
        self._colour_axes()

    def ground(self) -> str:
        """Return the colour of what is behind the chart, such as ``"#23242b"``."""
        return str(self.palette().window().color().name())

    def colour(self, wanted: str) -> str:
        """Return a colour in the shade that can be read on this chart and in words beside it."""
        return readable(wanted, self.ground())

    def changeEvent(self, event: Any) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if self._ground and event.type() in _CHANGES and self.ground() != self._ground:
            self._ground = self.ground()
            self.resetCachedContent()  # Qt keeps a picture of the ground
            self._colour_axes()
            self.themed.emit()

    def _colour_axes(self) -> None:
        for place in ("left", "bottom"):
            self.getAxis(place).setPen(self.colour(_AXES))
            self.getAxis(place).setTextPen(self.colour(_AXES))
