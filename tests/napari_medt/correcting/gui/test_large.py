"""The widget "Correct and learn" on a plane of many pixels: what a stroke costs in the thread of the window."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from correct_scene import follow, layer_of
from mouse import Mouse

from napari_medt.correcting.labels import begin, prediction_of
from napari_medt.correcting.layers import AFTER

SIDE = 2000


@pytest.fixture
def large(correcting):
    """Return a function that opens a large plane with labels that are corrected, and takes the brush in hand."""

    def open_():
        image = np.random.default_rng(3).integers(0, 99, (SIDE, SIDE), np.uint8)
        viewer, widget, _ = correcting(image, model=None)
        labels = widget.context.layers.new_labels(widget.context.target())
        labels.data[100:200, 100:200] = 1
        begin(labels, labels.data.copy(), model_name="nuclei", model_sha256="0")
        widget.marking.choose(labels)
        widget.marking.paint_object()
        labels.brush_size = 41
        follow(widget)
        return viewer, widget, labels

    return open_


@pytest.fixture
def handled(monkeypatch):
    """Note, for each array that is outlined or compared in the thread of the window, its number of pixels."""
    from napari.layers.labels import labels as napari_labels

    from napari_medt.correcting import labels as correction_labels
    from napari_medt.correcting import layers as correction_layers

    seen: list[int] = []
    contours, changed = napari_labels.get_contours, correction_labels.changed_in

    def noted(function, array, *rest):
        if threading.current_thread() is threading.main_thread():
            seen.append(array.size)
        return function(array, *rest)

    monkeypatch.setattr(napari_labels, "get_contours", lambda *given: noted(contours, *given))
    for module in (correction_labels, correction_layers):
        if hasattr(module, "changed_in"):
            monkeypatch.setattr(module, "changed_in", lambda *given: noted(changed, *given))
    return seen


def test_a_stroke_costs_the_window_what_it_touches(large, handled):
    viewer, widget, labels = large()
    mouse = Mouse(viewer)
    follow(widget)
    handled.clear()
    mouse.drag((1000, 1000), (1000, 1040), (1040, 1080))
    follow(widget)
    changed = labels.data != prediction_of(labels).data
    rows, columns = np.nonzero(changed)
    touched = (np.ptp(rows) + 50) * (np.ptp(columns) + 50)
    assert changed.sum() > 2000
    assert handled  # the outline has followed
    assert max(handled) <= touched
    assert widget.controls.marking.changed.text().startswith(f"Outlined in yellow: {changed.sum():,} px")


def test_the_outline_of_a_large_plane_is_as_fine_as_the_view(large):
    viewer, widget, labels = large()
    Mouse(viewer).drag((1000, 1000), (1000, 1040))
    follow(widget)
    changes = layer_of(viewer, "changes")
    whole = changes.data.shape
    assert np.prod(whole) <= 2**19
    step = round(changes.scale[0])
    assert step > 1
    padded = np.pad(labels.data != prediction_of(labels).data, [(0, -SIDE % step)] * 2)
    cells = padded.reshape(len(padded) // step, step, -1, step).any(axis=(1, 3))
    np.testing.assert_array_equal(changes.data > 0, cells)
    np.testing.assert_allclose(changes.data_to_world((0, 0)), [(step - 1) / 2] * 2)
    viewer.scene.camera.center = (0, 1000, 1020)
    viewer.scene.camera.zoom = 4
    follow(widget)
    np.testing.assert_allclose(changes.scale, 1)  # every pixel of what is in view
    corner = np.round(changes.data_to_world((0, 0))).astype(int)
    seen = tuple(slice(start, start + size) for start, size in zip(corner, changes.data.shape, strict=True))
    np.testing.assert_array_equal(changes.data > 0, (labels.data != prediction_of(labels).data)[seen])


def test_a_new_object_is_numbered_after_the_highest_but_for_background(large):
    _, widget, labels = large()
    labels.data[5, 5] = 77
    labels.data[1500, 1500] = prediction_of(labels).background
    widget.marking.paint_object()
    assert labels.selected_label == 78


def test_what_a_version_finds_is_outlined_as_finely_as_it_is_seen(large):
    viewer, widget, _ = large()
    image, found = viewer.layers["cells"], np.random.default_rng(4).integers(0, 3, (SIDE, SIDE), np.int32)
    target = widget.context.target()
    widget.context.layers.show_outlines(image, AFTER, target.region, found, view=widget.context.seen(target))
    after = layer_of(viewer, "after")
    step = round(after.scale[0])
    assert step > 1
    assert after.data.size <= 2**19
    top, left = np.round(np.subtract(after.data_to_world((0, 0)), (step - 1) / 2)).astype(int)
    height, width = after.data.shape
    np.testing.assert_array_equal(after.data, found[top::step, left::step][:height, :width])
    viewer.scene.camera.center = (0, 700, 1000)
    viewer.scene.camera.zoom = 5
    widget.context.layers.show_outlines(image, AFTER, target.region, found, view=widget.context.seen(target))
    np.testing.assert_allclose(after.scale, 1)
    top, left = np.round(after.data_to_world((0, 0))).astype(int)
    height, width = after.data.shape
    np.testing.assert_array_equal(after.data, found[top : top + height, left : left + width])
    after.data[...] = 0  # what is shown is a copy
    assert found[top : top + height, left : left + width].any()
