"""Long runs: progress as it comes, one end each, a cancel within a step, and silence once the widget goes."""

from __future__ import annotations

import threading
import time

import pytest
from napari.utils import progress
from qtpy.QtCore import QCoreApplication, QEvent

from napari_medt.running import steps_run
from napari_medt.running.attempt import not_foreseen
from napari_medt.running.steps_run import StepsRun
from src_models.errors import UserError
from src_models.progress import Progress


@pytest.fixture
def run(qtbot):
    """A run, and what it tells."""
    run = StepsRun()
    told = []
    run.progressed.connect(lambda share, line: told.append((share, line)))
    run.ended.connect(lambda result: told.append(("ended", result, threading.current_thread())))
    run.refused.connect(lambda sentence: told.append(("refused", sentence)))
    yield run, told
    run.leave()


def ends(told):
    return [each[:2] for each in told if each[0] in ("ended", "refused")]


class Held:
    """A generator that waits in its second step until it is let go."""

    def __init__(self, total=3):
        self.total = total
        self.begun, self.release, self.closed = threading.Event(), threading.Event(), threading.Event()
        self.done = 0

    def steps(self):
        try:
            for number in range(1, self.total + 1):
                if number == 2:
                    self.begun.set()
                    assert self.release.wait(30)
                self.done = number
                yield Progress(number, self.total, "tiles")
        finally:
            self.closed.set()
        return "found"


def test_shares_of_what_is_done_and_the_result_are_told_in_the_windows_thread(run, qtbot):
    run, told = run
    held = Held()
    held.release.set()
    run.start(held.steps(), "Counting")
    assert run.running
    qtbot.waitUntil(lambda: bool(ends(told)))
    assert told[0] == (-1.0, "Loading model...")
    assert [share for share, *_ in told[1:-1]] == pytest.approx([1 / 3, 2 / 3, 1])
    assert told[-1] == ("ended", "found", threading.main_thread())
    assert not run.running
    assert len(progress._all_instances) == 0


def test_until_the_number_of_steps_is_known_only_what_is_done_is_told(run, qtbot):
    run, told = run

    def steps():
        yield Progress(0, 0, "reading the image")
        return 1

    run.start(steps(), "Counting")
    qtbot.waitUntil(lambda: bool(ends(told)))
    assert told[1] == (-1.0, "Reading the image...")


def test_the_time_that_is_left_is_told_once_it_can_be_estimated(run, qtbot, monkeypatch):
    run, told = run
    now = [100.0]
    monkeypatch.setattr(steps_run.time, "monotonic", lambda: now[0])
    ready = threading.Event()

    def steps():
        yield Progress(0, 5, "tiles")
        assert ready.wait(10)
        yield Progress(2, 5, "tiles")
        return 1

    run.start(steps(), "Counting")
    qtbot.waitUntil(lambda: len(told) == 2)
    now[0] += 100  # two of five took 100 s
    ready.set()
    qtbot.waitUntil(lambda: bool(ends(told)))
    assert [line for _, line in told[1:3]] == ["tiles", "tiles, about 2 min left"]


def test_a_cancel_acts_after_the_step_under_way_and_is_told_as_no_result(run, qtbot):
    run, told = run
    held = Held(total=10)
    run.start(held.steps(), "Counting")
    assert held.begun.wait(10)
    qtbot.waitUntil(lambda: len(told) == 2)
    run.cancel()
    assert run.running  # the step is not over
    held.release.set()
    qtbot.waitUntil(lambda: not run.running)
    assert (ends(told), held.done) == ([("ended", None)], 2)
    assert held.closed.is_set()
    assert (-1.0, "Cancelling...") in told


def test_the_next_run_after_a_cancel_goes_through(run, qtbot):
    run, told = run
    first, second = Held(), Held()
    run.start(first.steps(), "Counting")
    assert first.begun.wait(10)
    run.cancel()
    first.release.set()
    qtbot.waitUntil(lambda: not run.running)
    second.release.set()
    run.start(second.steps(), "Counting again")
    qtbot.waitUntil(lambda: not run.running)
    assert ends(told) == [("ended", None), ("ended", "found")]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (UserError("the image is empty"), "the image is empty"),
        (
            ValueError("odd"),
            not_foreseen("Counting", ValueError("odd")),
        ),
    ],
)
def test_a_run_that_raises_is_refused_and_nothing_else_is_told(run, qtbot, error, sentence):
    run, told = run

    def steps():
        yield Progress(1, 2, "tiles")
        raise error

    run.start(steps(), "Counting")
    qtbot.waitUntil(lambda: bool(ends(told)))
    qtbot.wait(50)
    assert ends(told) == [("refused", sentence)]
    assert not run.running
    assert len(progress._all_instances) == 0


def test_leaving_waits_for_the_step_and_tells_nothing_more(run, qtbot):
    run, told = run
    held = Held(total=10)
    run.start(held.steps(), "Counting")
    assert held.begun.wait(10)
    qtbot.waitUntil(lambda: len(told) == 2)
    threading.Timer(0.2, held.release.set).start()
    run.leave()
    assert held.closed.is_set()
    qtbot.wait(50)
    assert (ends(told), held.done) == ([], 2)
    assert len(progress._all_instances) == 0


def test_a_window_does_not_wait_for_ever(run, monkeypatch):
    monkeypatch.setattr(steps_run, "_LEAVE_WITHIN", 0.1)
    run, _ = run
    held = Held()
    run.start(held.steps(), "Counting")
    assert held.begun.wait(10)
    run.leave()
    assert not held.closed.is_set()
    held.release.set()
    assert held.closed.wait(10)


def test_where_only_the_dock_closes_nobody_waits_and_a_widget_that_is_gone_is_told_nothing(qtbot, caplog):
    run = StepsRun()
    held = Held(total=10)
    run.start(held.steps(), "Counting")
    assert held.begun.wait(10)
    began = time.monotonic()
    run.leave(wait=False)
    assert time.monotonic() - began < 5
    assert not held.closed.is_set()
    run.deleteLater()
    QCoreApplication.sendPostedEvents(run, QEvent.Type.DeferredDelete)
    held.release.set()
    assert held.closed.wait(10)
    assert held.done == 2
    qtbot.wait(50)
    assert caplog.records == []
