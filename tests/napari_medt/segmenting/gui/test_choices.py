"""Which objects the Segment widget keeps, and a line dragged over one that says how large they are."""

from __future__ import annotations

import dataclasses

import dask.array as da
import numpy as np
import pytest
from mouse import LEFT, Mouse, press_key
from qtpy.QtCore import QEvent, Qt
from qtpy.QtTest import QTest
from slide_files import pyramid, tissue_slide

from src_models.files.slides import slide_tissue

pytestmark = pytest.mark.usefixtures("plugin_registered")


@pytest.fixture
def sized(open_widget, tmp_path, blob_model_path):
    """A viewer and the widget with a model that rescales images."""
    from src_models.models.checkpoint import Model, load, save

    model = load(blob_model_path)
    header = dataclasses.replace(model.header, object_diameter=24.0, diameter_range=(12.0, 48.0))
    path = save(Model(model.network, header), tmp_path / "rescaling.safetensors")

    def open_(**kwargs):
        viewer, widget = open_widget(**kwargs)
        widget.open_model(path)
        return viewer, widget

    return open_


def drag(mouse, *places):
    """Drag as slowly as a hand does: napari lets 5 ms go by between the moves that it looks at."""
    kinds = [QEvent.Type.MouseButtonPress, *[QEvent.Type.MouseMove] * (len(places) - 1)]
    for kind, place in zip(kinds, places, strict=True):
        mouse.send(kind, mouse.pixel(place), LEFT)
        QTest.qWait(20)
    mouse.send(QEvent.Type.MouseButtonRelease, mouse.pixel(places[-1]))


def labels_in(viewer):
    return [layer.data for layer in viewer.layers if layer._type_string == "labels"][-1]


def test_what_is_set_is_what_the_shell_and_python_do(open_widget, run_to_end, expected, tiny_model_path):
    viewer, widget = open_widget()
    widget.open_model(tiny_model_path)
    y, x = np.mgrid[:100, :120]
    places = ((20, 20, 9), (60, 60, 9), (40, 95, 6), (90, 119, 9))
    image = np.max([((y - cy) ** 2 + (x - cx) ** 2 < r**2) * 200 for cy, cx, r in places], axis=0).astype(np.uint8)
    viewer.add_image(image)
    widget.sensitivity.slider.setValue(10)
    widget.left_out.least.setValue(15)
    widget.left_out.edge.setChecked(True)
    widget.flips.setChecked(True)
    assert widget.sensitivity.said.text() == "+10 %"
    run_to_end(widget)
    options = {"sensitivity": 0.1, "least_size": 15.0, "drop_edge": True, "flips": True}
    wanted = expected(image, tiny_model_path, **options).labels
    np.testing.assert_array_equal(labels_in(viewer), wanted)
    assert wanted[60, 60] and not wanted[40, 95] and not wanted[90, 118]  # noqa: PT018
    assert "left out" in widget.run_bar.status.text()
    settings = viewer.layers[-1].metadata["napari_medt"]["settings"]
    assert options.items() <= settings.items()


def test_where_nothing_is_found_the_widget_says_what_to_try_and_keeps_saying_it(
    open_widget, run_to_end, messages, tiny_model_path
):
    viewer, widget = open_widget()
    widget.open_model(tiny_model_path)
    viewer.add_image(np.zeros((60, 70), np.uint8))
    run_to_end(widget)
    assert "0 objects" in widget.run_bar.status.text()
    assert "sensitivity" in widget.advice.text()
    assert "channel" in widget.advice.text()
    assert widget.advice.isVisibleTo(widget)
    assert messages == []


def test_classes_have_no_size(open_widget):
    _, widget = open_widget()
    assert not widget.left_out.isEnabled()
    widget.result.setCurrentIndex(widget.result.findData("instances"))
    assert widget.left_out.isEnabled()


@pytest.mark.parametrize("scale", [(1, 1), (0.25, 0.25)])
def test_a_line_dragged_over_an_object_gives_its_size(sized, qtbot, noise, scale):
    viewer, widget = sized(show=True)
    image = viewer.add_image(noise, scale=scale)
    mouse = Mouse(viewer)
    widget.measure.click()
    start, stop = np.array([10.0, 12.0]), np.array([26.0, 42.0])  # 34 px
    drag(mouse, start * scale, (start + stop) / 2 * scale, stop * scale)
    assert widget.diameter.value() == 34
    assert widget.settings().diameter == 34
    line = viewer.layers["object size"]
    ends = np.array([line.data_to_world(place) for place in (line.data[0, 0], line.data[0].sum(axis=0))])
    np.testing.assert_allclose(ends, np.array([start, stop]) * scale, atol=0.6 * scale[0])
    assert viewer.layers.selection.active == image
    assert widget.images.layer() is image
    drag(mouse, start * scale, np.add(start, (0, 8)) * scale, np.add(start, (0, 20)) * scale)  # another one
    assert widget.diameter.value() == 20
    widget.measure.click()
    assert "object size" not in viewer.layers
    drag(mouse, start * scale, (start + stop) / 2 * scale, stop * scale)
    assert widget.diameter.value() == 20


def test_escape_ends_measuring_wherever_the_focus_is(sized, noise):
    viewer, widget = sized(show=True)
    viewer.add_image(noise)
    mouse = Mouse(viewer)
    widget.measure.click()
    press_key(mouse.canvas, Qt.Key.Key_Escape)
    assert not widget.measure.isChecked()
    drag(mouse, (10, 12), (12, 14), (26, 42))
    assert widget.diameter.value() == 0


def test_whoever_takes_the_mouse_next_has_it(sized, noise):
    from napari_medt.controls.mouse import ClickMouse

    viewer, widget = sized(show=True)
    viewer.add_image(noise)
    mouse = Mouse(viewer)
    widget.measure.click()
    other = ClickMouse(viewer)
    other.switch(True)
    assert not widget.measure.isChecked()
    drag(mouse, (10, 12), (12, 14), (26, 42))
    assert widget.diameter.value() == 0
    other.switch(False)


def test_measuring_ends_with_the_run_and_with_the_dock(sized, run_to_end, noise):
    viewer, widget = sized(show=True)
    viewer.add_image(noise)
    mouse = Mouse(viewer)
    widget.measure.click()
    drag(mouse, (10, 12), (12, 14), (26, 42))
    run_to_end(widget)
    assert not widget.measure.isChecked()
    assert "object size" not in viewer.layers
    widget.measure.click()
    callbacks = len(viewer.mouse_drag_callbacks)
    widget.size_drag.stop()
    assert len(viewer.mouse_drag_callbacks) == callbacks - 1


def test_without_an_image_there_is_nothing_to_measure(sized, messages):
    _, widget = sized()
    widget.measure.click()
    assert not widget.measure.isChecked()
    assert "open one first" in messages[-1]


@pytest.mark.parametrize("kind", ["window", "percentile"])
def test_a_network_sees_what_its_model_file_says_whatever_is_shown(
    open_widget, run_to_end, ct_model_path, blob_model_path, kind
):
    """Labels are those of the network run by hand on the grey values that the header names."""
    import torch

    from src_models.models.checkpoint import load

    path = ct_model_path if kind == "window" else blob_model_path
    scan = np.random.default_rng(8).normal(50, 200, (32, 32)).astype(np.float32)
    model = load(path)
    header = model.header.intensity
    assert header.kind == kind
    low, high = (-150, 250) if kind == "window" else np.percentile(scan.astype(float), (header.low, header.high))
    seen = np.clip((scan - low) / (high - low), 0, 1) if kind == "window" else (scan - low) / (high - low)
    with torch.no_grad():
        logits = model.network(torch.from_numpy(seen.astype(np.float32))[None, None])
    wanted = logits.argmax(1)[0].numpy()
    assert 0 < wanted.mean() < 1
    viewer, widget = open_widget()
    widget.open_model(path)
    widget.result.setCurrentIndex(widget.result.findData("semantic"))
    layer = viewer.add_image(scan, contrast_limits=(-1350, 150))
    for limits in ((-1350, 150), (0, 80)):
        layer.contrast_limits = limits
        run_to_end(widget)
        assert (labels_in(viewer) != wanted).mean() < 0.002, limits


def test_glass_is_a_choice_for_whole_slides_alone(open_widget, tiny_model_path, monkeypatch):
    monkeypatch.setattr(slide_tissue, "LEAST_PIXELS", 10_000)
    data, _ = tissue_slide(128, 160, [(40, 50, 30)])
    levels = [da.from_array(level, chunks=(64, 64, 3)) for level in (data, *pyramid(data, 4))]
    viewer, widget = open_widget()
    widget.open_model(tiny_model_path)
    viewer.add_image(data, rgb=True, name="picture")
    assert not widget.rare.isRowVisible(widget.glass)
    slide = viewer.add_image(levels, rgb=True, multiscale=True, name="slide")
    assert widget.images.layer() is slide
    assert widget.rare.isRowVisible(widget.glass)
    job = widget._job(slide)
    assert not job.settings.glass
    assert [level.shape for level in job.levels] == [(32, 40, 3)], "in which tissue is looked for"
    widget.glass.setChecked(True)
    assert widget.settings().glass
