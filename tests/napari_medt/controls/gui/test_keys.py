"""Keys wherever the focus is in a window, except where a person types."""

from __future__ import annotations

import pytest
from mouse import CONTROL, SHIFT, press_key
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QApplication, QComboBox, QDockWidget, QLineEdit, QMainWindow, QPushButton, QSpinBox, QWidget

from napari_medt.controls.keys import ClickKeys


@pytest.fixture
def window(qtbot):
    """A window with a dock, what is pressed in it, and the keys that are caught there."""
    window, done = QMainWindow(), []
    qtbot.addWidget(window)
    window.setCentralWidget(QWidget())
    dock, widget = QDockWidget(window), QWidget()
    dock.setWidget(widget)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
    does = {"A": lambda: done.append("accept"), "Shift+Z, Plus, Shift+Plus": lambda: done.append("more")}
    keys = ClickKeys(widget, does)
    keys.switch(True)
    yield window, widget, keys, done
    keys.switch(False)


def test_keys_do_what_they_are_for_with_exactly_their_modifiers(window):
    main, _, _, done = window
    for key, held, expected in (
        (Qt.Key.Key_A, Qt.KeyboardModifier.NoModifier, ["accept"]),
        (Qt.Key.Key_A, SHIFT, []),
        (Qt.Key.Key_A, CONTROL, []),
        (Qt.Key.Key_Z, SHIFT, ["more"]),
        (Qt.Key.Key_Z, Qt.KeyboardModifier.NoModifier, []),
        (Qt.Key.Key_Plus, SHIFT, ["more"]),
        (Qt.Key.Key_Plus, Qt.KeyboardModifier.NoModifier, ["more"]),
        (Qt.Key.Key_B, Qt.KeyboardModifier.NoModifier, []),
    ):
        done.clear()
        press_key(main.centralWidget(), key, held)
        assert done == expected, (key, held)


def test_a_held_key_counts_once_and_a_caught_one_reaches_nobody_else(window):
    main, _, _, done = window
    button = QPushButton(main)
    for repeated in (False, True, True):
        event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_A, Qt.KeyboardModifier.NoModifier, "a", repeated)
        event.ignore()
        assert QApplication.sendEvent(button, event)
        assert event.isAccepted()
    assert done == ["accept"]


def test_where_a_person_types_a_key_is_a_letter(window):
    main, _, _, done = window
    editable = QComboBox(main)
    editable.setEditable(True)
    line = QLineEdit(main)
    for field in (line, QSpinBox(main), editable):
        event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_A, Qt.KeyboardModifier.NoModifier, "a")
        QApplication.sendEvent(field, event)
    assert line.text() == "a"
    assert done == []
    listed = QComboBox(main)
    press_key(listed, Qt.Key.Key_A)
    assert done == ["accept"]


def test_other_windows_and_rest_and_off_leave_keys_alone_but_the_space_bar_moves_the_view(window, qtbot):
    main, _, keys, done = window
    held = []
    keys.space.connect(held.append)
    other = QMainWindow()
    qtbot.addWidget(other)
    press_key(other, Qt.Key.Key_A)
    keys.resting = True
    press_key(main, Qt.Key.Key_A)
    press_key(main, Qt.Key.Key_Space)
    assert (done, held) == ([], [True, False])
    keys.resting = False
    keys.switch(False)
    press_key(main, Qt.Key.Key_A)
    press_key(main, Qt.Key.Key_Space)
    assert (done, held) == ([], [True, False])


def test_a_dock_that_floats_still_catches_the_keys_of_its_window(window):
    main, widget, _, done = window
    widget.parentWidget().setFloating(True)
    press_key(main.centralWidget(), Qt.Key.Key_A)
    press_key(widget, Qt.Key.Key_A)
    assert done == ["accept"] * 2
