"""What a person corrects in tests of the widget "Correct and learn": three discs, and how to wait for the widget."""

from __future__ import annotations

import time

import numpy as np
from qtpy.QtWidgets import QApplication

from src_models.corrections.correction_set import CorrectionSet

SHAPE = (96, 128)
PLACED = {"scale": (3, 0.5, 2.0), "translate": (0, 4, -3)}


def disc(y, x, radius, shape=SHAPE):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


LEFT, RIGHT, LOW = disc(28, 30, 11), disc(30, 95, 13), disc(70, 60, 12)
IMAGE = (200.0 * (LEFT | RIGHT | LOW) + 20 + np.random.default_rng(1).normal(0, 4, SHAPE)).astype(np.float32)
STACK = np.stack([IMAGE, IMAGE[::-1], IMAGE[:, ::-1], *[np.full_like(IMAGE, 20)] * 3])  # 3 slices would be colours


def settle(qtbot, widget):
    """Wait until everything that was asked for is done and shown, but for learning."""
    qtbot.waitUntil(lambda: widget.context.work.untold == 0 and not widget.context.run.running, timeout=60_000)
    qtbot.waitUntil(lambda: not widget.marking.changes.busy, timeout=90_000)
    QApplication.processEvents()


def finish(qtbot, widget):
    qtbot.waitUntil(lambda: not widget.rounds.running, timeout=60_000)
    settle(qtbot, widget)


def labels_of(viewer):
    return next(layer for layer in viewer.layers if layer.name.endswith("- to correct"))


def layer_of(viewer, word):
    return next((layer for layer in viewer.layers if f"- {word}" in layer.name), None)


def mend(widget, plane=()):
    """Paint the truth into the plane, as a person would, with napari's undo."""
    labels = widget.marking.labels()
    truth = (LEFT | RIGHT | LOW).astype(int)
    for value in (0, 1):
        places = np.nonzero(truth == value)
        labels.data_setitem((*(np.full(len(places[0]), at) for at in plane), *places), value)


def kept(folder):
    return list(CorrectionSet.open(folder).corrections())


def follow(widget):
    """Wait until the outline of changes has followed."""
    end = time.monotonic() + 30
    while widget.marking.changes.busy and time.monotonic() < end:
        QApplication.processEvents()
    QApplication.processEvents()
