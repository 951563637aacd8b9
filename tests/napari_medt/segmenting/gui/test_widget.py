"""The Segment widget's controls, and what it does when something is wrong or happens while it runs."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from napari.utils import progress
from qtpy.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit, QListWidget, QSpinBox, QWidget

from napari_medt.viewer.layer_notes import is_own_layer

pytestmark = pytest.mark.usefixtures("plugin_registered")


def test_opening_loads_no_torch():
    code = """
        import sys, time
        import napari
        viewer = napari.Viewer(show=False)
        start = time.perf_counter()
        _, widget = viewer.window.add_plugin_dock_widget("napari-medt", "Segment")
        seconds = time.perf_counter() - start
        heavy = [name for name in ("torch", "monai", "skimage", "dask", "lightning_fabric") if name in sys.modules]
        print("heavy:", heavy, "seconds:", seconds)
        viewer.close()
        sys.exit(1 if "torch" in heavy or "monai" in heavy or "lightning_fabric" in heavy else 0)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]


def test_every_control_has_a_tooltip(open_widget):
    _, widget = open_widget()
    kinds = (QAbstractButton, QComboBox, QLineEdit, QListWidget, QSpinBox)
    controls = [control for control in widget.findChildren(QWidget) if isinstance(control, kinds)]
    silent = [control for control in controls if not control.toolTip() and not control.objectName().startswith("qt_")]
    assert [type(control).__name__ for control in silent] == []


def test_without_an_image_there_is_nothing_to_press(open_widget):
    viewer, widget = open_widget()
    assert not widget.segment.isEnabled()
    assert "Open an image" in widget.reading.text()
    viewer.add_image(np.zeros((20, 30)))
    assert widget.segment.isEnabled()
    viewer.layers.clear()
    assert not widget.segment.isEnabled()


def test_the_image_follows_the_selection(open_widget, run_to_end, noise):
    viewer, widget = open_widget()
    first = viewer.add_image(noise, name="first")
    second = viewer.add_image(noise, name="second")
    assert widget.images.layer() is second
    viewer.layers.selection.active = first
    assert widget.images.layer() is first
    viewer.add_points(np.zeros((1, 2)))
    assert widget.images.layer() is first
    run_to_end(widget)
    assert widget.images.layer() is first
    assert widget.images.count() == 2  # attention maps are not listed
    viewer.layers.selection.active = second
    viewer.layers.selection.active = next(layer for layer in viewer.layers if is_own_layer(layer))
    assert widget.images.layer() is first  # the image the map came from


def test_a_renamed_layer_is_renamed_in_the_list(open_widget, noise):
    viewer, widget = open_widget()
    layer = viewer.add_image(noise, name="before")
    layer.name = "after"
    assert widget.images.currentText() == "after"


def test_a_line_says_how_the_image_is_read(open_widget):
    viewer, widget = open_widget()
    layer = viewer.add_image(np.zeros((40, 52, 51)), scale=(0.5, 0.5, 0.5), units="um")
    assert widget.reading.text() == "Z=40, Y=52, X=51, 1 channel, 0.5 µm"
    layer.scale = (1, 0.5, 0.5)
    assert widget.reading.text() == "Z=40, Y=52, X=51, 1 channel, 1 x 0.5 x 0.5 µm"
    widget.axes.setText("TYX")
    widget.axes.editingFinished.emit()
    assert widget.reading.text().startswith("T=40, Y=52, X=51")
    layer.data = np.zeros((7, 52, 51))
    assert widget.reading.text().startswith("T=7")


def test_what_to_run_on_suits_the_layer(open_widget):
    viewer, widget = open_widget()
    plane = viewer.add_image(np.zeros((52, 51)))
    assert widget.region.currentText() == "the whole image"
    viewer.add_image(np.zeros((40, 52, 51)))
    assert widget.region.currentText() == "this plane"
    widget.region.setCurrentIndex(1)
    viewer.layers[1].scale = (2, 1, 1)
    assert widget.region.currentText() == "all 40 planes"  # a choice outlives changes that do not touch it
    viewer.layers.selection.active = plane
    assert widget.region.currentText() == "the whole image"


def test_object_size_is_asked_only_where_the_model_rescales(open_widget, tmp_path, blob_model_path):
    import dataclasses

    from src_models.models.checkpoint import Model, load, save

    _, widget = open_widget()
    assert not widget.diameter.isVisibleTo(widget)
    model = load(blob_model_path)
    header = dataclasses.replace(model.header, object_diameter=24.0, diameter_range=(12.0, 48.0))
    widget.open_model(save(Model(model.network, header), tmp_path / "rescaling.safetensors"))
    assert widget.diameter.isVisibleTo(widget)
    assert widget.settings().diameter is None
    assert widget.diameter.text() == "automatic"
    widget.diameter.setValue(30)
    assert widget.settings().diameter == 30
    widget.diameter.setValue(0)
    learnt = Model(model.network, dataclasses.replace(header, estimates_diameter=False))
    widget.open_model(save(learnt, tmp_path / "learnt.safetensors"))
    assert widget.diameter.text() == "as it is"
    assert widget.settings().diameter is None


def test_a_file_that_is_no_model_is_refused(open_widget, tmp_path, messages):
    _, widget = open_widget()
    path = tmp_path / "pickle.safetensors"
    path.write_bytes(b"\x80\x04" + bytes(100))
    chosen = widget.models.path()
    widget.open_model(path)
    assert str(path) in messages[-1]
    assert widget.models.path() == chosen


@pytest.mark.parametrize(
    ("image", "words"),
    [
        pytest.param(np.full((20, 20), np.nan), "no value that is a finite number", id="NaN"),
        pytest.param(np.ones((2, 2, 2, 2, 9, 9)), "axes", id="6D"),
        pytest.param(np.ones((0, 9, 9)), "empty", id="empty"),  # complex and 1D images napari itself refuses
    ],
)
def test_bad_images_are_refused_by_name_and_the_widget_stays_usable(
    open_widget, run_to_end, messages, noise, image, words
):
    viewer, widget = open_widget()
    with np.errstate(all="ignore"):
        viewer.add_image(image, name="specimen 7", contrast_limits=(0, 1))
        if widget.region.count():
            widget.region.setCurrentIndex(widget.region.findData("all"))
        widget.segment.click()
    wait_until_idle(widget)
    assert len(messages) == 1
    assert "specimen 7" in messages[0]
    assert words in messages[0]
    assert not any(is_own_layer(layer) for layer in viewer.layers)

    viewer.layers.clear()
    viewer.add_image(noise)
    run_to_end(widget)
    assert sum(is_own_layer(layer) for layer in viewer.layers) == 3


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_filled_and_said_under_the_button(
    open_widget, run_to_end, messages, expected, noise, value
):
    viewer, widget = open_widget()
    spoilt = noise.astype(np.float32)
    spoilt[10:14, 20:30] = value
    viewer.add_image(spoilt, contrast_limits=(0, 255))
    run_to_end(widget)
    assert "NaN or infinite were taken as 0" in widget.advice.text()
    found = next(layer.data for layer in viewer.layers if layer._type_string == "labels")
    np.testing.assert_array_equal(found, expected(spoilt).labels)
    assert found.any()
    viewer.add_image(noise)
    run_to_end(widget)
    assert "NaN" not in widget.advice.text()
    assert messages == []


def test_what_was_said_of_an_image_goes_with_it(open_widget, run_to_end, noise):
    viewer, widget = open_widget()
    first = viewer.add_image(np.where(noise > 250, np.nan, noise), contrast_limits=(0, 255))
    run_to_end(widget)
    assert widget.run_bar.status.text().startswith("Done")
    assert widget.advice.text()
    viewer.add_image(noise)
    assert (widget.run_bar.status.text(), widget.advice.text()) == ("", "")
    viewer.layers.selection.active = first
    assert widget.run_bar.status.text() == ""


def test_a_model_file_that_went_is_said(open_widget, run_to_end, messages, noise, tmp_path, blob_model_path):
    viewer, widget = open_widget()
    path = tmp_path / "gone.safetensors"
    path.write_bytes(blob_model_path.read_bytes())
    widget.open_model(path)
    path.unlink()
    viewer.add_image(noise)
    run_to_end(widget)
    assert str(path) in messages[-1]
    assert widget.segment.isEnabled()


def test_a_bug_is_told_plainly_and_the_widget_stays_usable(open_widget, run_to_end, messages, noise, monkeypatch):
    import src_models.prediction.segment

    def broken(*args, **kwargs):
        yield src_models.prediction.segment.Progress(0, 2, "first")
        raise ZeroDivisionError("oh")

    viewer, widget = open_widget()
    viewer.add_image(noise, name="cells")
    with monkeypatch.context() as patch:
        patch.setattr(src_models.prediction.segment, "segment_steps", broken)
        run_to_end(widget)
    assert "cells" in messages[-1]
    assert "ZeroDivisionError" in messages[-1]
    run_to_end(widget)
    assert any(is_own_layer(layer) for layer in viewer.layers)


def test_cancel_leaves_no_layer(open_widget, qtbot, noise, held_run):
    viewer, widget = open_widget()
    viewer.add_image(noise)
    widget.segment.click()
    wait_until_computing(qtbot, widget)
    assert not widget.segment.isEnabled()
    assert widget.run_bar.cancel.isEnabled()
    with qtbot.waitSignal(widget.ended, timeout=60_000):
        widget.run_bar.cancel.click()
        held_run.set()
    assert len(viewer.layers) == 1
    assert "Cancelled" in widget.run_bar.status.text()
    assert widget.segment.isEnabled()
    assert not widget.run_bar.cancel.isEnabled()


def test_cancel_acts_within_a_tile(open_widget, qtbot, monkeypatch, noise):
    import src_models.prediction.segment

    done = []

    def slow(*args, **kwargs):
        for tile in range(1, 1000):
            time.sleep(0.05)
            done.append(tile)
            yield src_models.prediction.segment.Progress(tile, 1000, "slowly")

    monkeypatch.setattr(src_models.prediction.segment, "segment_steps", slow)
    viewer, widget = open_widget()
    viewer.add_image(noise)
    widget.segment.click()
    qtbot.waitUntil(lambda: len(done) >= 3, timeout=60_000)
    tiles = len(done)
    with qtbot.waitSignal(widget.ended, timeout=5_000):
        widget.run_bar.cancel.click()
    assert len(done) <= tiles + 2


def test_progress_is_told_with_an_estimate(open_widget, qtbot, monkeypatch, noise):
    import src_models.prediction.segment

    def slow(*args, **kwargs):
        for tile in range(1, 41):
            time.sleep(0.05)
            yield src_models.prediction.segment.Progress(tile, 40, f"tile {tile} of 40")
        raise src_models.prediction.segment.UserError("the end")

    monkeypatch.setattr(src_models.prediction.segment, "segment_steps", slow)
    viewer, widget = open_widget(show=True)
    viewer.add_image(noise, name="cells")
    lines, shares = [], []
    widget.run.progressed.connect(lambda share, line: (shares.append(share), lines.append(line)))
    with qtbot.waitSignal(widget.ended, timeout=60_000):
        widget.segment.click()
        assert [bar.desc for bar in progress._all_instances] == ["Segmenting cells"]
        assert widget.run_bar.bar.isVisible()
    assert "Loading model" in lines[0]
    assert shares[1:] == sorted(shares[1:])
    assert any("tile" in line and "left" in line for line in lines)
    assert len(progress._all_instances) == 0
    assert not widget.run_bar.bar.isVisible()


def test_the_image_removed_while_running(open_widget, qtbot, noise, held_run, messages):
    viewer, widget = open_widget()
    viewer.add_image(noise)
    widget.segment.click()
    wait_until_computing(qtbot, widget)
    with qtbot.waitSignal(widget.ended, timeout=60_000):
        viewer.layers.clear()
        held_run.set()
    assert len(viewer.layers) == 0
    assert messages == []
    viewer.add_image(noise)
    assert widget.segment.isEnabled()


def test_a_result_layer_removed_while_running(open_widget, qtbot, run_to_end, noise, held_run, messages):
    held_run.set()
    viewer, widget = open_widget()
    image = viewer.add_image(noise)
    run_to_end(widget)
    held_run.clear()
    with qtbot.waitSignal(widget.ended, timeout=60_000):
        widget.segment.click()
        for layer in [layer for layer in viewer.layers if layer is not image]:
            viewer.layers.remove(layer)
        held_run.set()
    assert sum(is_own_layer(layer) for layer in viewer.layers) == 3
    assert messages == []


def test_sliders_and_view_changed_while_running(open_widget, qtbot, held_run, messages):
    stack = np.random.default_rng(0).integers(0, 255, (4, 40, 40), np.uint8)
    viewer, widget = open_widget()
    viewer.add_image(stack, axis_labels=("z", "y", "x"))
    viewer.dims.set_current_step(0, 1)
    with qtbot.waitSignal(widget.ended, timeout=60_000):
        widget.segment.click()
        viewer.dims.set_current_step(0, 3)
        viewer.dims.ndisplay = 3
        viewer.dims.order = (2, 1, 0)
        held_run.set()
    labels = next(layer for layer in viewer.layers if is_own_layer(layer) and layer._type_string == "labels")
    assert [bool(plane.any()) for plane in labels.data] == [False, True, False, False]  # where Segment was pressed
    assert messages == []


def test_painting_goes_on_while_running(open_widget, qtbot, run_to_end, noise, held_run):
    held_run.set()
    viewer, widget = open_widget()
    viewer.add_image(noise)
    run_to_end(widget)
    labels = next(layer for layer in viewer.layers if is_own_layer(layer) and layer._type_string == "labels")
    held_run.clear()
    with qtbot.waitSignal(widget.ended, timeout=60_000):
        widget.segment.click()
        labels.paint((5, 5), 9)
        held_run.set()
    assert labels.data[5, 5] == 9


def test_the_viewer_closed_while_running(open_widget, qtbot, noise, held_run, messages):
    viewer, widget = open_widget()
    viewer.add_image(noise)
    widget.segment.click()
    wait_until_computing(qtbot, widget)
    held_run.set()
    viewer.close()
    qtbot.waitUntil(lambda: not widget.run.busy, timeout=10_000)
    assert messages == []


def test_the_dock_closed_while_running(
    make_napari_viewer, qtbot, noise, held_run, messages, blob_model_path, monkeypatch
):
    monkeypatch.setattr("napari_medt.running.steps_run._LEAVE_WITHIN", 300.0)
    viewer = make_napari_viewer()
    dock, widget = viewer.window.add_plugin_dock_widget("napari-medt", "Segment")
    widget.open_model(blob_model_path)
    viewer.add_image(noise)
    widget.segment.click()
    wait_until_computing(qtbot, widget)
    viewer.window.remove_dock_widget(dock)
    assert widget.run.busy  # the window does not wait for the tile
    held_run.set()
    qtbot.waitUntil(lambda: not widget.run.busy, timeout=10_000)
    assert not widget.run.running
    assert len(progress._all_instances) == 0
    viewer.add_image(noise)
    assert widget.images.layer() is None  # nothing listens any more
    viewer.layers.clear()
    assert messages == []


def test_closing_the_dock_waits_for_no_tile_and_nothing_is_shown_afterwards(
    make_napari_viewer, qtbot, monkeypatch, noise, blob_model_path
):
    import src_models.prediction.segment

    told = []

    def slow(*args, **kwargs):
        told.append("computing")
        time.sleep(3)  # a tile, which nobody can interrupt
        told.append("a tile is done")
        yield src_models.prediction.segment.Progress(1, 3, "slowly")
        told.append("another tile")

    monkeypatch.setattr(src_models.prediction.segment, "segment_steps", slow)
    viewer = make_napari_viewer()
    dock, widget = viewer.window.add_plugin_dock_widget("napari-medt", "Segment")
    widget.open_model(blob_model_path)
    viewer.add_image(noise)
    widget.segment.click()
    qtbot.waitUntil(lambda: bool(told), timeout=60_000)
    viewer.window.remove_dock_widget(dock)
    assert told == ["computing"]  # it is closed while the tile is being computed
    qtbot.waitUntil(lambda: not widget.run.busy, timeout=30_000)
    QApplication.processEvents()
    assert told == ["computing", "a tile is done"]
    assert len(viewer.layers) == 1


def test_the_window_has_its_turn_between_the_layers_of_a_result(open_widget, run_to_end, noise):
    from qtpy.QtCore import QTimer

    viewer, widget = open_widget()
    viewer.add_image(noise)
    turns, seen = [0], []
    timer = QTimer()
    timer.timeout.connect(lambda: turns.__setitem__(0, turns[0] + 1))
    viewer.layers.events.inserted.connect(lambda event: seen.append((event.value.name, turns[0])))
    timer.start(0)
    run_to_end(widget)
    timer.stop()
    assert len(seen) == 3
    assert len({turn for _, turn in seen}) == 3
    assert "labels" in seen[-1][0]  # which lie on top, and are chosen
    assert viewer.layers.selection.active.name == seen[-1][0]


def test_an_image_removed_while_its_results_are_being_shown(open_widget, qtbot, noise, messages):
    viewer, widget = open_widget()
    image = viewer.add_image(noise)
    viewer.layers.events.inserted.connect(lambda event: viewer.layers.remove(image) if image in viewer.layers else None)
    with qtbot.waitSignal(widget.ended, timeout=60_000):
        widget.segment.click()
    assert sum(is_own_layer(layer) for layer in viewer.layers) == 1
    assert not widget.segment.isEnabled()  # there is no image
    assert messages == []


def test_what_napari_needs_for_layers_is_loaded_by_the_thread_that_computes(blob_model_path):
    code = f"""
        import sys, threading
        from pathlib import Path
        import numpy as np
        from src_models.images.region import Region
        from napari_medt.viewer.result_layers import with_layers_ready
        from src_models.prediction.jobs import RegionRun, SegmentSettings, segmentation_steps
        image = np.zeros((40, 40))
        region = Region("YX", (slice(0, 40), slice(0, 40)), (40, 40), rgb=False)
        settings = SegmentSettings(model=Path({str(blob_model_path)!r}))
        job = RegionRun(settings=settings, data=image, region=region, layer_id=1, layer_name="a")
        before = "pandas" in sys.modules
        next(with_layers_ready(segmentation_steps(job)))
        print(before, "pandas" in sys.modules, "napari.utils.colormaps._accelerated_cmap" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["False", "True", "True"], done.stdout + done.stderr[-2000:]


def test_the_gui_stays_responsive(open_widget, qtbot, run_to_end, noise):
    from qtpy.QtCore import QTimer

    viewer, widget = open_widget()
    viewer.add_image(np.tile(noise, (6, 6)))
    run_to_end(widget)  # loads torch, which no one can do in pieces
    beats = [time.perf_counter()]
    timer = QTimer()
    timer.timeout.connect(lambda: beats.append(time.perf_counter()))
    timer.start(5)
    widget.run.ended.connect(timer.stop)
    run_to_end(widget)
    assert len(beats) > 10
    assert max(np.diff(beats)) < 0.5  # generous: the machine that runs this may be busy


def wait_until_computing(qtbot, widget):
    qtbot.waitUntil(lambda: "Loading" not in widget.run_bar.status.text(), timeout=60_000)


def wait_until_idle(widget, timeout=60.0):
    end = time.monotonic() + timeout
    while widget.run.running and time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)
    assert not widget.run.running
