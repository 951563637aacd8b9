"""A small square of a class's colour, for lists and buttons."""

from __future__ import annotations

from qtpy.QtGui import QColor, QIcon, QPixmap

__all__ = ["swatch"]

_SIZE = 12  # px


def swatch(colour: str) -> QIcon:
    """Return a small square of a colour."""
    pixels = QPixmap(_SIZE, _SIZE)
    pixels.fill(QColor(colour))
    icon = QIcon(pixels)
    icon.addPixmap(pixels, QIcon.Mode.Selected)  # else a chosen row would tint it
    return icon
