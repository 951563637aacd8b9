"""The controls of learning in rounds: what can be pressed when, and the list of versions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from napari_medt.controls.learning.round_panel import RoundPanel, RoundWords
from src_models.finetuning.versions import ModelVersion

WORDS = RoundWords(gain="Gain", reading="Reading...", learn="a", why="b", status="c", list="d", use="e")


@dataclass
class Update:
    done: float


class Panel(RoundPanel):
    def words_of_update(self, update):
        return f"at {update.done:.0%}"

    def words_of_gain(self, version):
        return f"gain of {version.name}"


@pytest.fixture
def panel(qtbot):
    made = Panel(WORDS)
    qtbot.addWidget(made)
    made.show()
    made.told = []
    for name in ("begun", "stopped", "discarded"):
        getattr(made, name).connect(lambda name=name: made.told.append(name))
    made.paused.connect(lambda waits: made.told.append(("paused", waits)))
    made.wanted.connect(lambda name: made.told.append(("wanted", name)))
    made.noted.connect(lambda *note: made.told.append(note))
    return made


def version(name, note=""):
    return ModelVersion(name, Path(name), "", None, "", None, None, note)


def test_it_can_be_learnt_where_nothing_is_missing_and_nothing_runs(panel):
    panel.offer("Learn", "One more first.")
    assert (panel.learn.isEnabled(), panel.why.isVisible(), panel.why.text()) == (False, True, "One more first.")
    panel.offer("Learn", "")
    assert (panel.learn.isEnabled(), panel.why.isVisible()) == (True, False)
    panel.learn.click()
    panel.set_running(True)
    assert not panel.learn.isEnabled()
    assert panel.status.text() == "Reading..."
    panel.pause.click()
    panel.stop.click()
    panel.discard.click()
    assert panel.told == ["begun", ("paused", True), "stopped", "discarded"]


def test_while_it_waits_or_ends_updates_do_not_hide_why(panel):
    panel.set_running(True)
    panel.show_update(Update(0.25))
    assert (panel.status.text(), panel.bar.value()) == ("at 25%", 250)
    panel.wait_for_person("The disk is full.")
    assert panel.pause.text() == "Go on"
    panel.pause.click()
    panel.set_ending("Ending...")
    panel.show_update(Update(0.5))
    assert panel.status.text() == "Ending..."
    panel.set_running(False)
    assert not panel.status.isVisible()


def test_versions_are_listed_below_the_first_model_and_can_be_chosen_and_noted(panel):
    assert not panel.list.isVisible()
    panel.set_versions((version("m-v1"), version("m-v2", "better")), "m-v2", "m")
    shown = [[panel.list.topLevelItem(row).text(column) for column in range(3)] for row in range(3)]
    assert shown == [
        ["m", "", "where it began"],
        ["m-v1", "gain of m-v1", ""],
        ["m-v2 (in use)", "gain of m-v2", "better"],
    ]
    panel.use.click()
    panel.list.setCurrentItem(panel.list.topLevelItem(0))
    panel.use.click()
    panel.list.topLevelItem(1).setText(2, "first try")
    assert panel.told == [("wanted", "m-v2"), ("wanted", None), ("m-v1", "first try")]
