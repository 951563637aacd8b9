"""Bright and dark discs, and what tests of the widget Classify do with them."""

from __future__ import annotations

import numpy as np
from qtpy.QtWidgets import QApplication

CLASSES = ("dark", "bright")
SHAPE = (60, 90)
PLACES = {3: (12, 15, 0.85), 5: (30, 45, 0.25), 8: (45, 20, 0.8), 11: (15, 70, 0.2), 20: (44, 74, 0.9)}
BRIGHT = {number: grey > 0.5 for number, (_, _, grey) in PLACES.items()}

IMAGE = np.zeros(SHAPE, np.float32)
LABELS = np.zeros(SHAPE, np.int32)
_rows, _columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
for _number, (_y, _x, _grey) in PLACES.items():
    _inside = np.hypot(_rows - _y, _columns - _x) < 5
    IMAGE[_inside], LABELS[_inside] = _grey, _number


def class_of(number):
    return CLASSES[BRIGHT[number]]


def settle(qtbot, widget):
    """Wait until everything that was asked for is answered and shown."""
    qtbot.waitUntil(lambda: widget.rounds.work.untold == 0 and not widget.run.running, timeout=60_000)
    QApplication.processEvents()
