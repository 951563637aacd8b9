"""The controls of learning: what can be pressed when, and what is said of how it goes."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QPointF
from qtpy.QtGui import QEnterEvent
from qtpy.QtWidgets import QApplication

from napari_medt.correcting.panels.learn_panel import LearnPanel
from src_models.finetuning.judging import Validation
from src_models.finetuning.parts import LearningPart
from src_models.finetuning.progress import LearningUpdate

PARTS = (
    LearningPart("full", "The whole network", 900, "All of it learns.", "Encoder and decoder: 900 numbers"),
    LearningPart("decoder", "Only how it draws", 300, "A third faster.", "The decoder: 300 numbers"),
)


@pytest.fixture
def panel(qtbot):
    panel = LearnPanel()
    qtbot.addWidget(panel)
    panel.show()
    return panel


def update(left=40.0, idle=40.0, done=0.2):
    start, best = Validation(0.6, 0.5), Validation(0.4, 0.75)
    return LearningUpdate(4, 0.3, None, start, best, True, done, left, idle)


def test_the_button_counts_what_there_is_to_learn_from(panel):
    panel.set_count(0, False)
    assert (panel.learn.text(), panel.learn.isEnabled()) == ("Learn from my corrections", False)
    panel.set_count(1, True)
    assert (panel.learn.text(), panel.learn.isEnabled()) == ("Learn from 1 correction", True)
    panel.set_count(7, True)
    assert panel.learn.text() == "Learn from 7 corrections"


def test_while_it_learns_it_can_be_paused_and_ended_but_not_begun_or_changed(panel):
    panel.set_count(2, True)
    panel.set_running(True)
    assert not any(each.isEnabled() for each in (panel.learn, panel.part, panel.seconds))
    assert all(each.isVisible() for each in (panel.pause, panel.stop, panel.discard, panel.plot, panel.bar))
    panel.set_running(False)
    assert all(each.isEnabled() for each in (panel.learn, panel.part, panel.seconds))
    assert not any(each.isVisible() for each in (panel.pause, panel.stop, panel.discard, panel.bar))


def test_the_time_that_is_left_and_the_gain_are_told(panel):
    panel.set_running(True)
    panel.show_update(update())
    assert panel.bar.value() / panel.bar.maximum() == pytest.approx(0.2)
    assert panel.status.text() == "At most 40 s left. Agreement with you was 50%, best so far 75%."


def test_a_busy_machine_is_said_and_the_bar_goes_on(panel):
    panel.set_running(True)
    panel.show_update(update())
    panel.show_update(update(left=130.0, idle=38.0, done=0.25))
    assert panel.bar.value() / panel.bar.maximum() == pytest.approx(0.25)
    assert panel.status.text() == (
        "This computer is busy: about 2 min 10 s more instead of 38 s. Agreement with you was 50%, best so far 75%."
    )


def test_a_pause_is_told_once_and_ends_with_the_round(panel):
    told = []
    panel.paused.connect(told.append)
    panel.set_running(True)
    panel.pause.click()
    assert (panel.pause.text(), told) == ("Go on", [True])
    panel.show_update(update())
    assert panel.status.text() == "Paused. The best so far is kept."
    panel.set_running(False)
    panel.set_running(True)
    assert (panel.pause.text(), panel.pause.isChecked(), told) == ("Pause", False, [True])


def test_a_full_disk_waits_for_the_person_without_saying_that_they_paused(panel):
    told = []
    panel.paused.connect(told.append)
    panel.set_running(True)
    panel.wait_for_person("Waiting: make room.")
    assert (panel.pause.text(), panel.pause.isChecked(), panel.status.text()) == ("Go on", True, "Waiting: make room.")
    assert told == []
    panel.pause.click()
    assert told == [False]


def test_parts_are_asked_for_once_the_pointer_comes_and_a_choice_is_kept_where_it_still_can_be_made(panel):
    asked = []
    panel.part.wanted.connect(lambda: asked.append(True))
    assert panel.chosen_part() == "full"
    assert not panel.cost.isVisible()
    QApplication.sendEvent(panel.part, QEnterEvent(QPointF(), QPointF(), QPointF()))
    assert asked
    panel.set_parts(PARTS)
    assert [panel.part.itemText(row) for row in range(2)] == ["The whole network (usual)", "Only how it draws"]
    assert (panel.cost.text(), panel.cost.toolTip()) == (PARTS[0].cost, PARTS[0].detail)
    panel.part.setCurrentIndex(1)
    assert (panel.chosen_part(), panel.cost.text()) == ("decoder", "A third faster.")
    panel.set_parts(PARTS)
    assert panel.chosen_part() == "decoder"
    panel.set_parts(PARTS[:1])
    assert panel.chosen_part() == "full"
