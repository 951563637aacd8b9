"""What is seen of a run, where it has a button of its own and where it comes and goes."""

from __future__ import annotations

import threading

import pytest
from qtpy.QtWidgets import QPushButton

from napari_medt.controls.run_bar import RunBar
from napari_medt.running.steps_run import StepsRun
from src_models.progress import Progress


@pytest.fixture
def run(qtbot):
    run = StepsRun()
    yield run
    run.leave()


def bar_of(qtbot, run, button=None):
    bar = RunBar(run, button)
    qtbot.addWidget(bar)
    bar.show()
    return bar


@pytest.mark.parametrize("own_button", [True, False])
def test_at_rest_there_is_nothing_to_cancel_and_no_progress(qtbot, run, own_button):
    bar = bar_of(qtbot, run, QPushButton("Segment") if own_button else None)
    assert not bar.bar.isVisible()
    assert not bar.cancel.isEnabled()
    assert bar.cancel.isVisible() == own_button  # beside its button it stays, so that nothing jumps
    bar.set_running(True)
    assert bar.bar.isVisible()
    assert (bar.cancel.isVisible(), bar.cancel.isEnabled()) == (True, True)
    assert bar.bar.maximum() == 0  # busy: how much there is to do is not known
    bar.set_running(False)
    assert not bar.bar.isVisible()


def test_progress_and_its_words_are_shown_as_they_come_and_cancel_ends_the_run(qtbot, run):
    bar = bar_of(qtbot, run)
    release, ended = threading.Event(), []
    run.ended.connect(ended.append)

    def steps():
        yield Progress(1, 4, "tile 1 of 4")
        assert release.wait(10)
        yield Progress(2, 4, "tile 2 of 4")
        return "all"

    bar.set_running(True)
    run.start(steps(), "Counting")
    qtbot.waitUntil(lambda: bar.status.text() == "tile 1 of 4")
    assert bar.bar.value() / bar.bar.maximum() == 0.25
    bar.cancel.click()
    assert bar.status.text() == "Cancelling..."
    assert bar.bar.maximum() == 0
    release.set()
    qtbot.waitUntil(lambda: bool(ended))
    assert ended == [None]


def test_what_is_wrong_is_said_as_a_sentence_here_and_in_a_notification(qtbot, run, messages):
    bar = bar_of(qtbot, run)
    bar.report("the image is empty: open another one")
    assert bar.status.text() == "The image is empty: open another one"
    assert messages == ["The image is empty: open another one"]


def test_every_part_says_what_it_does(qtbot, run):
    bar = bar_of(qtbot, run)
    assert all(part.toolTip() for part in (bar.cancel, bar.bar, bar.status))
