"""The widget Measure in a real viewer."""

import csv

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

from napari_medt.measuring.widget import MeasureWidget

OBJECTS = {3: (slice(4, 9), slice(5, 25)), 8: (slice(20, 36), slice(30, 40))}
IMAGE = np.random.default_rng(0).integers(0, 500, (40, 60)).astype(np.uint16)


@pytest.fixture
def measuring(make_napari_viewer, qtbot):
    """Return a function that opens a viewer with an image, labels and the widget, and presses Measure."""

    def open_(**keywords):
        viewer = make_napari_viewer(show=True)
        place = {"scale": (0.5, 0.25), "units": ("um", "um")}
        viewer.add_image(IMAGE, name="image", **place)
        data = np.zeros(IMAGE.shape, np.uint8)
        for own, box in OBJECTS.items():
            data[box] = own
        labels = viewer.add_labels(data, name="cells", **place, **keywords)
        widget = MeasureWidget(viewer)
        viewer.window.add_dock_widget(widget, name="Measure")
        return viewer, widget, labels

    return open_


@pytest.fixture
def press(qtbot):
    def press_(widget):
        with qtbot.waitSignal(widget.ended, timeout=60_000):
            qtbot.mouseClick(widget.controls.measure, Qt.MouseButton.LeftButton)

    return press_


def test_measures_go_into_the_features_and_columns_of_others_stay(measuring, press):
    _, widget, labels = measuring(features={"index": [8], "stage": ["M"]})
    assert (widget.controls.labels.currentText(), widget.controls.images.currentText()) == ("cells", "image")
    press(widget)
    features = labels.features.set_index("index")
    assert features.loc[8, "stage"] == "M"
    for own, box in OBJECTS.items():
        assert features.loc[own, "area (µm²)"] == pytest.approx(IMAGE[box].size * 0.125)
        assert features.loc[own, "mean"] == pytest.approx(IMAGE[box].mean())
    assert widget.controls.run_bar.status.text() == "Measured 2 objects."


def test_a_later_run_replaces_the_columns_of_the_first(measuring, press):
    _, widget, labels = measuring(features={"index": [8], "stage": ["M"]})
    press(widget)
    widget.controls.images.setCurrentIndex(0)
    press(widget)
    assert "mean" not in labels.features
    assert {"stage", "area (µm²)"} <= set(labels.features)


def test_a_row_and_a_point_go_to_the_object(measuring, press):
    viewer, widget, labels = measuring()
    press(widget)
    widget.controls.table.selectRow(1)
    middle = (27.5 * 0.5, 34.5 * 0.25)
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], middle, atol=0.01)
    assert labels.selected_label == 8
    ring = viewer.layers["cells - measured object"]
    np.testing.assert_allclose(ring.data_to_world(ring.data[0]), middle)
    assert ring.size[0] > 16  # the object's longer side
    widget.controls.plot.chosen.emit(0)
    assert labels.selected_label == 3
    assert ring.size[0] == pytest.approx(1.8 * 2 * np.sqrt(100 / np.pi))
    assert widget.controls.table.current() == 0
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], (6 * 0.5, 14.5 * 0.25), atol=0.01)
    np.testing.assert_allclose(ring.data_to_world(ring.data[0]), (6 * 0.5, 14.5 * 0.25))
    viewer.add_labels(labels.data, name="other")
    assert not ring.visible


def test_the_ring_hides_nothing_around_an_object_that_is_small_on_the_screen(measuring, press):
    viewer, widget, _ = measuring()
    press(widget)
    widget.controls.table.selectRow(1)
    viewer.scene.camera.zoom = 3.5
    drawn = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    ring = (drawn[..., 0] < 60) & (drawn[..., 1:] > 150).all(-1)
    rows, columns = (np.flatnonzero(ring.any(axis)) for axis in (1, 0))
    assert 16 <= np.ptp(rows) <= 32, "as large as the object and a half"
    around = ring[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert 0 < around.mean() < 0.4


def test_the_table_is_saved_as_csv(measuring, press, tmp_path, monkeypatch):
    _, widget, _ = measuring()
    press(widget)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "t"), ""))
    widget.controls.save.click()
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [(row["id"], row["area (px)"]) for row in rows] == [("3", "100"), ("8", "160")]


def test_without_labels_a_person_is_told_what_to_do(make_napari_viewer):
    widget = MeasureWidget(make_napari_viewer())
    assert not widget.controls.measure.isEnabled()
    assert "open some" in widget.controls.words.text()


def test_other_labels_have_a_table_of_their_own_and_labels_that_go_take_theirs(measuring, press):
    viewer, widget, labels = measuring()
    press(widget)
    viewer.add_labels(np.ones(IMAGE.shape, np.uint8), name="one", scale=labels.scale, units=labels.units)
    assert widget.controls.labels.currentText() == "one"
    assert widget.table() is None
    viewer.layers.selection.active = labels
    assert len(widget.table()) == 2
    viewer.layers.remove(labels)
    assert widget.table() is None
    assert not widget.measured
