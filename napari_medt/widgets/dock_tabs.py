"""The plugin's docks share one place as tabs: below each other, none of them would have room."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

__all__ = ["DockTabs"]


class DockTabs(QObject):
    """Puts a widget's dock as a tab onto another dock of the plugin, once, when the widget is first seen.

    Docks on another side of the window and floating ones are left where they are, and so is each that a person pulls
    off its tabs later.

    Parameters
    ----------
    widget
        The widget.
    """

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        self._placed = QTimer(self, singleShot=True, interval=0)  # by then napari has placed the dock
        self._placed.timeout.connect(self._join)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Wait for the widget to be seen; nothing is taken from it."""
        if event is not None and event.type() == QEvent.Type.Show:
            self._widget.removeEventFilter(self)
            self._placed.start()
        return False

    def _join(self) -> None:
        own, window = _above(self._widget, QDockWidget), _above(self._widget, QMainWindow)
        if own is None or window is None or own.isFloating():
            return
        for dock in window.findChildren(QDockWidget):
            if dock is own or dock.isFloating() or dock.findChild(DockTabs) is None:
                continue
            if window.dockWidgetArea(dock) == window.dockWidgetArea(own):
                window.tabifyDockWidget(dock, own)
                own.show()
                own.raise_()
                return


def _above(widget: QWidget, kind: type[QWidget]) -> QWidget | None:
    """Return the nearest parent of a kind."""
    found = widget.parentWidget()
    while found is not None and not isinstance(found, kind):
        found = found.parentWidget()
    return found
