"""Images of bright discs, and what tests of the Click widget do with them."""

from __future__ import annotations

import numpy as np
from mouse import press_key
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication


def disc(y, x, radius, shape=(120, 160)):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


SMALL, LARGE, OTHER = disc(30, 40, 9), disc(75, 110, 25), disc(95, 30, 10)
IMAGE = (SMALL | LARGE | OTHER).astype(np.float32)
STACK = np.stack([disc(60, 80, radius).astype(np.float32) for radius in (0, 12, 15, 18, 15, 12, 0)])
STACK[[0, 6]] = 0


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


def settle(qtbot, widget):
    """Wait until everything that was asked for is answered and shown."""
    qtbot.waitUntil(lambda: widget.work.untold == 0, timeout=60_000)
    QApplication.processEvents()


def objects(viewer, name="image"):
    return next(layer for layer in viewer.layers if layer.name.endswith("- objects"))


def key(widget, viewer, letter, held=Qt.KeyboardModifier.NoModifier):
    press_key(viewer.window._qt_viewer.canvas.native, getattr(Qt.Key, f"Key_{letter}"), held)
