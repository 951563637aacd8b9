"""The widget Segment a folder in a real viewer: choose, start, cancel, look at a result, open the report."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QMessageBox

from napari_medt.segmenting.folder.widget import FolderWidget
from src_models.files.images import read_labels
from src_models.models.architectures import attention_names


@pytest.fixture
def plate(tmp_path, discs):
    """Three images, the second of them damaged."""
    folder = tmp_path / "plate"
    folder.mkdir()
    for number, name in enumerate("abc"):
        tifffile.imwrite(folder / f"{name}.tif", np.roll(discs, 3 * number, axis=1))
    (folder / "b.tif").write_bytes(b"II*\0 no more of it")
    return folder


@pytest.fixture
def open_folder(make_napari_viewer, qtbot, tiny_model_path, plate):
    """Return a function that opens a viewer with the widget, and chooses the folder."""

    def open_():
        viewer = make_napari_viewer(show=True)
        widget = FolderWidget(viewer)
        viewer.window.add_dock_widget(widget, name="Segment a folder")
        widget.controls.models.open_file(tiny_model_path)
        with qtbot.waitSignal(widget.listed, timeout=60_000):
            widget.choose([plate])
        return viewer, widget

    return open_


def start(widget, qtbot):
    with qtbot.waitSignal(widget.ended, timeout=60_000):
        qtbot.mouseClick(widget.controls.start, Qt.MouseButton.LeftButton)


def states(widget):
    return [row.state for row in widget.controls.table.rows()]


def test_a_folder_is_segmented_and_its_images_looked_at(open_folder, qtbot, tmp_path, monkeypatch, messages):
    viewer, widget = open_folder()
    controls = widget.controls
    output = tmp_path / "plate_tiny"
    assert controls.results.text() == str(output)
    assert states(widget) == ["waiting"] * 3
    start(widget, qtbot)
    assert states(widget) == ["done", "failed", "done"]
    assert controls.run_bar.status.text() == "2 of 3 images segmented; 1 failed, as the list says."
    model = controls.table.model()
    assert model.index(0, 2).data() == "2 objects"
    assert "b.tif" in model.index(1, 2).data()
    controls.table.selectRow(1)
    assert model.index(1, 2).data() in controls.words.text()

    browsed = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: browsed.append(url.toLocalFile()))
    qtbot.mouseClick(controls.report, Qt.MouseButton.LeftButton)
    assert browsed == [str(output / "report.html")]

    with qtbot.waitSignal(widget.opened, timeout=60_000):
        controls.table.doubleClicked.emit(model.index(0, 0))
    assert [layer.name for layer in viewer.layers] == ["a", "a_labels"]
    np.testing.assert_array_equal(viewer.layers[1].data, read_labels(output / "a_labels.tif"))
    with qtbot.waitSignal(widget.opened, timeout=60_000):
        controls.table.doubleClicked.emit(model.index(2, 0))
    assert {layer.name: layer.visible for layer in viewer.layers} == {
        "a": False, "a_labels": False, "c": True, "c_labels": True,
    }  # fmt: skip
    with qtbot.waitSignal(widget.opened, timeout=60_000):
        controls.table.doubleClicked.emit(model.index(0, 0))
    assert len(viewer.layers) == 4
    assert viewer.layers["a_labels"].visible
    with qtbot.waitSignal(widget.opened, timeout=60_000):
        controls.table.doubleClicked.emit(model.index(1, 0))
    assert "b.tif" in messages[-1]


def test_cancel_keeps_what_is_done_and_start_goes_on(open_folder, qtbot, tmp_path, held_run):
    _, widget = open_folder()
    widget.controls.start.click()
    qtbot.waitUntil(lambda: states(widget)[0] == "working", timeout=60_000)
    assert not widget.controls.settings.isEnabled()
    with qtbot.waitSignal(widget.ended, timeout=60_000):
        qtbot.mouseClick(widget.controls.run_bar.cancel, Qt.MouseButton.LeftButton)
        held_run.set()
    assert states(widget) == ["waiting"] * 3
    assert list((tmp_path / "plate_tiny").iterdir()) == []
    start(widget, qtbot)
    assert states(widget) == ["done", "failed", "done"]
    start(widget, qtbot)
    assert states(widget) == ["passed over", "failed", "passed over"]


def test_results_are_replaced_after_a_question_alone(open_folder, qtbot, tmp_path, monkeypatch):
    _, widget = open_folder()
    labels = tmp_path / "plate_tiny" / "a_labels.tif"
    labels.parent.mkdir()
    tifffile.imwrite(labels, np.zeros((70, 90), np.uint8))
    widget.controls.existing.setCurrentIndex(1)
    asked, buttons = [], QMessageBox.StandardButton
    answers = iter((buttons.No, buttons.Yes))
    monkeypatch.setattr(QMessageBox, "question", lambda *said: (asked.append(said[2]), next(answers))[1])
    start(widget, qtbot)
    assert asked == [f"1 of 3 images have results in {labels.parent}. Replace them?"]
    assert not read_labels(labels).any()
    start(widget, qtbot)
    assert read_labels(labels).any()


def test_a_folder_without_images_is_told_of_and_cannot_be_started(open_folder, qtbot, tmp_path, messages):
    _, widget = open_folder()
    (tmp_path / "empty").mkdir()
    with qtbot.waitSignal(widget.listed, timeout=60_000):
        widget.choose([tmp_path / "empty"])
    assert "holds no images" in messages[-1]
    assert not widget.controls.start.isEnabled()


def test_rare_settings_are_those_of_the_command(make_napari_viewer, plate, tiny_model_path, qtbot, messages):
    widget = FolderWidget(make_napari_viewer())
    qtbot.addWidget(widget)
    controls = widget.controls
    controls.models.open_file(tiny_model_path)
    with qtbot.waitSignal(widget.listed, timeout=60_000):
        widget.choose([plate])
    plain = widget._job()
    assert (plain.channels, plain.settings.attention, plain.workers) == (None, (), 1)
    controls.more.setChecked(True)
    controls.channels.setText("2, 0")
    controls.workers.setMaximum(4)
    controls.workers.setValue(3)
    names = attention_names(*(getattr(controls.models.header(), field) for field in ("architecture", "config")))
    assert controls.rare.isRowVisible(controls.attention) == bool(names)
    controls.attention.tick(tuple(names[:1]))
    job = widget._job()
    assert (job.channels, job.settings.attention, job.workers) == ((2, 0), tuple(names[:1]), 3)
    controls.channels.setText("red")
    widget.start()
    assert "are no list of numbers" in messages[-1]
    assert not controls.run.running
