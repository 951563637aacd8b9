"""Tells when a docked widget is to end its work: napari does not tell a widget that its dock, or the window, closes."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Signal
from qtpy.QtWidgets import QMainWindow, QWidget

__all__ = ["DockClosing"]


class DockClosing(QObject):
    """Watches a widget and, once that is in one, its window.

    A window that was asked to close and refused does not count: it is closed when it is hidden after it was asked.

    Parameters
    ----------
    widget
        The widget.
    """

    closed = Signal(bool)  #: told once; whether the viewer stays open: only the dock was closed

    _widget: QWidget | None = None  # also when Python has cleared this, and Qt, which asks it still, has not

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        self._window: QWidget | None = None
        self._asked = False
        self._told = False
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Look at what happens to the widget and its window; nothing is taken from them."""
        if event is None or self._widget is None:
            return False
        if watched is self._widget:
            if event.type() == QEvent.Type.Show and self._window is None:
                self._watch()
            elif event.type() == QEvent.Type.ParentChange and not self._docked:
                self._tell(True)
        elif event.type() == QEvent.Type.Close:
            self._asked = True
        elif event.type() == QEvent.Type.Hide and self._asked:
            self._asked = False
            self._tell(False)
        elif event.type() == QEvent.Type.Show:
            self._asked = False
        return False

    @property
    def _docked(self) -> bool:
        """Whether the widget is in a dock: napari takes it out of it when that is closed."""
        return self._widget is not None and self._widget.parent() is not None

    def _tell(self, stays: bool) -> None:
        if not self._told:
            self._told = True
            self.closed.emit(stays)

    def _watch(self) -> None:
        found = self._widget
        while found is not None and not isinstance(found, QMainWindow):
            found = found.parentWidget()
        if found is not None:
            self._window = found
            found.installEventFilter(self)
