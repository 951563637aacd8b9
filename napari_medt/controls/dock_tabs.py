"""The plugin's docks share one place as tabs: below each other, none of them would have room."""

from __future__ import annotations

from typing import TypeVar

from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

__all__ = ["DockTabs"]

# Marks a dock of ours. To search docks for objects of a class of Python's lets PyQt6 crash when the process ends.
_OURS = "napari_medt_dock"

_Parent = TypeVar("_Parent", bound=QWidget)


class DockTabs(QObject):
    """Puts a widget's dock as a tab onto another dock of the plugin, once, when the widget is first seen.

    Docks on another side of the window and floating ones are left where they are, and so is each that a person pulls
    off its tabs later. Choosing a widget in napari's menu brings its tab to the front: napari alone would hide a tab
    that lies behind another, and show one that was hidden behind it.

    Parameters
    ----------
    widget
        The widget.
    """

    _widget: QWidget | None = None  # also when Python has cleared this, and Qt, which asks it still, has not

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        self._in_front = True
        self._hidden = False
        self._joining = self._after(self._join)  # by then napari has placed the dock
        self._raising = self._after(self._raise)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Look at what happens to the widget, then to its dock; nothing is taken from them."""
        if event is None or watched is None or self._widget is None:
            return False
        if watched is self._widget:
            if event.type() == QEvent.Type.Show:
                watched.removeEventFilter(self)
                self._joining.start()
        elif event.type() == QEvent.Type.Hide and isinstance(watched, QDockWidget) and watched.isHidden():
            self._hidden = self._in_front
            if not self._in_front:
                self._raising.start()
        elif event.type() == QEvent.Type.Show and self._hidden:
            self._hidden = False
            self._raising.start()
        return False

    def _after(self, do: object) -> QTimer:
        """Return a timer that does something as soon as Qt has come to rest."""
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.timeout.connect(do)
        return timer

    def _join(self) -> None:
        own, window = _above(self._widget, QDockWidget), _above(self._widget, QMainWindow)
        if own is None or window is None:
            return
        own.visibilityChanged.connect(self._note)
        own.installEventFilter(self)
        own.setProperty(_OURS, True)
        area = window.dockWidgetArea(own)
        for dock in window.findChildren(QDockWidget):
            ours = dock is not own and bool(dock.property(_OURS))
            if ours and not own.isFloating() and not dock.isFloating() and window.dockWidgetArea(dock) == area:
                window.tabifyDockWidget(dock, own)
                self._raise()
                return

    def _note(self, visible: bool) -> None:
        self._in_front = visible

    def _raise(self) -> None:
        own = _above(self._widget, QDockWidget)
        if own is not None and _above(own, QMainWindow) is not None:  # else napari has closed it
            own.show()
            own.raise_()


def _above(widget: QWidget | None, kind: type[_Parent]) -> _Parent | None:
    """Return the nearest parent of a kind."""
    found = None if widget is None else widget.parentWidget()
    while found is not None and not isinstance(found, kind):
        found = found.parentWidget()
    return found
