"""Saying of what class an object is: what is offered, and what is told."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QAbstractButton

from napari_medt.classifying.panels.class_panel import ClassPanel


@pytest.fixture
def panel(qtbot):
    made = ClassPanel()
    qtbot.addWidget(made)
    made.told = []
    made.given.connect(made.told.append)
    made.set_classes(("round", "long & thin"))
    made.set_ready(True, can_be_on=True)
    made.show()
    return made


def test_classes_are_buttons_with_their_keys_once_an_object_is_chosen(panel):
    assert [button.text() for button in panel.buttons] == ["1  round", "2  long && thin"]
    assert not any(button.isEnabled() for button in panel.buttons)
    panel.press(1)
    assert panel.told == []
    panel.show_object("Object 7", "round")
    assert panel.words.text() == "Object 7: round. What is it really?"
    assert panel.buttons[0].font().bold()
    panel.press(1)
    panel.press(5)  # there is no such class
    assert panel.told == ["long & thin"]


def test_fewer_classes_than_before_leave_no_buttons_behind(panel):
    panel.set_classes([f"class {place}" for place in range(11)])
    assert panel.buttons[8].text().startswith("9  ")
    assert panel.buttons[9].text() == "class 9"
    panel.set_classes(("one",))
    assert [button.isHidden() for button in panel.buttons[:3]] == [False, True, True]


def test_a_typed_class_is_told_without_spaces_around_it(panel):
    panel.new.setText("  ring form ")
    panel.add.click()
    panel.add.click()  # nothing is typed now
    assert panel.told == ["ring form"]
    assert panel.new.text() == ""


def test_why_clicks_do_not_count_is_said(panel):
    panel.set_on(False, "A brush is active: clicks paint.")
    assert panel.words.text() == "A brush is active: clicks paint."
    panel.set_on(True)
    assert panel.words.text().startswith("Click an object in the image")
    assert "switch it off" in panel.on.text()


def test_without_labels_there_is_nothing_to_click_on(panel):
    panel.set_ready(True, can_be_on=False)
    assert panel.on.isHidden()
    assert panel.next.isHidden()
    panel.set_ready(False, can_be_on=False)
    assert not panel.on.isEnabled()


def test_every_button_says_what_it_does(panel):
    assert all(button.toolTip() for button in panel.findChildren(QAbstractButton))
