"""The outline of what was changed follows strokes and the view, and is worked out elsewhere."""

from __future__ import annotations

import threading

import numpy as np
from correct_scene import settle

from napari_medt.correcting import layers as correction_layers
from napari_medt.correcting.labels import begin
from napari_medt.correcting.layers import CHANGES

STACK = np.zeros((7, 48, 64), np.uint8)


def scene(correcting, qtbot):
    """A stack, labels that are being corrected, and the widget."""
    viewer, widget, _ = correcting(STACK, show=False)
    labels = widget.context.layers.new_labels(widget.context.target())
    begin(labels, labels.data.copy(), model_name=None, model_sha256=None)
    widget.marking.choose(labels)
    wait(widget, qtbot)
    return viewer, widget, labels


def wait(widget, qtbot):
    settle(qtbot, widget)
    qtbot.waitUntil(lambda: not widget.marking.changes.busy, timeout=10_000)


def outlined(widget):
    return np.asarray(widget.context.layers.find(CHANGES).data)


def test_a_stroke_is_outlined_where_it_is_and_undone_with_it(correcting, qtbot):
    viewer, widget, labels = scene(correcting, qtbot)
    plane = viewer.dims.current_step[0]
    labels.brush_size = 5
    labels.paint((plane, 20, 30), 4)
    wait(widget, qtbot)
    np.testing.assert_array_equal(outlined(widget)[0] == 1, labels.data[plane] == 4)
    labels.undo()
    wait(widget, qtbot)
    assert not outlined(widget).any()


def test_the_outline_is_that_of_the_plane_in_view(correcting, qtbot):
    viewer, widget, labels = scene(correcting, qtbot)
    labels.data[2, 5:9, 5:9] = 4
    viewer.dims.set_current_step(0, 2)
    wait(widget, qtbot)
    assert np.count_nonzero(outlined(widget)) == 16
    viewer.dims.set_current_step(0, 1)
    wait(widget, qtbot)
    assert not outlined(widget).any()


def test_pixels_are_looked_at_in_another_thread(correcting, qtbot, monkeypatch):
    _, widget, labels = scene(correcting, qtbot)
    threads, inner = [], correction_layers.changed_cells

    def changed_cells(*arguments):
        threads.append(threading.current_thread())
        return inner(*arguments)

    monkeypatch.setattr(correction_layers, "changed_cells", changed_cells)
    labels.paint((1, 20, 30), 4)
    wait(widget, qtbot)
    assert threads
    assert threading.main_thread() not in threads


def test_labels_that_are_not_corrected_any_more_are_not_followed(correcting, qtbot):
    _, widget, labels = scene(correcting, qtbot)
    changes = widget.marking.changes
    changes.watch(None)
    assert not widget.context.layers.find(CHANGES).visible
    labels.paint((1, 20, 30), 4)
    assert not changes.busy
