"""Waiting for work in a thread: the window stays alive, and what is raised is raised."""

import threading

import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QWidget

from napari_medt.running.waiting import has_window, waited
from src_models.errors import UserError


@pytest.fixture
def window(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    return window


def test_without_a_window_work_is_done_where_it_is_asked_for(qtbot):
    assert not has_window()
    assert waited(threading.current_thread, "Looking...") is threading.main_thread()


def test_a_window_is_drawn_while_work_goes_on_in_a_thread(window):
    drawn = threading.Event()
    QTimer.singleShot(0, drawn.set)
    assert waited(lambda: (drawn.wait(10), threading.current_thread()), "Looking...")[0]
    assert waited(threading.current_thread, "Looking...") is not threading.main_thread()


def test_from_another_thread_nobody_can_be_asked(window):
    found = []
    thread = threading.Thread(target=lambda: found.append(has_window()))
    thread.start()
    thread.join()
    assert (has_window(), found) == (True, [False])


def test_what_work_raises_is_raised(window):
    def fail():
        raise UserError("there is nothing")

    with pytest.raises(UserError, match="there is nothing"):
        waited(fail, "Looking...")
