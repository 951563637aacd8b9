"""The Click widget in a real viewer, driven by mouse and keys, with a network that finds what is bright."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest
import tifffile
from discs import IMAGE, LARGE, OTHER, SMALL, STACK, disc, key, objects, overlap, settle
from mouse import CONTROL, RIGHT, SHIFT, Mouse
from outlined import outlined as shown
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QAbstractButton, QApplication, QComboBox, QFileDialog, QLineEdit, QSpinBox

from napari_medt.viewer.labels.object_records import objects_of
from src_models.images.grey.ct_windows import ct_window

pytestmark = pytest.mark.usefixtures("plugin_registered")

TURNED = {"scale": (0.5, 2.0), "rotate": 30, "translate": (4, -3)}


@pytest.mark.parametrize("place", [{}, TURNED], ids=["plain", "anisotropic and rotated"])
def test_a_click_outlines_the_object_and_a_key_writes_it_into_labels(clicking, do, place):
    viewer, widget, image = clicking(**place)
    mouse = Mouse(viewer)
    do(widget, mouse.click, image.data_to_world((30, 40)))
    assert overlap(shown(widget), SMALL) > 0.9
    assert not (shown(widget) & (LARGE | OTHER)).any()
    do(widget, key, widget, viewer, "A")
    labels = objects(viewer)
    assert overlap(labels.data == 1, SMALL) > 0.9
    np.testing.assert_allclose(labels.data_to_world((7, 9)), image.data_to_world((7, 9)))
    assert not shown(widget).any()
    do(widget, mouse.click, image.data_to_world((75, 110)))
    do(widget, key, widget, viewer, "A")
    assert overlap(labels.data == 2, LARGE) > 0.9
    assert overlap(labels.data == 1, SMALL) > 0.9


def test_what_an_object_was_made_by_is_kept_with_it_and_napari_takes_it_back(clicking, do, bright_model_path):
    viewer, widget, _image = clicking()
    mouse = Mouse(viewer)
    do(widget, mouse.click, (30, 40))
    do(widget, mouse.click, (75, 110), held=SHIFT)
    do(widget, widget.accept)
    labels = objects(viewer)
    (known,) = objects_of(labels)
    assert known["value"] == 1
    given = [(p["kind"], round(p["y"]), round(p["x"]), p["positive"]) for p in known["prompts"]]
    assert given == [("click", 30, 40, True), ("click", 75, 110, False)]
    assert len(known["model_sha256"]) == 64
    assert known["time"].startswith("20")
    labels.undo()
    assert not labels.data.any()
    assert objects_of(labels) == []
    labels.redo()
    assert overlap(labels.data == 1, SMALL) > 0.9


def test_shift_right_button_and_the_key_x_take_away(clicking, do):
    viewer, widget, _ = clicking()
    mouse = Mouse(viewer)
    do(widget, mouse.click, (30, 40))
    do(widget, mouse.click, (75, 110), held=SHIFT)
    do(widget, mouse.click, (95, 30), button=RIGHT)
    do(widget, key, widget, viewer, "X")
    do(widget, mouse.click, (10, 100))
    do(widget, mouse.click, (12, 110), held=SHIFT)  # flipped twice: on the object
    signs = [prompt.positive for prompt in widget.seen.state.planes[()].prompts]
    assert signs == [True, False, False, False, True]
    colors = widget.layers.points().face_color
    assert (colors[[1, 2, 3], 0] > 0.9).all()
    assert (colors[[0, 4], 1] > 0.8).all()


def test_a_drag_is_a_box_and_with_control_a_scribble(clicking, do):
    viewer, widget, _ = clicking()
    mouse = Mouse(viewer)
    center = tuple(viewer.scene.camera.center)
    do(widget, mouse.drag, (18, 28), (30, 35), (42, 52))
    (box,) = widget.seen.state.planes[()].prompts
    np.testing.assert_allclose((box.top, box.left, box.bottom, box.right), (18, 28, 42, 52), atol=0.6)
    assert overlap(shown(widget), SMALL) > 0.9
    do(widget, widget.reset)
    do(widget, mouse.drag, (70, 100), (75, 110), (80, 115), held=CONTROL)
    (scribble,) = widget.seen.state.planes[()].prompts
    np.testing.assert_allclose(scribble.line[0], (70, 100), atol=0.6)
    assert overlap(shown(widget), LARGE) > 0.9
    assert tuple(viewer.scene.camera.center) == center  # drags did not move the view
    do(widget, key, widget, viewer, "B")
    assert widget.controls.draws_scribbles()


def test_keys_work_whichever_layer_is_active_and_leave_typing_alone(clicking, do):
    viewer, widget, _ = clicking()
    mouse = Mouse(viewer)
    points = viewer.add_points(np.array([[5.0, 5.0]]), name="mine")
    for active in (points, viewer.add_labels(np.zeros((120, 160), int), name="others")):
        viewer.layers.selection.active = active
        do(widget, mouse.click, (30, 40))
        do(widget, mouse.click, (95, 30))
        before = shown(widget).sum()
        do(widget, key, widget, viewer, "Z")
        assert shown(widget).sum() < before
        do(widget, key, widget, viewer, "Z", SHIFT)
        assert shown(widget).sum() == before
        do(widget, key, widget, viewer, "R")
        assert not shown(widget).any()
        assert viewer.layers.selection.active is active
    assert len(points.data) == 1
    assert not points.selected_data  # A and R of a points layer did nothing
    field = QLineEdit(widget)
    event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_A, Qt.KeyboardModifier.NoModifier, "a")
    QApplication.sendEvent(field, event)
    assert field.text() == "a"
    widget.controls.on.setChecked(False)
    do(widget, mouse.click, (30, 40))
    assert not shown(widget).any()


def test_tools_of_the_active_layer_and_held_space_come_first(clicking, do):
    viewer, widget, _ = clicking()
    mouse = Mouse(viewer)
    labels = viewer.add_labels(np.zeros((120, 160), int), name="others")
    labels.mode = "paint"
    do(widget, mouse.click, (30, 40))
    assert labels.data.any()
    assert widget.layers.points() is None
    labels.mode = "pan_zoom"
    canvas = viewer.window._qt_viewer.canvas.native
    space = (Qt.Key.Key_Space, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(canvas, QKeyEvent(QEvent.Type.KeyPress, *space))
    do(widget, mouse.drag, (30, 40), (40, 60), (50, 80))
    QApplication.sendEvent(canvas, QKeyEvent(QEvent.Type.KeyRelease, *space))
    assert widget.layers.points() is None
    do(widget, mouse.click, (60, 80))
    assert len(widget.layers.points().data) == 1


def test_finished_objects_are_safe_unless_a_person_says_otherwise(clicking, do):
    viewer, widget, _ = clicking()
    mouse = Mouse(viewer)
    mine = np.zeros((120, 160), np.int32)
    mine[:, :40] = 7
    labels = viewer.add_labels(mine.copy(), name="mine")
    settle_combo(widget, labels)
    do(widget, mouse.click, (30, 42))
    assert not (shown(widget) & (mine == 7)).any()
    do(widget, widget.accept)
    assert ((labels.data == 7) == (mine == 7)).all()
    assert overlap(labels.data == 8, SMALL & (mine == 0)) > 0.85
    labels.undo()
    widget.controls.accepting.overwrite.setChecked(True)
    do(widget, mouse.click, (30, 42))
    do(widget, widget.accept)
    assert overlap(labels.data == 9, SMALL) > 0.9  # 8 was used


def settle_combo(widget, labels):
    widget.controls.accepting.choose(labels)
    assert widget.controls.accepting.layer() is labels


def test_an_object_that_is_all_finished_is_refused_and_not_lost(clicking, do, messages):
    viewer, widget, _ = clicking()
    mouse = Mouse(viewer)
    labels = viewer.add_labels(np.full((120, 160), 3, np.int32), name="full")
    do(widget, mouse.click, (30, 40))
    settle_combo(widget, labels)  # after the click: one on an object of these would open that
    do(widget, widget.accept)
    assert "tick Overwrite finished objects" in messages[-1]
    assert (labels.data == 3).all()
    widget.controls.accepting.overwrite.setChecked(True)
    do(widget, widget.accept)
    assert overlap(labels.data == 4, SMALL) > 0.9


def test_pixels_of_a_class_join_those_there_are(clicking, do):
    viewer, widget, _ = clicking()
    mouse = Mouse(viewer)
    accepting = widget.controls.accepting
    accepting.kind.setCurrentIndex(1)
    accepting.class_id.setValue(5)
    for place in ((30, 40), (75, 110)):
        do(widget, mouse.click, place)
        do(widget, widget.accept)
    assert set(np.unique(objects(viewer).data)) == {0, 5}
    assert overlap(objects(viewer).data == 5, SMALL | LARGE) > 0.9


def test_an_object_is_carried_through_the_stack_and_a_click_mends_from_there_on(clicking, do):
    viewer, widget, _ = clicking(STACK)
    viewer.dims.set_point(0, 3)
    mouse = Mouse(viewer)
    do(widget, mouse.click, (60, 80))
    do(widget, key, widget, viewer, "P")
    found = shown(widget)
    for z in range(1, 6):
        assert overlap(found[z], STACK[z] > 0) > 0.85
    assert not found[0].any()
    assert not found[6].any()
    assert "Found in slices 1 to 5" in widget.controls.ends.text()
    assert "vanishes" in widget.controls.ends.text()
    viewer.dims.set_point(0, 4)
    do(widget, mouse.click, (60, 84))
    assert [p.positive for p in widget.seen.state.planes[(4,)].prompts] == [True]
    do(widget, widget.accept)
    labels = objects(viewer).data
    assert overlap(labels == 1, STACK > 0) > 0.85
    objects(viewer).undo()
    assert not objects(viewer).data.any()  # one step takes the whole object back


def test_an_accepted_object_can_still_be_carried_and_keeps_its_number(clicking, do):
    viewer, widget, _ = clicking(STACK)
    viewer.dims.set_point(0, 3)
    mouse = Mouse(viewer)
    do(widget, mouse.click, (60, 80))
    do(widget, widget.accept)
    assert (objects(viewer).data > 0).any((1, 2)).tolist() == [False] * 3 + [True] + [False] * 3
    do(widget, widget.carry)
    do(widget, widget.accept)
    assert set(np.unique(objects(viewer).data)) == {0, 1}
    assert overlap(objects(viewer).data == 1, STACK > 0) > 0.85
    assert len(objects_of(objects(viewer))) == 1


def test_similar_objects_are_suggested_accepted_and_skipped_by_keys(clicking, do):
    discs = [disc(y, x, 8) for y in (25, 60, 95) for x in (30, 75, 120)]
    viewer, widget, _ = clicking(np.any(discs, axis=0).astype(np.float32))
    mouse = Mouse(viewer)
    do(widget, mouse.click, (60, 75))
    do(widget, key, widget, viewer, "A")
    do(widget, key, widget, viewer, "N")
    assert shown(widget).any()
    do(widget, key, widget, viewer, "N")  # skips the first
    for _ in range(7):
        assert shown(widget).any()
        do(widget, key, widget, viewer, "A")
    assert not shown(widget).any()
    labels = objects(viewer).data
    written = [max((overlap(labels == n, truth) for n in range(1, 9)), default=0) for truth in discs]
    assert sorted(score > 0.8 for score in written) == [False] + [True] * 8


def test_colour_channels_time_and_pyramids_are_clicked(clicking, do):
    colour = np.stack([IMAGE] * 3, -1)
    pyramid = [IMAGE, IMAGE[::2, ::2]]
    channels = np.stack([IMAGE, IMAGE, IMAGE])
    for image, options, shape in (
        (colour, {"rgb": True}, (120, 160)),
        (pyramid, {"multiscale": True}, (120, 160)),
        (channels, {"axis_labels": ("c", "y", "x")}, (1, 120, 160)),
    ):
        viewer, widget, _ = clicking(image, **options)
        do(widget, Mouse(viewer).click, (30, 40))
        do(widget, widget.accept)
        labels = objects(viewer).data
        assert labels.shape == shape
        assert overlap(labels.reshape(120, 160) == 1, SMALL) > 0.9


def test_only_the_surroundings_of_clicks_are_read_of_a_lazy_image(clicking, do):
    import dask.array

    read = []

    def block(block_info=None):
        location = block_info[None]["array-location"]
        read.append(tuple(start for start, _ in location))
        rows, columns = (np.arange(start, stop) for start, stop in location)
        return (((rows[:, None] - 1000) ** 2 + (columns[None] - 1000) ** 2) < 40**2).astype(np.float32)

    image = dask.array.map_blocks(block, chunks=((500,) * 16, (500,) * 16), dtype=np.float32)
    _viewer, widget, _ = clicking([image, image[::16, ::16]], multiscale=True)
    read.clear()
    widget.drag([(950, 950), (1000, 1000), (1050, 1050)])
    do(widget, lambda: None)
    assert 0 < len(set(read)) <= 9
    assert abs(int(shown(widget).sum()) - np.pi * 40**2) < 400


def test_the_view_from_the_side_is_clicked_as_it_is_seen(clicking, do):
    viewer, widget, _ = clicking(np.repeat(IMAGE[:, None], 9, axis=1), axis_labels=("z", "y", "x"))
    viewer.dims.order = (1, 0, 2)
    mouse = Mouse(viewer)
    viewer.dims.set_point(1, 4)
    do(widget, mouse.click, (30, 40))
    do(widget, widget.accept)
    labels = objects(viewer).data
    assert overlap(labels[:, 4] == 1, SMALL) > 0.9
    assert labels.any((0, 2)).tolist() == [False] * 4 + [True] + [False] * 4


def test_attention_of_the_answer_lies_where_the_network_looked(clicking, do, tmp_path):
    import torch

    from src_models.clicking.answering.network import ClickNetwork
    from src_models.clicking.click_image import ClickImage
    from src_models.clicking.prompts import PROMPT_CHANNELS, Click
    from src_models.images.axes import AxesReading
    from src_models.models.architectures import create
    from src_models.models.checkpoint import Model, load, save
    from src_models.models.header import Intensity, ModelHeader

    torch.manual_seed(0)
    config = {"in_channels": 6, "classes": 2, "widths": [4, 8, 8]}
    header = ModelHeader(
        name="gated", purpose="Tests", architecture="attention-unet", config=config, classes=("background", "object"),
        channels=("red", "green", "blue"), prompts=PROMPT_CHANNELS, tile=(64, 64), overlap=(16, 16),
        intensity=Intensity(kind="window", low=0.0, high=1.0),
    )  # fmt: skip
    path = save(Model(create("attention-unet", **config).eval(), header), tmp_path / "gated.safetensors")
    viewer, widget, image = clicking(**TURNED)
    do(widget, widget.open_model, path)
    do(widget, widget.click, image.data_to_world((30, 40)))
    do(widget, key, widget, viewer, "V")
    layer = widget.layers.attention()
    sizes = AxesReading("YX", IMAGE.shape, dict(zip("YX", TURNED["scale"], strict=True)))
    answers = ClickImage(IMAGE, ClickNetwork(load(path), "cpu"), axes=sizes).answers(())
    wanted = answers.attention(answers.next((Click(*image.world_to_data(image.data_to_world((30, 40)))),), None))
    names = [widget.controls.map_name.itemText(i) for i in range(widget.controls.map_name.count())]
    assert names == [found.name for found in wanted]
    np.testing.assert_allclose(layer.data, wanted[0].data, atol=1e-5)
    cell = tuple(s * 3 + t for s, t in zip(wanted[0].scale, wanted[0].translate, strict=True))
    np.testing.assert_allclose(layer.data_to_world((3, 3)), image.data_to_world(cell))
    do(widget, key, widget, viewer, "V")
    assert not layer.visible


def test_a_window_of_ct_acts_on_view_and_network_as_chosen(clicking, do):
    hounsfield = np.full((120, 160), -1000.0, np.float32)
    hounsfield[SMALL] = -500  # lung tissue: bright in the lung window, black in that of soft tissue
    hounsfield[LARGE] = 60
    _viewer, widget, image = clicking(hounsfield)
    assert widget.controls.window.isVisibleTo(widget)
    image.contrast_limits_range = (-1000, 3000)
    soft, lung = ct_window("soft tissue"), ct_window("lung")

    def sees():
        return widget.subjects.subject().intensity

    do(widget, widget.controls.window.choose, "lung")
    assert tuple(image.contrast_limits) == lung.limits
    assert sees() == lung.intensity
    do(widget, widget.click, (30, 40))
    assert overlap(shown(widget), SMALL) > 0.85
    do(widget, widget.controls.window.choose, "soft tissue", "network only")
    assert tuple(image.contrast_limits) == lung.limits
    assert sees() == soft.intensity
    # Answered anew: it is black there, and nothing is left but what was clicked on.
    assert np.abs(np.argwhere(shown(widget)) - (30, 40)).max() <= 3
    do(widget, widget.controls.window.choose, "lung", "view only")
    assert sees() is None
    do(widget, widget.controls.window.choose, "as shown")
    image.contrast_limits = (-1200, -200)
    assert (sees().low, sees().high) == (-1200, -200)
    image.contrast_limits = (0, 1)
    do(widget, widget.controls.window.choose, "bone")
    image.contrast_limits = (100, 200)  # by hand: a window of one's own
    assert widget.controls.window.window_name.currentText() == "as shown"


def test_microscopy_is_offered_no_window_of_ct(clicking):
    _, widget, _ = clicking()
    assert not widget.controls.window.isVisibleTo(widget)


def test_objects_and_clicks_are_saved_to_files(clicking, do, tmp_path, monkeypatch):
    viewer, widget, _ = clicking()
    do(widget, widget.click, (30, 40))
    do(widget, widget.accept)
    target = tmp_path / "cells.tif"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    do(widget, widget.controls.save.click)
    np.testing.assert_array_equal(tifffile.imread(target), objects(viewer).data)
    stored = json.loads((tmp_path / "cells.clicks.json").read_text())
    assert stored["labels"] == "cells.tif"
    assert [entry["value"] for entry in stored["objects"]] == [1]
    assert stored["objects"][0]["prompts"][0]["kind"] == "click"


KINDS = {".tif": "TIFF (*.tif *.tiff)", ".nii.gz": "NIfTI, for scans (*.nii.gz *.nii)"}


@pytest.mark.parametrize("ending", list(KINDS))
def test_an_ending_that_is_left_out_is_that_of_the_chosen_kind(clicking, do, tmp_path, monkeypatch, messages, ending):
    _, widget, _ = clicking()
    do(widget, widget.click, (30, 40))
    do(widget, widget.accept)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "day 1.5 h"), KINDS[ending]))
    do(widget, widget.controls.save.click)
    assert (tmp_path / f"day 1.5 h{ending}").is_file()
    assert "Saved: day 1.5 h" in widget.controls.status.text()
    do(widget, widget.controls.save.click)  # a person was not asked whether this file may go
    assert "this file exists" in messages[-1]


def test_everything_that_can_be_pressed_says_what_it_does(clicking):
    _, widget, _ = clicking()
    kinds = (QAbstractButton, QComboBox, QSpinBox)
    for control in [control for kind in kinds for control in widget.findChildren(kind)]:
        if control.objectName().startswith("qt_") or control.parent().objectName().startswith("qt_"):
            continue
        assert control.toolTip(), (type(control).__name__, getattr(control, "text", str)())
    for name in "AZRXN":
        assert any(
            f"({name})" in c.text() or f"key {name}" in c.toolTip() for c in widget.findChildren(QAbstractButton)
        )


# What goes wrong


@pytest.mark.parametrize("place", [(-20, 40), (60, 400)])
def test_a_click_outside_of_the_image_is_said_and_changes_nothing(clicking, do, messages, place):
    viewer, widget, _ = clicking()
    do(widget, widget.click, (30, 40))
    before = shown(widget).copy()
    do(widget, Mouse(viewer).click, place)
    assert "outside of layer" in messages[-1]
    np.testing.assert_array_equal(shown(widget), before)
    assert len(widget.layers.points().data) == 1


def test_a_click_beside_a_smaller_image_on_a_larger_one_is_outside(clicking, do, messages):
    viewer, widget, image = clicking()
    viewer.add_image(np.zeros((300, 300)), name="large below")
    widget.controls.images.choose(image)
    do(widget, Mouse(viewer).click, (200, 200))
    assert "outside of layer" in messages[-1]


def test_a_hidden_image_and_the_view_in_3d_are_said(clicking, do, messages):
    viewer, widget, image = clicking(STACK)
    image.visible = False
    do(widget, widget.click, (3, 60, 80))
    assert "is hidden" in messages[-1]
    image.visible = True
    viewer.dims.ndisplay = 3
    do(widget, widget.click, (3, 60, 80))
    assert "flat view" in messages[-1]
    assert widget.layers.points() is None


def test_a_click_in_another_slice_than_the_object_is_refused_with_a_way_out(clicking, do, messages):
    viewer, widget, _ = clicking(STACK)
    viewer.dims.set_point(0, 3)
    mouse = Mouse(viewer)
    do(widget, mouse.click, (60, 80))
    viewer.dims.set_point(0, 5)
    do(widget, mouse.click, (60, 80))
    assert "accept it, drop it, or carry it here" in messages[-1]
    assert len(widget.layers.points().data) == 1
    assert overlap(shown(widget)[3], STACK[3] > 0) > 0.85


def test_clicks_faster_than_answers_are_all_kept_and_the_latest_is_shown(clicking, do, qtbot, monkeypatch):
    from src_models.clicking.answering.network import ClickNetwork

    viewer, widget, _ = clicking()
    release, answer = threading.Event(), ClickNetwork.__call__

    def slow(self, *arguments):
        release.wait(20)
        return answer(self, *arguments)

    monkeypatch.setattr(ClickNetwork, "__call__", slow)
    mouse = Mouse(viewer)
    places = [(30, 40), (75, 110), (95, 30), (76, 112), (31, 41)]
    for place in places:
        mouse.click(place)
    qtbot.waitUntil(lambda: widget.layers.points() is not None)
    assert len(widget.layers.points().data) == 5  # they are seen before they are answered
    drawn = []
    widget.layers.show_object, show = (lambda *a: (drawn.append(a), show(*a))), widget.layers.show_object
    release.set()
    settle(qtbot, widget)
    given = widget.seen.state.planes[()].prompts
    np.testing.assert_allclose([(p.y, p.x) for p in given], places, atol=0.6)
    assert overlap(shown(widget), SMALL | LARGE | OTHER) > 0.9
    assert len(drawn) == 1
    do(widget, widget.undo)
    assert len(widget.seen.state.planes[()].prompts) == 4


def test_an_image_that_is_removed_takes_its_object_and_no_other(clicking, do, qtbot):
    viewer, widget, image = clicking()
    other = viewer.add_image(IMAGE[::-1].copy(), name="other")
    settle(qtbot, widget)
    do(widget, widget.click, (95, 40))
    do(widget, widget.accept)
    kept = objects(viewer).data.copy()
    viewer.layers.selection.active = image
    settle(qtbot, widget)
    do(widget, widget.click, (30, 40))
    widget.click((75, 110))
    viewer.layers.remove(image)
    settle(qtbot, widget)
    assert widget.controls.images.layer() is other
    np.testing.assert_array_equal(objects(viewer).data, kept)
    assert widget.layers.preview() is None
    do(widget, widget.click, (95, 40))
    assert shown(widget).any() or widget.seen.state.planes


def test_an_object_waits_while_another_image_is_clicked_in(clicking, do, qtbot):
    viewer, widget, image = clicking()
    do(widget, widget.click, (30, 40))
    other = viewer.add_image(IMAGE[::-1].copy(), name="other")
    viewer.layers.selection.active = other
    settle(qtbot, widget)
    do(widget, widget.click, (44, 110))
    assert overlap(shown(widget), LARGE[::-1]) > 0.9
    viewer.layers.selection.active = image
    settle(qtbot, widget)
    assert overlap(shown(widget), SMALL) > 0.9


def test_data_that_are_replaced_are_answered_anew(clicking, do, qtbot):
    _, widget, image = clicking()
    do(widget, widget.click, (30, 40))
    image.data = disc(30, 40, 14).astype(np.float32)
    settle(qtbot, widget)
    assert overlap(shown(widget), disc(30, 40, 14)) > 0.9
    image.data = np.zeros((50, 60), np.float32)
    settle(qtbot, widget)
    assert not widget.seen.state.planes  # of another size: the object is gone
    do(widget, widget.click, (10, 10))


def test_labels_of_another_shape_are_not_offered_and_refused_if_they_change(clicking, do, messages, qtbot):
    viewer, widget, _ = clicking()
    viewer.add_labels(np.zeros((50, 60), int), name="small")
    moved = viewer.add_labels(np.zeros((120, 160), int), name="moved", translate=(10, 10))
    names = [widget.controls.accepting.labels.itemText(i) for i in range(widget.controls.accepting.labels.count())]
    assert names == ["new labels"]
    assert moved in viewer.layers
    mine = viewer.add_labels(np.zeros((120, 160), np.int32), name="mine")
    settle_combo(widget, mine)
    do(widget, widget.click, (30, 40))
    mine.data = np.zeros((50, 60), np.int32)
    do(widget, widget.accept)
    assert "choose other labels, or new ones" in messages[-1]
    assert overlap(shown(widget), SMALL) > 0.9


def test_labels_that_are_removed_are_replaced_by_new_ones(clicking, do):
    viewer, widget, _ = clicking()
    do(widget, widget.click, (30, 40))
    do(widget, widget.accept)
    viewer.layers.remove(objects(viewer))
    do(widget, widget.click, (75, 110))
    do(widget, widget.accept)
    assert overlap(objects(viewer).data == 1, LARGE) > 0.9


def test_nothing_to_accept_to_carry_or_to_suggest_is_said(clicking, do, messages):
    _, widget, _ = clicking()
    for action, words in (
        (widget.accept, "no object to accept"),
        (widget.carry, "no object to carry"),
        (widget.suggest, "Accept one or two objects first"),
    ):
        do(widget, action)
        assert words in messages[-1]
    do(widget, widget.click, (10, 100), False)
    assert "Begin with a click on the object" in messages[-1]


def test_without_an_image_the_widget_says_what_to_do(clicking, messages):
    _, widget, _ = clicking(None)
    assert "Open an image" in widget.controls.status.text()
    widget.click((1, 1))
    assert "open one first" in messages[-1]


def test_models_that_segment_by_themselves_are_told_apart(clicking, tiny_model_path, messages, make_napari_viewer):
    _, widget, _ = clicking()
    names = [widget.controls.models._combo.itemText(i) for i in range(widget.controls.models._combo.count())]
    assert "nuclei" not in names
    widget.open_model(tiny_model_path)
    assert "open it in the widget Segment" in messages[-1]


def test_a_dock_that_is_closed_gives_the_mouse_and_the_keys_back(clicking, do, make_napari_viewer):
    untouched = list(make_napari_viewer().mouse_drag_callbacks)
    viewer, widget, _ = clicking()
    assert list(viewer.mouse_drag_callbacks) != untouched
    do(widget, widget.click, (30, 40))
    viewer.window.remove_dock_widget("all")
    assert list(viewer.mouse_drag_callbacks) == untouched
    assert widget.layers.preview() is None
    assert any(layer.name.endswith("- objects") for layer in viewer.layers)
