"""Learning from accepted objects in a real viewer: they are kept as they are accepted, and what is learnt is in use."""

from __future__ import annotations

import dataclasses
import itertools
import threading

import numpy as np
import pytest
from discs import objects, settle

from napari_medt.clicking.learning import rounds as module
from src_models.clicking.learning.kept_objects import keep_objects as really_keep
from src_models.corrections.correction_set import CorrectionSet
from src_models.errors import OutputError
from src_models.models.checkpoint import Model
from src_models.models.loaded import load_model
from src_models.training.rounds.progress import RoundResult, RoundUpdate

pytestmark = pytest.mark.usefixtures("plugin_registered")

PLACES = list(itertools.product((25, 75), (25, 75, 125)))
rows, columns = np.mgrid[:100, :150]
SIX = np.zeros((100, 150), np.float32)
for y, x in PLACES:
    SIX[np.hypot(rows - y, columns - x) < 12] = 1


class Learner:
    """Learns in two steps; the second is better."""

    def __init__(self, model, folder, settings):
        self.model, self.folder, self.settings = model, folder, settings
        self.hold = threading.Event()
        self.stopped = False
        self._found = None

    def steps(self):
        yield RoundUpdate(0, float("nan"), (0.5, 0.6, 0.7), (0.5, 0.6, 0.7), (0.5, 0.6, 0.7), False, 0.0, 9.0, 9.0)
        self.hold.wait(30)
        training = {"validation_iou_before": {"1": 0.5, "3": 0.6}, "validation_iou": {"1": 0.8, "3": 0.9}}
        header = dataclasses.replace(self.model.header, training=training, parent_sha256=self.model.sha256)
        self._found = Model(self.model.network, header)
        yield RoundUpdate(1, 0.3, (0.8, 0.9, 0.9), (0.5, 0.6, 0.7), (0.8, 0.9, 0.9), True, 0.5, 4.0, 4.0)

    def stop(self):
        self.stopped = True

    def best(self):
        return self._found

    def result(self):
        return RoundResult(self._found, (), (), 1, "IoU on held-back objects went up.")


@pytest.fixture
def learners(monkeypatch):
    """The learners that were begun; each waits after its first step until it is let go."""
    begun = []

    def begin(model, folder, settings):
        begun.append(Learner(model, folder, settings))
        return begun[-1]

    monkeypatch.setattr("src_models.teaching.learner.click_learning", begin)
    return begun


@pytest.fixture
def open_six(clicking, qtbot):
    def open_(accepted=6):
        viewer, widget, _ = clicking(SIX)
        for y, x in PLACES[:accepted]:
            widget.click((y, x))
            widget.accept()
            settle(qtbot, widget)
        quiet(qtbot, widget)
        return viewer, widget

    return open_


def quiet(qtbot, widget):
    qtbot.waitUntil(lambda: widget.rounds.work.untold == 0, timeout=60_000)
    settle(qtbot, widget)


def ended(qtbot, widget):
    qtbot.waitUntil(lambda: widget.rounds.task is None, timeout=60_000)
    quiet(qtbot, widget)


def items(widget):
    return CorrectionSet.open(widget.rounds.folder()).items


def test_what_is_accepted_is_kept_and_counted_and_can_be_learnt_from_once_there_is_enough(open_six, qtbot, tmp_path):
    viewer, widget = open_six(4)
    panel = widget.controls.learning
    assert widget.rounds.folder() == tmp_path / "documents" / "napari-medt corrections" / "image - clicks"
    assert len(items(widget)) == 4
    assert panel.learn.text() == "Learn from what I accepted (4 objects)"
    assert not panel.learn.isEnabled()
    assert panel.why.text().startswith("Accept 1 more object first")
    widget.click(PLACES[4])
    widget.accept()
    settle(qtbot, widget)
    quiet(qtbot, widget)
    assert panel.learn.isEnabled()
    assert panel.why.isHidden()
    for item, (y, x) in zip(items(widget), PLACES, strict=False):
        kept = CorrectionSet.open(widget.rounds.folder()).read(item.name)
        (top, bottom), (left, right) = item.record.region
        labels = objects(viewer).data[top:bottom, left:right]
        assert (kept.labels[kept.counts] == labels[kept.counts]).all()
        assert kept.counts[y - top, x - left]


def test_an_object_that_is_mended_takes_its_own_place(open_six, qtbot):
    _viewer, widget = open_six(2)
    widget.click(PLACES[0])  # it is open again
    settle(qtbot, widget)
    widget.click((PLACES[0][0], PLACES[0][1] + 8))
    widget.accept()
    settle(qtbot, widget)
    quiet(qtbot, widget)
    assert len(items(widget)) == 2
    assert widget.controls.learning.learn.text() == "Learn from what I accepted (2 objects)"


def test_what_was_learnt_is_listed_and_answers_from_then_on(open_six, qtbot, learners, bright_model_path):
    _viewer, widget = open_six()
    panel = widget.controls.learning
    panel.learn.click()
    qtbot.waitUntil(
        lambda: bool(learners) and "IoU after the first click was 50%" in panel.status.text(), timeout=60_000
    )
    assert not panel.learn.isEnabled()
    assert panel.pause.isVisible()
    learners[0].hold.set()
    ended(qtbot, widget)
    assert panel.result.text() == "IoU on held-back objects went up."
    assert widget.controls.models.path().name == "bright-v1.safetensors"
    assert widget.controls.models.path().parent == widget.rounds.folder() / "models"
    assert panel.list.topLevelItemCount() == 2
    assert panel.list.topLevelItem(1).text(0) == "bright-v1 (in use)"
    assert panel.list.topLevelItem(1).text(1) == "0.50, 0.60 to 0.80, 0.90"
    panel.list.setCurrentItem(panel.list.topLevelItem(0))
    panel.use.click()
    quiet(qtbot, widget)
    assert widget.controls.models.path() == bright_model_path
    assert load_model(bright_model_path).header.name == "bright", "the model that it began with is as it was"


def test_discarding_keeps_nothing_and_stopping_ends_early(open_six, qtbot, learners):
    _viewer, widget = open_six()
    panel = widget.controls.learning
    panel.learn.click()
    qtbot.waitUntil(lambda: bool(learners), timeout=60_000)
    panel.discard.click()
    learners[0].hold.set()
    ended(qtbot, widget)
    assert panel.result.text().startswith("Discarded")
    assert panel.list.topLevelItemCount() == 1
    panel.learn.click()
    qtbot.waitUntil(lambda: len(learners) == 2, timeout=60_000)
    panel.stop.click()
    learners[1].hold.set()
    ended(qtbot, widget)
    assert learners[1].stopped
    assert panel.list.topLevelItemCount() == 2, "the best is kept"


def test_an_object_that_was_taken_back_in_the_labels_is_not_learnt_from(open_six, qtbot, learners):
    viewer, widget = open_six()
    objects(viewer).undo()
    widget.controls.learning.learn.click()
    qtbot.waitUntil(lambda: bool(learners), timeout=60_000)
    assert len(items(widget)) == 5
    learners[0].hold.set()
    ended(qtbot, widget)
    assert widget.controls.learning.learn.text() == "Learn from what I accepted (5 objects)"


def test_what_waits_to_be_written_when_the_window_closes_is_written(open_six, monkeypatch, qtbot):
    viewer, widget = open_six(1)
    folder, held, began = widget.rounds.folder(), threading.Event(), threading.Event()
    calls = []

    def slow(into, kept):
        calls.append(into)
        if len(calls) == 1:
            began.set()
            held.wait(30)
        return really_keep(into, kept)

    monkeypatch.setattr("src_models.clicking.learning.kept_objects.keep_objects", slow)
    for place in PLACES[1:3]:
        widget.click(place)
        widget.accept()
        settle(qtbot, widget)
    assert began.wait(30)
    held.set()
    viewer.window.remove_dock_widget(widget)
    qtbot.waitUntil(lambda: len(CorrectionSet.open(folder).items) == 3, timeout=60_000)


def test_where_an_object_cannot_be_kept_that_is_said_and_it_is_in_the_labels(open_six, monkeypatch, qtbot):
    viewer, widget = open_six(1)

    def full(folder, kept):
        raise OutputError("images cannot be written: the disk is full")

    monkeypatch.setattr(module, "_keep", full)
    widget.click(PLACES[1])
    widget.accept()
    settle(qtbot, widget)
    quiet(qtbot, widget)
    assert "not among those to learn from: images cannot be written: the disk is full" in widget.controls.status.text()
    assert (objects(viewer).data == 2).any()
    assert len(items(widget)) == 1
