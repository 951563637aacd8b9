"""Keys that work wherever the focus is in a viewer's window, except where a person types text."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QMainWindow,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

__all__ = ["ClickKeys"]

_TYPING = (QLineEdit, QTextEdit, QPlainTextEdit, QAbstractSpinBox)
_KEYS = {
    "A": Qt.Key.Key_A,
    "Z": Qt.Key.Key_Z,
    "R": Qt.Key.Key_R,
    "X": Qt.Key.Key_X,
    "N": Qt.Key.Key_N,
    "M": Qt.Key.Key_M,
    "P": Qt.Key.Key_P,
    "V": Qt.Key.Key_V,
    "B": Qt.Key.Key_B,
    "E": Qt.Key.Key_E,
    "Plus": Qt.Key.Key_Plus,
    "Equal": Qt.Key.Key_Equal,  # where a keyboard has the plus above it
    "Minus": Qt.Key.Key_Minus,
    **{str(digit): getattr(Qt.Key, f"Key_{digit}") for digit in range(1, 10)},
}


class ClickKeys(QObject):
    """Catches keys before napari gives them to the active layer, whose own meaning they have again when switched off.

    Parameters
    ----------
    widget
        A widget of the window, docked or afloat.
    does
        What is done at keys, such as ``"A"`` and ``"Shift+Z"``; several with commas between them.
    """

    space = Signal(bool)  #: the space bar is held, or was let go

    _on = False  # also when Python has cleared this, and Qt, which asks it still, has not

    def __init__(self, widget: QWidget, does: Mapping[str, Callable[[], object]]) -> None:
        super().__init__(widget)
        self._widget = widget
        self._does = {_parsed(key): act for keys, act in does.items() for key in keys.split(", ")}
        self.resting = False  # all but the space bar is napari's

    def switch(self, on: bool) -> None:
        """Start or stop catching."""
        application = QApplication.instance()
        if on == self._on or application is None:
            return
        self._on = on
        if on:
            application.installEventFilter(self)
        else:
            application.removeEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Take the keys that are meant, and leave everything else alone."""
        if event is None or not self._on or not isinstance(watched, QWidget):
            return False
        kind = event.type()
        if kind not in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease, QEvent.Type.ShortcutOverride):
            return False
        if not self._is_meant(watched):
            return False
        if event.key() == Qt.Key.Key_Space:
            if kind != QEvent.Type.ShortcutOverride and not event.isAutoRepeat():
                self.space.emit(kind == QEvent.Type.KeyPress)
            return False
        act = self._does.get((event.key(), _modifiers(event)))
        if act is None or self.resting or kind == QEvent.Type.KeyRelease:
            return False
        event.accept()
        if kind == QEvent.Type.KeyPress and not event.isAutoRepeat():
            act()
        return True

    def _is_meant(self, watched: QWidget) -> bool:
        typing = isinstance(watched, _TYPING) or (isinstance(watched, QComboBox) and watched.isEditable())
        return not typing and _main_window(watched) is _main_window(self._widget)


def _modifiers(event: object) -> int:
    kept = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier
    kept |= Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
    held = event.modifiers() & kept  # type: ignore[attr-defined]
    return int(getattr(held, "value", held))


def _parsed(key: str) -> tuple[int, int]:
    *held, letter = key.split("+")
    shift = Qt.KeyboardModifier.ShiftModifier if "Shift" in held else Qt.KeyboardModifier.NoModifier
    return _KEYS[letter], int(getattr(shift, "value", shift))


def _main_window(widget: QWidget) -> QWidget | None:
    found: QWidget | None = widget
    while found is not None and not isinstance(found, QMainWindow):
        found = found.parentWidget()
    return found
