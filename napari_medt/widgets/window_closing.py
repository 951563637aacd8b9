"""Tells when the window that a widget is docked in closes: napari tells a widget only when its dock is closed."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Signal
from qtpy.QtWidgets import QMainWindow, QWidget

__all__ = ["WindowClosing"]


class WindowClosing(QObject):
    """Watches the window of a widget, once that is in one.

    A window that was asked to close and refused does not count: it is closed when it is hidden after it was asked.

    Parameters
    ----------
    widget
        The widget.
    """

    closed = Signal()  #: the window is closed, and the widget is about to be deleted

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        self._window: QWidget | None = None
        self._asked = False
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Look at what happens to the window; nothing is taken from it."""
        if event is None:
            return False
        if watched is self._widget:
            if event.type() == QEvent.Type.Show and self._window is None:
                self._watch()
        elif event.type() == QEvent.Type.Close:
            self._asked = True
        elif event.type() == QEvent.Type.Hide and self._asked:
            self._asked = False
            self.closed.emit()
        elif event.type() == QEvent.Type.Show:
            self._asked = False
        return False

    def _watch(self) -> None:
        found: QWidget | None = self._widget
        while found is not None and not isinstance(found, QMainWindow):
            found = found.parentWidget()
        if found is not None:
            self._window = found
            found.installEventFilter(self)
