"""A small square of a class's colour, for lists and buttons."""

from __future__ import annotations

from qtpy.QtGui import QColor, QIcon, QPainter, QPixmap

from napari_medt.controls.charts.contrast import FRAME

__all__ = ["swatch"]

_SIZE = 12  # px
_RATIOS = (1, 2)  # pixels of a screen to one of these


def swatch(colour: str) -> QIcon:
    """Return a small square of a colour, in a frame that shows where a pale one ends; sharp on every screen."""
    icon = QIcon()
    for ratio in _RATIOS:
        pixels = QPixmap(_SIZE * ratio, _SIZE * ratio)
        pixels.setDevicePixelRatio(ratio)
        pixels.fill(QColor(FRAME))
        painter = QPainter(pixels)
        painter.fillRect(1, 1, _SIZE - 2, _SIZE - 2, QColor(colour))
        painter.end()
        for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):  # else a chosen row would tint it
            icon.addPixmap(pixels, mode)
    return icon
