"""What labels mean: preset to a guess, until a person says otherwise."""

from __future__ import annotations

import pytest

from napari_medt.correcting.panels.kind_panel import KindPanel
from src_models.errors import UserError
from src_models.finetuning.kinds.guess import Guess
from src_models.finetuning.kinds.label_kind import MOST_CLASSES, LabelKind

CELLS = Guess(LabelKind("objects"), "Each number marks one part.", (1, 2, 7))
ORGANS = Guess(LabelKind.classes(3), "Numbers return.", (1, 3))


@pytest.fixture
def panel(qtbot):
    panel = KindPanel()
    qtbot.addWidget(panel)
    panel.show()
    return panel


def choose(panel, meaning):
    panel.meaning.setCurrentIndex(panel.meaning.findData(meaning))


def test_it_shows_what_is_guessed_and_why(panel):
    panel.offer(ORGANS)
    assert panel.meaning.currentText().startswith("Regions of a kind")
    assert panel.why.text() == "Numbers return."
    assert panel.names.isVisible()
    assert panel.kind() == LabelKind.classes(3)
    assert panel.said() is None
    assert panel.numbers_objects is None
    panel.offer(CELLS)
    assert panel.kind() == LabelKind("objects")
    assert not panel.names.isVisible()


def test_what_a_person_says_stays_whatever_is_guessed_after_it(panel, qtbot):
    panel.offer(CELLS)
    with qtbot.waitSignal(panel.changed):
        choose(panel, "classes")
    assert panel.kind() == LabelKind("classes", ("class 1",)), "as one class, all objects are of a kind"
    assert panel.numbers_objects is False
    assert panel.why.text() == "You said so. Guessed: Each number marks one part."
    panel.offer(CELLS)
    assert panel.said() == LabelKind("classes", ("class 1",))
    panel.offer(ORGANS)
    assert panel.said() == LabelKind.classes(3), "a class that was painted meanwhile has a name, too"


def test_classes_are_named_and_keep_their_names(panel, qtbot):
    panel.offer(ORGANS)
    with qtbot.waitSignal(panel.changed):
        panel.names.item(0, 0).setText("liver")
    assert panel.said() == LabelKind("classes", ("liver", "class 2", "class 3"))
    panel.offer(ORGANS)
    assert panel.kind().names[0] == "liver"
    panel.more.click()
    assert panel.kind().names == ("liver", "class 2", "class 3", "class 4")
    panel.names.item(1, 0).setText("  ")
    assert panel.kind().names[1] == "class 2"
    panel.names.item(1, 0).setText("liver")
    with pytest.raises(UserError, match="a name of its own"):
        panel.kind()


def test_there_are_no_more_classes_than_can_be_learnt(panel):
    panel.offer(Guess(LabelKind.classes(MOST_CLASSES), ""))
    panel.more.click()
    assert len(panel.kind().names) == MOST_CLASSES


def test_another_model_is_guessed_for_again(panel):
    panel.offer(CELLS)
    choose(panel, "classes")
    panel.forget()
    panel.offer(CELLS)
    assert panel.kind() == LabelKind("objects")


def test_every_control_says_what_it_is_for(panel):
    panel.offer(ORGANS)
    for control in (panel.meaning, panel.names, panel.more, panel.why, panel.names.item(0, 0)):
        assert len(control.toolTip()) > 20
