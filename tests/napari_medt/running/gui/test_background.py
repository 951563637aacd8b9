"""A thread beside the window's: one thing after the other, told in the window's thread, and silence after leaving."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from qtpy.QtCore import QCoreApplication, QEvent

from napari_medt.running.background import Background


@pytest.fixture
def background(qtbot):
    background = Background("test")
    yield background
    background.leave()


def test_functions_are_called_in_one_other_thread_in_order_and_heard_in_the_windows(background, qtbot):
    called, heard = [], []

    def work(number):
        called.append((number, threading.current_thread()))
        background._tell(lambda: heard.append((number, threading.current_thread())))

    for number in range(4):
        background._submit(work, number)
    qtbot.waitUntil(lambda: len(heard) == 4)
    assert [number for number, _ in called] == [0, 1, 2, 3]
    assert len({thread for _, thread in called}) == 1
    assert called[0][1].name.startswith("test")
    assert heard == [(number, threading.main_thread()) for number in range(4)]


def test_leaving_drops_what_waits_and_waits_for_what_is_under_way(background, qtbot):
    begun, release, called, heard = threading.Event(), threading.Event(), [], []

    def work():
        begun.set()
        assert release.wait(10)
        called.append("under way")
        background._tell(lambda: heard.append("under way"))

    background._submit(work)
    background._submit(partial(called.append, "waiting"))
    assert begun.wait(10)
    threading.Timer(0.1, release.set).start()
    background.leave()
    qtbot.wait(50)
    assert (called, heard) == (["under way"], [])


def test_what_is_told_to_a_widget_that_is_gone_is_dropped_without_a_word(qtbot):
    background = Background("test")
    release, raised = threading.Event(), []

    def work():
        assert release.wait(10)
        try:
            background._tell(lambda: None)
        except RuntimeError as error:
            raised.append(error)

    done = background._submit(work)
    background.deleteLater()  # as if nobody had told it to leave
    QCoreApplication.sendPostedEvents(background, QEvent.Type.DeferredDelete)
    release.set()
    done.result(10)
    assert raised == []
    background._executor.shutdown()
