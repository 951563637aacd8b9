"""One click, one drag does one thing: who has the mouse of a viewer, and how that is shown."""

from __future__ import annotations

import numpy as np
import pytest
from discs import IMAGE, SMALL, key, objects, overlap
from mouse import Mouse
from outlined import outlined
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QApplication

from napari_medt.attention.pointer_tracking import PointerTracking
from napari_medt.controls.mouse import ClickMouse
from napari_medt.preferences import read_attention
from napari_medt.viewer.mouse_owner import MouseOwner


@pytest.fixture(autouse=True)
def documents(tmp_path, monkeypatch):
    """Corrections go into a folder of the test."""
    monkeypatch.setenv("XDG_DOCUMENTS_DIR", str(tmp_path / "documents"))


def test_while_a_brush_is_active_clicks_paint_and_the_switch_shows_it(clicking, do):
    viewer, widget, _ = clicking()
    mouse = Mouse(viewer)
    labels = viewer.add_labels(np.zeros((120, 160), int), name="others")
    assert widget.controls.on.isChecked()
    labels.mode = "paint"
    assert not widget.controls.on.isChecked()
    assert "A brush is active: clicks paint" in widget.controls.status.text()
    do(widget, mouse.click, (30, 40))
    assert labels.data.any()
    assert widget.layers.points() is None
    do(widget, key, widget, viewer, "A")  # napari's key
    assert "no object" not in widget.controls.status.text()
    widget.controls.on.click()
    assert labels.mode == "pan_zoom"
    assert widget.controls.on.isChecked()
    painted = labels.data.copy()
    do(widget, mouse.click, (30, 40))
    np.testing.assert_array_equal(labels.data, painted)
    assert overlap(outlined(widget), SMALL) > 0.9


def test_the_space_bar_moves_the_view_while_a_brush_is_in_hand(clicking, do):
    viewer, widget, _ = clicking()
    mouse = Mouse(viewer)
    labels = viewer.add_labels(np.zeros((120, 160), int), name="others")
    labels.mode = "paint"
    canvas = viewer.window._qt_viewer.canvas.native
    space = (Qt.Key.Key_Space, Qt.KeyboardModifier.NoModifier)
    before = tuple(viewer.scene.camera.center)
    QApplication.sendEvent(canvas, QKeyEvent(QEvent.Type.KeyPress, *space))
    do(widget, mouse.drag, (30, 40), (40, 60), (50, 80))
    QApplication.sendEvent(canvas, QKeyEvent(QEvent.Type.KeyRelease, *space))
    assert tuple(viewer.scene.camera.center) != before
    assert widget.layers.points() is None
    assert widget.layers.drawing() is None
    assert labels.mode == "paint"
    assert not widget.controls.on.isChecked()


def test_clicks_segment_again_when_the_brush_is_put_down_or_another_layer_chosen(clicking, do):
    viewer, widget, image = clicking()
    labels = viewer.add_labels(np.zeros((120, 160), int), name="others")
    labels.mode = "erase"
    assert "eraser is active" in widget.controls.status.text()
    viewer.layers.selection.active = image
    assert widget.controls.on.isChecked()
    assert "eraser" not in widget.controls.status.text()
    viewer.layers.selection.active = labels
    assert not widget.controls.on.isChecked()
    labels.mode = "pan_zoom"
    assert widget.controls.on.isChecked()
    widget.controls.on.setChecked(False)
    labels.mode = "fill"
    labels.mode = "pan_zoom"
    assert not widget.controls.on.isChecked()  # a person switched it off


def test_a_region_that_is_dragged_in_correct_is_no_object_in_click(clicking, do, qtbot):
    viewer, widget, _ = clicking()
    _, correct = viewer.window.add_plugin_dock_widget("napari-medt", "Correct and learn")
    mine = viewer.add_labels((IMAGE * 3).astype(np.int32), name="mine")
    correct.marking.choose(mine)
    region = correct.context.controls.marking.mark_region
    region.click()
    assert region.isChecked()
    assert not widget.controls.on.isChecked()
    assert "has the mouse now" in widget.controls.status.text()
    with qtbot.waitSignal(correct.marking.kept, timeout=60_000):
        Mouse(viewer).drag((10, 10), (30, 40), (60, 70))
    do(widget, lambda: None)
    assert widget.layers.points() is None
    assert widget.layers.drawing() is None
    region.click()
    widget.controls.on.click()  # and the other way round
    assert not region.isChecked()
    do(widget, Mouse(viewer).drag, (18, 28), (30, 35), (42, 52))
    assert overlap(outlined(widget), SMALL) > 0.9


def test_a_place_is_pinned_or_an_object_clicked_never_both(clicking, do, qtbot, blob_model_path):
    viewer, widget, image = clicking()
    _, attention = viewer.window.add_plugin_dock_widget("napari-medt", "Attention")
    attention.open_model(blob_model_path)
    attention.probe.follow.setChecked(True)
    with qtbot.waitSignal(attention.follower.opened, timeout=60_000):
        attention.look.click()
    assert not widget.controls.on.isChecked()
    viewer.layers.selection.active = image
    mouse = Mouse(viewer)
    with qtbot.waitSignal(attention.follower.answered, timeout=60_000):
        mouse.click((30, 40))
    assert attention.follower.pinned() is not None
    assert widget.layers.points() is None
    widget.controls.on.click()
    assert not attention.probe.follow.isChecked()
    assert read_attention().follow  # what a person prefers stays
    do(widget, mouse.click, (30, 40))
    assert attention.follower.pinned() is None
    assert overlap(outlined(widget), SMALL) > 0.9
    attention.probe.follow.click()
    assert not widget.controls.on.isChecked()


def test_a_click_is_heard_by_the_one_who_took_the_mouse_last(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    viewer.add_image(IMAGE)
    mouse = Mouse(viewer)
    clicks, pins = ClickMouse(viewer), PointerTracking(viewer)
    heard = []
    clicks.clicked.connect(lambda *_: heard.append("click"))
    pins.clicked.connect(lambda *_: heard.append("pin"))
    clicks.lost.connect(lambda: heard.append("click lost"))
    pins.lost.connect(lambda: heard.append("pin lost"))
    clicks.switch(True)
    mouse.click((30, 40))
    pins.switch(True)
    mouse.click((30, 40))
    clicks.switch(True)
    mouse.click((30, 40))
    QApplication.processEvents()
    assert heard == ["click", "click lost", "pin", "pin lost", "click"]
    clicks.switch(False)
    pins.switch(False)


def test_each_viewer_has_a_mouse_of_its_own(make_napari_viewer):
    one, other = make_napari_viewer(), make_napari_viewer()
    owner = MouseOwner.of(one)
    assert owner is MouseOwner.of(one)
    assert owner is not MouseOwner.of(other)


def test_objects_are_still_written_while_another_has_the_mouse(clicking, do):
    viewer, widget, _ = clicking()
    do(widget, Mouse(viewer).click, (30, 40))
    labels = viewer.add_labels(np.zeros((120, 160), int), name="others")
    labels.mode = "paint"
    do(widget, widget.controls.accept.click)
    assert overlap(objects(viewer).data == 1, SMALL) > 0.9
