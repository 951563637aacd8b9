"""What the widget "Correct and learn" keeps when its process is killed, and what it offers at the next start."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from qtpy.QtWidgets import QApplication

from napari_medt.correcting.labels import prediction_of
from src_models.corrections.correction_set import CorrectionSet

pytestmark = [
    pytest.mark.usefixtures("plugin_registered"),
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX, and so is where the state lies"),
]

IMAGE = np.random.default_rng(5).integers(0, 255, (3, 48, 72), np.uint8)
PAINTED = (20, 30)

CHILD = """
import sys
import napari
from qtpy.QtTest import QTest

image, model = sys.argv[1:]
viewer = napari.Viewer()
(layer,) = viewer.open(image)
layer.axis_labels = ("z", "y", "x")
layer.scale = (2, 1, 1)
_, widget = viewer.window.add_plugin_dock_widget("napari-medt", "Correct and learn")
widget.open_model(model)
viewer.dims.set_current_step(0, 1)

def settle():
    while widget.context.work.untold or widget.context.run.running:
        QTest.qWait(10)
    QTest.qWait(300)

settle()
widget.controls.segment.click()
settle()
labels = widget.marking.labels()
labels.paint((1, 20, 30), 7)
print("at work", flush=True)
QTest.qWait(600_000)
"""


def read_line(process, seconds=120):
    """Read a line that a process prints; a child that hangs fails the test instead of stopping it."""
    ready, _, _ = select.select([process.stdout], [], [], seconds)
    assert ready, "the child printed nothing"
    return process.stdout.readline()


@pytest.fixture(scope="module")
def killed(tmp_path_factory, blob_model_path):
    """The image of a process that painted a stroke and was killed two seconds later, and its person's state."""
    folder = tmp_path_factory.mktemp("killed")
    image, state = folder / "cells.tif", folder / "state"
    tifffile.imwrite(image, IMAGE, photometric="minisblack")
    place = {
        "XDG_STATE_HOME": str(state),
        "XDG_DOCUMENTS_DIR": str(folder / "documents"),
        "NAPARI_CONFIG": str(folder / "settings.yaml"),
    }
    command = [sys.executable, "-c", CHILD, str(image), str(blob_model_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, **place})
    try:
        assert read_line(process) == b"at work\n"
        time.sleep(2)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    return image, state


def settle(qtbot, widget):
    """Wait until everything that was asked for is done and shown."""
    qtbot.waitUntil(lambda: widget.context.work.untold == 0 and not widget.context.run.running, timeout=60_000)
    qtbot.waitUntil(lambda: not widget.marking.changes.busy, timeout=30_000)
    QApplication.processEvents()


@pytest.fixture
def start(killed, tmp_path, monkeypatch, make_napari_viewer, blob_model_path, qtbot):
    """Return a function that starts the widget where another one's process was killed."""
    monkeypatch.setenv("XDG_DOCUMENTS_DIR", str(tmp_path / "documents"))
    shutil.copytree(killed[1], tmp_path / "state")

    def start_():
        viewer = make_napari_viewer()
        _, widget = viewer.window.add_plugin_dock_widget("napari-medt", "Correct and learn")
        widget.open_model(blob_model_path)
        settle(qtbot, widget)
        return viewer, widget

    return start_


def journals(tmp_path):
    return sorted((tmp_path / "state" / "napari-medt").glob("unfinished-*/*"))


def test_strokes_and_what_was_found_come_back_after_a_kill(start, killed, qtbot, tmp_path):
    viewer, widget = start()
    recovery = widget.controls.recovery
    assert recovery.isVisibleTo(widget)
    assert "corrections of 'cells'" in recovery.text.text()
    recovery.go_on.click()
    settle(qtbot, widget)
    assert not recovery.isVisibleTo(widget)
    image = viewer.layers["cells"]
    assert Path(image.source.path) == killed[0]
    assert tuple(image.scale) == (2, 1, 1)
    labels = widget.marking.labels()
    prediction = prediction_of(labels)
    assert labels.data[1, *PAINTED] == 7
    assert prediction.data[1, *PAINTED] != 7
    assert prediction.data[1].any()
    assert not prediction.data[[0, 2]].any()
    assert prediction.model_name == "blobs"
    assert len(journals(tmp_path)) == 2  # the new ones; the old ones are gone
    viewer.dims.set_current_step(0, 1)
    settle(qtbot, widget)
    changes = next(layer for layer in viewer.layers if layer.name.endswith("- changes"))
    np.testing.assert_array_equal(changes.data[0] > 0, labels.data[1] != prediction.data[1])


def test_the_window_does_not_wait_for_the_disk_when_work_goes_on(start, qtbot, disk_threads, tmp_path):
    _, widget = start()
    widget.controls.recovery.go_on.click()
    settle(qtbot, widget)
    assert widget.marking.labels().data[1, *PAINTED] == 7
    assert len(journals(tmp_path)) == 2  # the new ones
    assert {what for what, _ in disk_threads} == {"read_contents", "flush"}
    assert threading.main_thread() not in {thread for _, thread in disk_threads}


def test_what_napari_loads_for_its_first_labels_is_loaded_beside_the_window(start, monkeypatch):
    threads = []
    monkeypatch.setattr(
        "napari_medt.correcting.widget.load_what_layers_need", lambda: threads.append(threading.current_thread())
    )
    start()
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


def test_what_is_marked_is_not_offered_again(start, qtbot, tmp_path):
    viewer, widget = start()
    widget.controls.recovery.go_on.click()
    settle(qtbot, widget)
    viewer.dims.set_current_step(0, 1)
    widget.controls.marking.mark_slice.click()
    settle(qtbot, widget)
    assert len(CorrectionSet.open(widget.context.folder())) == 1
    viewer.window.remove_dock_widget(widget)
    assert journals(tmp_path) == []


def test_what_is_painted_and_not_marked_is_offered_when_napari_was_closed(start, qtbot, tmp_path, monkeypatch):
    from napari_medt.correcting.unsaved import UnfinishedCorrection

    viewer, widget = start()
    widget.controls.recovery.go_on.click()
    settle(qtbot, widget)
    viewer.window.remove_dock_widget(widget)
    assert len(journals(tmp_path)) == 2
    assert UnfinishedCorrection.find() == []  # its labels are still in the viewer
    monkeypatch.setattr(UnfinishedCorrection.home, "_left", {})  # as in another process
    (work,) = UnfinishedCorrection.find()
    assert work.image.name == "cells"
