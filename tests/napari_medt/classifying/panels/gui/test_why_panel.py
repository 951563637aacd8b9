"""Why this class: which class is asked about."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QAbstractButton, QComboBox

from napari_medt.classifying.panels.why_panel import WhyPanel


@pytest.fixture
def panel(qtbot):
    made = WhyPanel()
    qtbot.addWidget(made)
    return made


def test_the_class_of_the_object_is_asked_about_unless_a_person_chooses_another(panel):
    assert not panel.isEnabled()
    panel.set_classes(("round", "long"))
    assert panel.isEnabled()
    assert panel.asked_class("long") == "long"
    panel.asked.setCurrentIndex(panel.asked.findData("round"))
    assert panel.asked_class("long") == "round"
    panel.set_classes(("long", "round", "odd"))
    assert panel.asked_class("long") == "round"  # a choice outlives another model that knows it
    panel.set_classes(("odd",))
    assert panel.asked_class("long") == "long"


def test_every_control_says_what_it_does(panel):
    assert all(control.toolTip() for control in panel.findChildren((QAbstractButton, QComboBox)))
