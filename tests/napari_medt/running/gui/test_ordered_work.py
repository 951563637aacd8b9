"""Work beside the window: when it begins, and that it can be left."""

from __future__ import annotations

from threading import Event

import pytest

from napari_medt.running.ordered_work import OrderedWork


@pytest.fixture
def work(qtbot):
    work = OrderedWork("test")
    yield work
    work.leave()


def test_work_begins_once_the_window_has_been_drawn_and_keeps_its_order(work, qtbot):
    begun, told = Event(), []
    work.done.connect(lambda what, result: told.append((what, result)))
    work.ask("first", begun.set)
    work.ask("second", lambda: 2)
    assert not begun.wait(0.3)  # nothing is drawn as long as Qt does not come to it
    assert work.untold == 2
    qtbot.waitUntil(lambda: work.untold == 0)
    assert begun.is_set()
    assert told == [("first", None), ("second", 2)]


def test_work_that_has_not_begun_is_left_with_its_widget(work):
    begun = Event()
    work.ask("first", begun.set)
    work.leave()
    assert not begun.is_set()
