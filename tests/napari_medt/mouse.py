"""A mouse and a keyboard for tests: real events, sent to the canvas of a real viewer."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QKeyEvent, QMouseEvent
from qtpy.QtWidgets import QApplication

NONE = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton


class Mouse:
    """Moves and clicks over a viewer's canvas, at places given in the world."""

    def __init__(self, viewer):
        self.viewer = viewer
        self.canvas = viewer.window._qt_viewer.canvas.native
        viewer.fit_to_view()

    def pixel(self, world):
        """Canvas pixel that shows a place."""
        camera = self.viewer.scene.camera
        size = np.array([self.canvas.height(), self.canvas.width()])
        row, column = (np.asarray(world)[-2:] - np.asarray(camera.center)[-2:]) * camera.zoom + size / 2
        return QPointF(column, row)

    def send(self, kind, at, buttons=Qt.MouseButton.NoButton, button=LEFT, held=NONE):
        button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else button
        event = QMouseEvent(kind, at, QPointF(self.canvas.mapToGlobal(at.toPoint())), button, buttons, held)
        QApplication.sendEvent(self.canvas, event)

    def move(self, world):
        self.send(QEvent.Type.MouseMove, self.pixel(world))

    def drag(self, start, *through, button=LEFT, held=NONE):
        self.send(QEvent.Type.MouseButtonPress, self.pixel(start), button, button, held)
        for place in through:
            self.send(QEvent.Type.MouseMove, self.pixel(place), button, button, held)
        self.send(QEvent.Type.MouseButtonRelease, self.pixel(through[-1]), button=button, held=held)

    def click(self, world, button=LEFT, held=NONE):
        self.send(QEvent.Type.MouseButtonPress, self.pixel(world), button, button, held)
        self.send(QEvent.Type.MouseButtonRelease, self.pixel(world), button=button, held=held)


def press_key(widget, key, held=NONE):
    """Press and release a key while a widget has the focus, as Qt does: first it asks who wants it as a shortcut."""
    for kind in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
        QApplication.sendEvent(widget, QKeyEvent(kind, key, held))
