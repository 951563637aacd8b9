"""Every widget ends its work when its dock, or napari's window, is closed, and only then."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QApplication, QWidget

from napari_medt.controls.dock_closing import DockClosing

pytestmark = pytest.mark.usefixtures("plugin_registered")

WIDGETS = ("Segment", "Click", "Attention", "Correct and learn", "Classify", "Measure")
OURS = ("clicks", "kept", "corrections", "learning", "attention")  # names of threads


class Refusing(QObject):
    """Has a window refuse to close, as napari does when a person presses Cancel."""

    def eventFilter(self, _watched, event):
        if event.type() == QEvent.Type.Close:
            event.ignore()
            return True
        return False


@pytest.fixture
def docked(make_napari_viewer, noise, tmp_path, monkeypatch, qtbot):
    """Return a function that opens a viewer with an image and a widget, and what is told of its closing."""
    monkeypatch.setenv("XDG_DOCUMENTS_DIR", str(tmp_path))

    def open_(name):
        viewer = make_napari_viewer(show=True)
        viewer.add_image(noise)
        _, widget = viewer.window.add_plugin_dock_widget("napari-medt", name)
        told = []
        widget._closing.closed.connect(told.append)
        qtbot.waitUntil(lambda: widget._closing._window is not None, timeout=30_000)
        return viewer, widget, told

    return open_


def our_threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(OURS)]


@pytest.mark.parametrize("name", WIDGETS)
def test_a_window_that_closes_leaves_no_thread_behind(docked, name, messages):
    viewer, _, told = docked(name)
    viewer.close()
    assert told == [False]
    assert our_threads() == []
    assert messages == []


@pytest.mark.parametrize("name", WIDGETS)
def test_a_dock_that_closes_leaves_the_viewer_in_use(docked, name, messages):
    viewer, widget, told = docked(name)
    viewer.window.remove_dock_widget(widget)
    assert told == [True]
    assert our_threads() == []
    viewer.add_image(np.zeros((8, 8)))
    viewer.layers.clear()
    viewer.close()
    assert told == [True]
    assert messages == []


def test_a_window_that_refuses_to_close_goes_on(docked):
    viewer, _, told = docked("Click")
    window, refusing = viewer.window._qt_window, Refusing()
    window.installEventFilter(refusing)
    window.close()
    assert window.isVisible()
    window.removeEventFilter(refusing)
    window.hide()
    window.show()
    assert told == []
    viewer.close()
    assert told == [False]


def test_a_run_under_way_ends_with_the_window(docked, blob_model_path):
    viewer, widget, _ = docked("Segment")
    viewer.add_image(np.zeros((4000, 4000), np.uint8))
    widget.open_model(blob_model_path)
    widget.segment.click()
    assert widget.run.running
    viewer.close()
    assert not widget.run.running


def test_a_widget_that_python_clears_before_qt_deletes_it_tells_nothing(qtbot):
    told, widget = [], QWidget()
    widget.itself, widget.closing = widget, DockClosing(widget)
    widget.closing.closed.connect(told.append)
    widget.show()
    QApplication.processEvents()
    with qtbot.captureExceptions() as raised:
        del widget
        gc.collect()
    assert raised == []
    assert told == []
