"""The button, the mouse and the keys go together, and give way to a tool in hand."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QPushButton

from napari_medt.clicking.switch import ClickSwitch


class Switched(QObject):
    """A mouse, or keys, that remember whether they are on."""

    lost = Signal()
    tool_in_hand = Signal(object)

    def __init__(self):
        super().__init__()
        self.on, self.resting = False, False

    def switch(self, on):
        self.on = on


@pytest.fixture
def parts(qtbot):
    button = QPushButton()
    button.setCheckable(True)
    qtbot.addWidget(button)
    said = []
    controls = SimpleNamespace(on=button, set_on=lambda on, why_not="": said.append((on, why_not)))
    mouse, keys = Switched(), Switched()
    switch = ClickSwitch(controls, mouse, keys)
    return SimpleNamespace(button=button, mouse=mouse, keys=keys, said=said, switch=switch)


def test_pressing_the_button_takes_mouse_and_keys_and_gives_them_back(parts):
    parts.button.click()
    assert (parts.mouse.on, parts.keys.on, parts.said[-1][0]) == (True, True, True)
    parts.button.click()
    assert (parts.mouse.on, parts.keys.on) == (False, False)
    assert parts.said[-1] == (False, "Clicks are napari's again. Press the button above to click on objects.")


def test_while_a_tool_is_in_hand_keys_rest_and_the_button_is_up(parts):
    parts.button.click()
    parts.mouse.tool_in_hand.emit("paint")
    assert parts.keys.resting
    assert parts.keys.on  # a held space bar still moves the view
    assert not parts.button.isChecked()
    assert parts.said[-1][1].startswith("A brush is active: clicks paint. Press the button above to put it down")
    parts.mouse.tool_in_hand.emit(None)
    assert not parts.keys.resting
    assert parts.button.isChecked()
    assert parts.said[-1][0]


def test_a_button_pressed_while_a_tool_is_in_hand_puts_it_down(parts):
    parts.button.click()
    parts.mouse.tool_in_hand.emit("erase")
    parts.button.click()
    assert (parts.mouse.on, parts.keys.resting, parts.button.isChecked()) == (True, False, True)


def test_another_tool_that_takes_the_mouse_has_the_keys_too(parts):
    parts.button.click()
    parts.mouse.lost.emit()
    assert not parts.keys.on
    assert not parts.button.isChecked()
    assert parts.said[-1][1].startswith("Another tool of this plugin has the mouse now.")
