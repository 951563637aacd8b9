"""Which objects the Segment widget keeps, and a line dragged over one that says how large they are."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from qtpy.QtCore import Qt

from tests.gui.mouse import Mouse, press_key

pytestmark = pytest.mark.usefixtures("plugin_registered")


@pytest.fixture
def sized(open_widget, tmp_path, blob_model_path):
    """A viewer and the widget with a model that rescales images."""
    from src_models.checkpoint import Model, load, save

    model = load(blob_model_path)
    header = dataclasses.replace(model.header, object_diameter=24.0, diameter_range=(12.0, 48.0))
    path = save(Model(model.network, header), tmp_path / "rescaling.safetensors")

    def open_(**kwargs):
        viewer, widget = open_widget(**kwargs)
        widget.open_model(path)
        return viewer, widget

    return open_


def labels_in(viewer):
    return [layer.data for layer in viewer.layers if layer._type_string == "labels"][-1]


def test_what_is_set_is_what_the_shell_and_python_do(open_widget, run_to_end, expected):
    viewer, widget = open_widget()
    y, x = np.mgrid[:60, :90]
    places = ((15, 15, 7), (15, 45, 3), (40, 30, 9), (40, 88, 8), (42, 62, 6))
    inside = np.any([(y - cy) ** 2 + (x - cx) ** 2 < r**2 for cy, cx, r in places], axis=0)
    image = np.where(inside, 200, 20).astype(np.uint8)
    viewer.add_image(image)
    widget.result.setCurrentIndex(widget.result.findData("instances"))
    widget.sensitivity.slider.setValue(10)
    widget.left_out.least.setValue(8)
    widget.left_out.edge.setChecked(True)
    assert widget.sensitivity.said.text() == "+10 %"
    run_to_end(widget)
    options = {"sensitivity": 0.1, "least_size": 8.0, "drop_edge": True}
    wanted = expected(image, result="instances", **options).labels
    assert wanted.any()
    assert not np.array_equal(wanted > 0, expected(image, result="instances").labels > 0)
    np.testing.assert_array_equal(labels_in(viewer), wanted)
    settings = viewer.layers[-1].metadata["napari_medt"]["settings"]
    assert options.items() <= settings.items()


def test_classes_have_no_size(open_widget):
    _, widget = open_widget()
    assert not widget.left_out.isEnabled()
    widget.result.setCurrentIndex(widget.result.findData("instances"))
    assert widget.left_out.isEnabled()


@pytest.mark.parametrize("scale", [(1, 1), (0.25, 0.25)])
def test_a_line_dragged_over_an_object_gives_its_size(sized, qtbot, noise, scale):
    viewer, widget = sized(show=True)
    image = viewer.add_image(noise, scale=scale)
    centre = tuple(viewer.scene.camera.center)
    mouse = Mouse(viewer)
    centre = tuple(viewer.scene.camera.center)
    widget.measure.click()
    start, stop = np.array([10.0, 12.0]), np.array([26.0, 42.0])  # 34 px
    mouse.drag(start * scale, (start + stop) / 2 * scale, stop * scale)
    assert widget.diameter.value() == 34
    assert widget.settings().diameter == 34
    assert tuple(viewer.scene.camera.center) == centre  # the view stays
    line = viewer.layers["object size"]
    ends = np.array([line.data_to_world(place) for place in (line.data[0, 0], line.data[0].sum(axis=0))])
    np.testing.assert_allclose(ends, np.array([start, stop]) * scale, atol=0.6 * scale[0])
    assert viewer.layers.selection.active == image
    assert widget.images.layer() is image
    mouse.drag(start * scale, (start + (0, 8)) * scale, (start + (0, 20)) * scale)  # another one
    assert widget.diameter.value() == 20
    widget.measure.click()
    assert "object size" not in viewer.layers
    mouse.drag(start * scale, (start + stop) / 2 * scale, stop * scale)
    assert widget.diameter.value() == 20
    assert tuple(viewer.scene.camera.center) != centre  # a drag moves the view again


def test_escape_ends_measuring_wherever_the_focus_is(sized, noise):
    viewer, widget = sized(show=True)
    viewer.add_image(noise)
    mouse = Mouse(viewer)
    widget.measure.click()
    press_key(mouse.canvas, Qt.Key.Key_Escape)
    assert not widget.measure.isChecked()
    mouse.drag((10, 12), (12, 14), (26, 42))
    assert widget.diameter.value() == 0


def test_measuring_ends_with_the_run_and_with_the_dock(sized, run_to_end, noise):
    viewer, widget = sized(show=True)
    viewer.add_image(noise)
    mouse = Mouse(viewer)
    widget.measure.click()
    mouse.drag((10, 12), (12, 14), (26, 42))
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
