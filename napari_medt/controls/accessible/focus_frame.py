"""A frame around the control that the keyboard acts on; napari's style shows none."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QApplication, QWidget

__all__ = ["FocusFrame", "FocusFrames"]

_WIDTH = 2  # px


class FocusFrames(QObject):
    """Frame each control inside a widget that the Tab key, or a program, gives the focus; a click needs no frame.

    Parameters
    ----------
    inside
        The widget whose controls are framed.
    """

    _inside: QWidget | None = None  # also when Python has cleared this, and Qt, which tells it still, has not

    def __init__(self, inside: QWidget) -> None:
        super().__init__(inside)
        self._inside = inside
        QApplication.instance().focusChanged.connect(self._on_focus)

    def _on_focus(self, _before: QWidget | None, now: QWidget | None) -> None:
        clicked = QApplication.mouseButtons() != Qt.MouseButton.NoButton
        if now is not None and not clicked and self._inside is not None and self._inside.isAncestorOf(now):
            FocusFrame(now)


class FocusFrame(QWidget):
    """A frame that lies on a control until that loses the focus.

    Parameters
    ----------
    control
        What is framed.
    """

    def __init__(self, control: QWidget) -> None:
        super().__init__(control)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setGeometry(control.rect())
        control.installEventFilter(self)
        self.show()
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the frame in the colour of words, which can be read on the window in every theme."""
        painter = QPainter(self)
        painter.setPen(QPen(self.palette().windowText().color(), _WIDTH))
        painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
        painter.end()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay as large as the control, and go when it loses the focus."""
        if watched is self.parent():
            if event.type() == QEvent.Type.Resize:
                self.setGeometry(self.parentWidget().rect())
            elif event.type() == QEvent.Type.FocusOut:
                self.hide()
                self.deleteLater()
        return False
