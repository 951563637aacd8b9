"""Why this class: what can be asked."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QAbstractButton, QComboBox, QWidget

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
    assert panel.asked("long") == "long"
    panel.classes.setCurrentIndex(panel.classes.findData("round"))
    assert panel.asked("long") == "round"
    panel.set_classes(("long", "round", "odd"))
    assert panel.asked("long") == "round"  # a choice outlives another model that knows it
    panel.set_classes(("odd",))
    assert panel.asked("long") == "long"


def test_every_control_says_what_it_does(panel):
    controls = [each for each in panel.findChildren(QWidget) if isinstance(each, QAbstractButton | QComboBox)]
    assert controls
    assert all(control.toolTip() for control in controls)


def test_what_a_model_has_of_attention_is_offered_in_plain_words(panel):
    panel.set_classes(("round", "long"))
    panel.set_attention({"large window 1.1": 2}, ["large window 1.1 received", "fusion 2 earlier"])
    assert [panel.what.itemData(row) for row in range(panel.what.count())] == ["class relevance", "look", "recorded"]
    assert panel.no_attention.isHidden()
    assert panel.point.isHidden()
    panel.what.setCurrentIndex(1)
    assert not panel.point.isHidden()
    assert panel.asked("long") == "large window 1.1"
    assert panel.views.currentText() == "Stage 1.1, large windows: where it looks from here"
    panel.what.setCurrentIndex(2)
    panel.maps.setCurrentIndex(1)
    assert panel.asked("long") == "fusion 2 earlier"
    assert panel.maps.currentText() == "Stage 2: taken of the stage before"
    panel.set_attention({}, [])  # another model
    assert panel.what.count() == 1
    assert panel.asked("long") == "long"
    assert "no attention" in panel.no_attention.text()
    assert not panel.no_attention.isHidden()


def test_the_heads_of_the_chosen_layer_are_offered_and_their_mean_first(panel):
    panel.set_classes(("round", "long"))
    panel.set_attention({"large window 1.1": 2, "large window 2.1": 4, "layer 1": 1}, [])
    panel.what.setCurrentIndex(panel.what.findData("look"))
    assert panel.head() is None
    assert [panel.heads.itemText(row) for row in range(panel.heads.count())] == ["all 2, their mean", "way 1", "way 2"]
    panel.views.setCurrentIndex(1)
    assert panel.heads.count() == 5
    panel.heads.setCurrentIndex(4)
    assert panel.head() == 3
    panel.views.setCurrentIndex(0)  # which has no fourth one
    assert panel.head() is None
    panel.heads.setCurrentIndex(2)
    panel.views.setCurrentIndex(1)
    assert panel.head() == 1  # a choice outlives another layer that has it
    panel.views.setCurrentIndex(2)
    assert panel.heads.isHidden()
    panel.what.setCurrentIndex(0)
    assert panel.heads.isHidden()


def test_what_is_to_be_checked_is_what_is_chosen(panel):
    panel.set_classes(("round", "long"))
    panel.set_attention({"window 1.1": 2}, ["window 1.1 received", "fusion 2 later"])
    assert panel.to_check() == ["class relevance"]
    panel.what.setCurrentIndex(panel.what.findData("look"))
    assert panel.to_check() == ["class relevance", "window 1.1 received"]
    panel.what.setCurrentIndex(panel.what.findData("recorded"))
    panel.maps.setCurrentIndex(1)
    assert panel.to_check() == ["class relevance", "fusion 2 later"]
