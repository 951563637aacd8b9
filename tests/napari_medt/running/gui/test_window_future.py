"""Results that are worked out beside the window: raised to Python, told to a window in its own thread."""

from __future__ import annotations

import threading

import pytest

from napari_medt.running import window_future
from napari_medt.running.window_future import promise
from src_models.errors import UserError
from src_models.progress import Progress


class Work:
    def __init__(self, error=None):
        self.release = threading.Event()
        self.error = error
        self.thread = None

    def steps(self):
        self.thread = threading.current_thread()
        yield Progress(1, 2, "tiles")
        assert self.release.wait(30)
        if self.error is not None:
            raise self.error
        return "found"


def test_python_waits_for_the_result_without_an_event_loop(qtbot):
    work = Work()
    future = promise(work.steps(), "Counting")
    work.release.set()
    assert future.result(10) == "found"
    assert work.thread is not threading.main_thread()
    qtbot.waitUntil(lambda: not window_future._under_way)  # nothing is held once it is told


def test_callbacks_come_in_the_windows_thread_also_those_that_come_late(qtbot):
    work, heard = Work(), []
    future = promise(work.steps(), "Counting")
    future.add_done_callback(lambda each: heard.append((each.result(), threading.current_thread())))
    work.release.set()
    assert future.result(10) == "found"
    qtbot.waitUntil(lambda: len(heard) == 1)
    future.add_done_callback(lambda each: heard.append((each.result(), threading.current_thread())))
    qtbot.waitUntil(lambda: len(heard) == 2)
    assert heard == [("found", threading.main_thread())] * 2


@pytest.mark.parametrize("error", [UserError("the image is empty"), KeyError("gates")])
def test_what_goes_wrong_is_raised_to_python_and_shown_to_who_waits_in_a_window(qtbot, messages, caplog, error):
    work, heard = Work(error), []
    future = promise(work.steps(), "Counting")
    future.add_done_callback(heard.append)
    work.release.set()
    with pytest.raises(type(error)):
        future.result(10)
    qtbot.waitUntil(lambda: bool(messages))
    foreseen = isinstance(error, UserError)
    assert messages[0].startswith(
        "the image is empty" if foreseen else "Counting failed in a way that was not foreseen"
    )
    assert heard == []
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == ([] if foreseen else [KeyError])
    qtbot.waitUntil(lambda: not window_future._under_way)
