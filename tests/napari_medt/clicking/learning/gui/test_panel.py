"""The controls of learning from accepted objects: what they offer, and what they say."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QAbstractButton, QLabel, QTreeWidget, QWidget

from napari_medt.clicking.learning.panel import ClickLearnPanel
from src_models.training.rounds.progress import RoundUpdate


@pytest.fixture
def panel(qtbot):
    made = ClickLearnPanel()
    qtbot.addWidget(made)
    made.show()
    return made


def update(done=0.5, left=20.0):
    return RoundUpdate(9, 0.4, None, (0.5, 0.6, 0.7), (0.8, 0.9, 0.9), False, done, left, left)


@pytest.mark.parametrize(
    ("count", "words", "why"),
    [
        (0, "(0 objects)", "Accept 5 more objects first"),
        (1, "(1 object)", "Accept 4 more objects first"),
        (4, "(4 objects)", "Accept 1 more object first"),
    ],
)
def test_of_too_few_objects_it_says_how_many_are_missing(panel, count, words, why):
    panel.set_count(count)
    assert words in panel.learn.text()
    assert not panel.learn.isEnabled()
    assert panel.why.isVisible()
    assert panel.why.text().startswith(why)


def test_how_it_goes_is_shown_until_it_ends(panel):
    panel.set_count(7)
    assert panel.learn.isEnabled()
    assert not panel.bar.isVisible()
    panel.set_running(True)
    panel.show_update(update())
    assert panel.bar.value() == 500
    assert panel.status.text() == (
        "At most 20 s of work left. IoU after the first click was 50%, of the best so far 80%."
    )
    panel.pause.click()
    panel.show_update(update(0.6))
    assert panel.status.text() == "Paused. The best so far is kept."
    panel.set_running(False)
    panel.say("It went well.")
    assert panel.learn.isEnabled()
    assert panel.result.text() == "It went well."
    assert not panel.pause.isVisible()
    assert panel.pause.text() == "Pause"


def test_every_control_says_what_it_does(panel):
    for widget in panel.findChildren(QWidget):
        assert widget.toolTip() or not isinstance(widget, QAbstractButton | QTreeWidget), widget
    assert all(label.toolTip() for label in (panel.why, panel.status, panel.result))
    assert panel.findChildren(QLabel)
