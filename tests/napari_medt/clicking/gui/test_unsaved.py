"""What the Click widget keeps when its process is killed, and what it offers at the next start."""

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

import nibabel
import numpy as np
import pytest
import tifffile
from outlined import outlined
from qtpy.QtWidgets import QApplication, QFileDialog, QMessageBox

from napari_medt.viewer.labels.object_records import objects_of
from src_models.journal.journal import read_journal

pytestmark = [
    pytest.mark.usefixtures("plugin_registered"),
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX, and so is where the state lies"),
]


def disc(y, x, radius, shape=(120, 160)):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


FIRST, SECOND, THIRD = disc(30, 40, 9), disc(75, 110, 25), disc(95, 30, 10)
CLICKS = [(30, 40), (75, 110), (95, 30)]
IMAGE = (FIRST | SECOND | THIRD).astype(np.float32)
TRUTH = FIRST + 2 * SECOND.astype(int)

CHILD = """
import sys
import napari
from qtpy.QtTest import QTest

image, model = sys.argv[1:]
viewer = napari.Viewer()
viewer.open(image)
_, widget = viewer.window.add_plugin_dock_widget("napari-medt", "Click")
widget.open_model(model)

def settle():
    while widget.work.untold:
        QTest.qWait(10)
    QTest.qWait(50)

settle()
widget.click((30, 40))
widget.accept()
settle()
widget.click((75, 110))
widget.accept()
settle()
widget.click((95, 30))
settle()
print("at work", flush=True)
QTest.qWait(600_000)
"""


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


def settle(qtbot, widget):
    """Wait until everything that was asked for is answered and shown."""
    qtbot.waitUntil(lambda: widget.work.untold == 0, timeout=60_000)
    QApplication.processEvents()


def read_line(process, seconds=120):
    """Read a line that a process prints; a child that hangs fails the test instead of stopping it."""
    ready, _, _ = select.select([process.stdout], [], [], seconds)
    assert ready, "the child printed nothing"
    return process.stdout.readline()


@pytest.fixture(scope="module")
def killed(tmp_path_factory, bright_model_path):
    """Where a killed process had its image, and what it left in the folder of the person's state.

    It accepted two objects, clicked on a third, and was killed a second later. A copy of the folder of the state that
    was made while it lived shows that its work was there, and the widget of this process was not offered it.
    """
    folder = tmp_path_factory.mktemp("killed")
    image, state = folder / "cells.tif", folder / "state"
    tifffile.imwrite(image, IMAGE)
    place = {"XDG_STATE_HOME": str(state), "NAPARI_CONFIG": str(folder / "settings.yaml")}
    command = [sys.executable, "-c", CHILD, str(image), str(bright_model_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, **place})
    try:
        assert read_line(process) == b"at work\n"
        time.sleep(1)
        offered_alive = offers_in(state)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    return image, state, offered_alive


def offers_in(state):
    """Return what a widget would offer that finds its person's state in this folder."""
    from napari_medt.clicking.unsaved import UnfinishedObjects

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(state))
        return UnfinishedObjects.find()


@pytest.fixture
def journals(tmp_path):
    """Return a function that lists the folders of journals in this test's folder of the state."""
    return lambda: sorted((tmp_path / "state" / "napari-medt" / "unfinished").glob("*"))


@pytest.fixture
def start(make_napari_viewer, bright_model_path, qtbot):
    """Return a function that starts the widget, in a new viewer or one that is there."""

    def start_(viewer=None, model=True):
        viewer = viewer or make_napari_viewer()
        _, widget = viewer.window.add_plugin_dock_widget("napari-medt", "Click")
        if model:
            widget.open_model(bright_model_path)
        settle(qtbot, widget)
        return viewer, widget

    return start_


@pytest.fixture
def start_after_kill(killed, tmp_path, start, journals):
    """Return a function that starts the widget where another one's process was killed."""
    image, state, _ = killed

    def start_(**options):
        shutil.copytree(state, tmp_path / "state")
        assert len(journals()) == 1
        viewer, widget = start(**options)
        assert is_offered(widget)
        return viewer, widget

    assert image.exists()
    return start_


@pytest.fixture
def press(qtbot):
    """Return a function that presses a button of a widget and waits until that is done."""

    def press_(widget, button):
        button.click()
        settle(qtbot, widget)

    return press_


def is_offered(widget):
    return widget.controls.recovery.isVisibleTo(widget)


def objects(viewer):
    (labels,) = (layer for layer in viewer.layers if layer.name.endswith("- objects"))
    return labels


def prompts_of(entry):
    return [(prompt["kind"], prompt["y"], prompt["x"], prompt["positive"]) for prompt in entry["prompts"]]


def check_two_objects(labels):
    assert set(np.unique(labels.data)) == {0, 1, 2}
    assert overlap(labels.data == 1, FIRST) > 0.9
    assert overlap(labels.data == 2, SECOND) > 0.9
    assert [entry["value"] for entry in objects_of(labels)] == [1, 2]
    assert [prompts_of(entry) for entry in objects_of(labels)] == [[("click", *at, True)] for at in CLICKS[:2]]


def check_third_object(widget, viewer):
    """The third object's click is answered again, and can be accepted."""
    shown = outlined(widget)
    assert overlap(shown, THIRD) > 0.9
    assert not (shown & (FIRST | SECOND)).any()
    np.testing.assert_allclose(widget.layers.points().data, [CLICKS[2]])


def click_and_accept(qtbot, widget, at):
    widget.click(at)
    widget.accept()
    settle(qtbot, widget)


def open_image(viewer, path):
    return viewer.open(path)[0]


# After a kill


def test_after_a_kill_work_goes_on_where_it_was(killed, start_after_kill, press, qtbot, journals, messages):
    viewer, widget = start_after_kill()
    text = widget.controls.recovery.text.text()
    assert "2 objects in 'cells'" in text
    (old,) = journals()
    kept = read_journal(old).labels
    press(widget, widget.controls.recovery.go_on)
    image = widget.controls.images.layer()
    assert (image.name, Path(image.source.path)) == ("cells", killed[0])
    np.testing.assert_array_equal(image.data, IMAGE)
    labels = objects(viewer)
    check_two_objects(labels)
    np.testing.assert_array_equal(labels.data, kept)
    check_third_object(widget, viewer)
    assert not is_offered(widget)
    widget.accept()
    settle(qtbot, widget)
    assert overlap(labels.data == 3, THIRD) > 0.9
    assert [entry["value"] for entry in objects_of(labels)] == [1, 2, 3]
    widget.unsaved.watched.flush()
    (new,) = journals()
    assert new != old
    np.testing.assert_array_equal(read_journal(new).labels, labels.data)
    assert read_journal(new).notes["session"] is None
    assert messages == []


def test_the_window_does_not_wait_for_the_disk_when_work_goes_on(start_after_kill, press, disk_threads, journals):
    viewer, widget = start_after_kill()
    press(widget, widget.controls.recovery.go_on)
    check_two_objects(objects(viewer))
    assert len(journals()) == 1  # the new one: the old one was deleted
    assert {what for what, _ in disk_threads} == {"read_contents", "flush"}
    assert threading.main_thread() not in {thread for _, thread in disk_threads}


def test_work_that_goes_on_is_offered_once_when_its_dock_is_closed_before_it_is_kept_anew(
    start_after_kill, start, journals, qtbot
):
    viewer, widget = start_after_kill()
    (old,) = journals()
    widget.controls.recovery.go_on.click()
    qtbot.waitUntil(lambda: any(layer.name.endswith("- objects") for layer in viewer.layers))
    viewer.window.remove_dock_widget("all")
    (new,) = journals()
    assert new != old
    check_two_objects(objects(viewer))
    _, widget = start(viewer)
    assert not is_offered(widget)
    check_third_object(widget, viewer)


def test_what_goes_on_is_kept_as_well_before_its_clicks_are_answered(start_after_kill, press, journals, qtbot):
    """Killed again at once, or without a model, the person still has the click that was not accepted."""
    _, widget = start_after_kill(model=False)
    widget.controls.models._combo.setCurrentIndex(-1)
    assert widget.controls.models.path() is None
    (old,) = journals()
    press(widget, widget.controls.recovery.go_on)
    (new,) = journals()
    assert new != old
    done = read_journal(new).notes["session"]["done"]
    assert [(what["kind"], what["y"], what["x"]) for what in done] == [("click", *CLICKS[2])]


def test_clicks_that_waited_for_a_model_are_answered_once_there_is_one(
    start_after_kill, press, qtbot, bright_model_path
):
    viewer, widget = start_after_kill(model=False)
    widget.controls.models._combo.setCurrentIndex(-1)
    press(widget, widget.controls.recovery.go_on)
    widget.open_model(bright_model_path)
    settle(qtbot, widget)
    check_third_object(widget, viewer)


def test_an_image_that_is_open_already_is_gone_on_with(killed, start_after_kill, press):
    viewer, widget = start_after_kill()
    image = open_image(viewer, killed[0])
    press(widget, widget.controls.recovery.go_on)
    assert sum(layer.name.startswith("cells") for layer in viewer.layers) == 2  # the image and its objects
    assert widget.controls.images.layer() == image
    check_third_object(widget, viewer)


def test_deleting_asks_first(start_after_kill, press, journals, monkeypatch):
    viewer, widget = start_after_kill()
    asked, answer = [], QMessageBox.StandardButton.No
    monkeypatch.setattr(QMessageBox, "question", lambda *arguments: asked.append(arguments[-1]) or answer)
    press(widget, widget.controls.recovery.delete)
    assert "2 objects in 'cells'" in asked[0]
    assert len(journals()) == 1
    assert is_offered(widget)
    answer = QMessageBox.StandardButton.Yes
    press(widget, widget.controls.recovery.delete)
    assert journals() == []
    assert not is_offered(widget)
    assert len(viewer.layers) == 0


def test_later_keeps_it_for_the_next_start(start_after_kill, start, press, journals):
    _, widget = start_after_kill()
    press(widget, widget.controls.recovery.later)
    assert not is_offered(widget)
    assert len(journals()) == 1
    _, another = start()
    assert is_offered(another)


def test_the_work_of_a_living_process_is_not_offered(killed):
    _, state, offered_alive = killed
    assert offered_alive == []
    assert len(offers_in(state)) == 1


def test_an_image_whose_file_is_gone_is_asked_for_and_nothing_is_lost(
    killed, start_after_kill, start, press, journals, messages, tmp_path, monkeypatch
):
    image, *_ = killed
    away = image.with_name("moved.tif")
    image.rename(away)
    try:
        viewer, widget = start_after_kill()
        other = viewer.add_image(np.zeros((50, 60), np.float32), name="other")
        press(widget, widget.controls.recovery.go_on)
        assert "Open the image 'cells' to go on" in messages[-1]
        check_two_objects(objects(viewer))
        assert [layer.name for layer in viewer.layers] == [other.name, "cells - objects"]
        assert len(journals()) == 1
        viewer, widget = start()
        assert is_offered(widget)
        viewer.add_image(IMAGE, name="cells")  # opened by hand, from wherever it is now
        press(widget, widget.controls.recovery.go_on)
        check_two_objects(objects(viewer))
        check_third_object(widget, viewer)
    finally:
        away.rename(image)


def test_objects_that_do_not_lie_on_the_image_of_that_name_are_not_given_up(
    killed, start_after_kill, press, journals, messages
):
    image, *_ = killed
    away = image.with_name("moved.tif")
    image.rename(away)
    try:
        viewer, widget = start_after_kill()
        viewer.add_image(np.zeros((50, 60), np.float32), name="cells")
        press(widget, widget.controls.recovery.go_on)
    finally:
        away.rename(image)
    assert "another size or place" in messages[-1]
    check_two_objects(objects(viewer))
    assert len(journals()) == 1


def test_a_file_that_is_no_image_any_more_is_said_and_nothing_is_lost(
    killed, start_after_kill, press, journals, messages
):
    image, *_ = killed
    content = image.read_bytes()
    image.write_bytes(b"rubbish")
    try:
        _, widget = start_after_kill()
        press(widget, widget.controls.recovery.go_on)
    finally:
        image.write_bytes(content)
    assert "cells.tif could not be opened" in messages[-1]
    assert len(journals()) == 1


def test_the_old_journal_stays_while_the_disk_does_not_take_the_new_one(start_after_kill, press, journals, monkeypatch):
    _, widget = start_after_kill()
    (old,) = journals()

    def refuse(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        press(widget, widget.controls.recovery.go_on)
        assert old in journals()
        assert read_journal(old).labels.any()


def test_a_scan_is_opened_again_by_the_reader_that_opened_it(start, press, journals, qtbot, tmp_path, monkeypatch):
    scan = np.zeros((30, 40, 4), np.float32)
    scan[8:17, 20:31, :] = 1
    nibabel.save(nibabel.Nifti1Image(scan, np.diag([2, 2, 5, 1])), tmp_path / "scan.nii.gz")
    viewer, widget = start()
    (image,) = viewer.open(tmp_path / "scan.nii.gz", plugin="napari-medt")
    settle(qtbot, widget)
    inside = np.argwhere(np.asarray(image.data)[2] > 0.5)
    viewer.dims.set_current_step(0, 2)
    click_and_accept(qtbot, widget, image.data_to_world((2, *inside.mean(axis=0))))
    labels = objects(viewer)
    assert (labels.data == 1).sum() == pytest.approx(9 * 11, rel=0.1)
    widget.unsaved.watched.flush()
    shutil.copytree(tmp_path / "state", tmp_path / "as a kill leaves it")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "as a kill leaves it"))
    again, widget = start()
    press(widget, widget.controls.recovery.go_on)
    np.testing.assert_array_equal(objects(again).data, labels.data)
    opened = widget.controls.images.layer()
    assert opened.source.reader_plugin == "napari-medt"
    np.testing.assert_allclose(opened.data_to_world((1, 2, 3)), image.data_to_world((1, 2, 3)))
    np.testing.assert_allclose(objects(again).data_to_world((1, 2, 3)), image.data_to_world((1, 2, 3)))


# Without a kill


@pytest.fixture
def at_work(killed, start, qtbot):
    """Return a viewer and a widget where an object was accepted and another one was clicked."""
    viewer, widget = start()
    open_image(viewer, killed[0])
    settle(qtbot, widget)
    click_and_accept(qtbot, widget, CLICKS[0])
    click_and_accept(qtbot, widget, CLICKS[1])
    widget.click(CLICKS[2])
    settle(qtbot, widget)
    check_two_objects(objects(viewer))
    return viewer, widget


def test_a_dock_that_is_closed_and_opened_again_offers_nothing_and_loses_nothing(at_work, start, qtbot, journals):
    viewer, _ = at_work
    viewer.window.remove_dock_widget("all")
    labels = objects(viewer)
    check_two_objects(labels)
    _, widget = start(viewer)
    assert not is_offered(widget)
    check_two_objects(objects(viewer))
    check_third_object(widget, viewer)
    widget.accept()
    settle(qtbot, widget)
    assert objects(viewer) is labels
    assert overlap(labels.data == 3, THIRD) > 0.9
    widget.unsaved.watched.flush()
    (journal,) = journals()
    np.testing.assert_array_equal(read_journal(journal).labels, labels.data)


def test_a_layer_that_is_removed_after_its_dock_was_opened_again_leaves_nothing(at_work, start, journals):
    viewer, _ = at_work
    viewer.window.remove_dock_widget("all")
    start(viewer)
    viewer.layers.remove(objects(viewer))
    assert journals() == []


def save_to(path, widget, press, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    press(widget, widget.controls.save)


def test_objects_that_were_saved_to_a_file_leave_nothing_to_offer(
    at_work, press, journals, tmp_path, monkeypatch, qtbot
):
    viewer, widget = at_work
    widget.accept()
    settle(qtbot, widget)
    assert len(journals()) == 1
    save_to(tmp_path / "cells.tif", widget, press, monkeypatch)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "cells.tif"), objects(viewer).data)
    assert journals() == []


def test_an_object_that_was_begun_before_saving_and_accepted_after_it_is_kept(
    at_work, press, journals, tmp_path, monkeypatch, qtbot
):
    viewer, widget = at_work
    save_to(tmp_path / "cells.tif", widget, press, monkeypatch)
    widget.unsaved.watched.flush()
    (journal,) = journals()
    assert [(what["y"], what["x"]) for what in read_journal(journal).notes["session"]["done"]] == [CLICKS[2]]
    widget.accept()
    settle(qtbot, widget)
    widget.unsaved.watched.flush()
    assert overlap(read_journal(journal).labels == 3, THIRD) > 0.9
    np.testing.assert_array_equal(read_journal(journal).labels, objects(viewer).data)


def test_objects_that_are_suggested_after_saving_are_kept(at_work, press, journals, tmp_path, monkeypatch, qtbot):
    viewer, widget = at_work
    widget.reset()
    settle(qtbot, widget)
    save_to(tmp_path / "cells.tif", widget, press, monkeypatch)
    assert journals() == []
    widget.suggest()
    settle(qtbot, widget)
    assert outlined(widget).any()
    widget.accept()
    settle(qtbot, widget)
    assert 3 in objects(viewer).data
    widget.unsaved.watched.flush()
    (journal,) = journals()
    np.testing.assert_array_equal(read_journal(journal).labels, objects(viewer).data)


def test_a_labels_layer_that_is_removed_leaves_nothing_to_offer(at_work, start, journals, qtbot):
    viewer, widget = at_work
    assert len(journals()) == 1
    viewer.layers.remove(objects(viewer))
    assert journals() == []
    widget.accept()  # of the object that was begun: it goes into new labels, which are kept
    settle(qtbot, widget)
    widget.unsaved.watched.flush()
    (journal,) = journals()
    assert overlap(read_journal(journal).labels == 1, THIRD) > 0.9


def test_an_object_that_is_open_again_is_still_the_same_one_when_the_work_goes_on(start, qtbot):
    viewer, widget = start()
    viewer.add_image(IMAGE, name="image")
    settle(qtbot, widget)
    for at in ((30, 40), (75, 110)):
        widget.click(at)
        widget.accept()
        settle(qtbot, widget)
    widget.click((30, 40))
    settle(qtbot, widget)
    assert "Object 1 is open again" in widget.controls.status.text()
    widget.click((95, 30))
    settle(qtbot, widget)
    viewer.window.remove_dock_widget("all")
    _, other = start(viewer)
    settle(qtbot, other)
    assert overlap(outlined(other), FIRST | THIRD) > 0.9
    other.accept()
    settle(qtbot, other)
    assert set(np.unique(objects(viewer).data)) == {0, 1, 2}
    assert overlap(objects(viewer).data == 1, FIRST | THIRD) > 0.9
    assert overlap(objects(viewer).data == 2, SECOND) > 0.9
