"""The widget Classify in a real viewer: objects, tiles and images get classes, with a network of a few steps."""

from __future__ import annotations

import csv
import threading

import numpy as np
import pytest
from class_scene import BRIGHT, CLASSES, IMAGE, LABELS, PLACES, class_of, settle
from mouse import Mouse, press_key
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QWidget,
)

from napari_medt.classifying.colours import class_colour
from napari_medt.viewer.layer_notes import notes_of
from src_models.models.library import find_model

pytestmark = pytest.mark.usefixtures("plugin_registered")


def rgb(colour):
    return [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]


def counts(widget):
    rows = widget.controls.result.counts
    return {rows.topLevelItem(row).text(0): rows.topLevelItem(row).text(1) for row in range(rows.topLevelItemCount())}


def test_every_object_gets_its_class_in_features_in_colour_and_in_the_table(classifying, classify):
    _, widget, _, objects = classifying()
    assert widget.controls.looked_at() == "objects"  # since there are labels on the image
    classify(widget)
    features = objects.features.set_index("index")
    assert features["class"].to_dict() == {number: class_of(number) for number in PLACES}
    assert (features["probability"] > 0.5).all()
    np.testing.assert_allclose(features[[f"p {name}" for name in CLASSES]].sum(axis=1), 1, atol=2e-4)
    assert not features["corrected"].any()
    for number in PLACES:
        np.testing.assert_allclose(objects.get_color(number)[:3], rgb(class_colour(BRIGHT[number])), atol=1e-3)
    assert counts(widget) == {"dark": "2", "bright": "3"}
    assert widget.controls.run_bar.status.text() == "Done: 5 objects: 3 bright, 2 dark."
    np.testing.assert_array_equal(objects.data, LABELS)
    made = notes_of(objects).provenance["classes"]
    assert made["model"] == "brightness"
    assert made["settings"]["looked_at"] == "objects"


def test_objects_get_their_own_colours_back(classifying, classify):
    _, widget, _, objects = classifying()
    before = [objects.get_color(number).tolist() for number in PLACES]
    classify(widget)
    widget.controls.result.by_class.click()
    assert [objects.get_color(number).tolist() for number in PLACES] == before
    widget.controls.result.by_class.click()
    np.testing.assert_allclose(objects.get_color(3)[:3], rgb(class_colour(1)), atol=1e-3)


def test_a_row_goes_to_its_object_and_shows_all_probabilities(classifying, classify):
    viewer, widget, image, _ = classifying(scale=(0.5, 2.0))
    classify(widget)
    table = widget.controls.result.objects
    rows = [table.model().data(table.model().index(row, 0)) for row in range(len(PLACES))]
    sure = widget.current().table.probabilities.max(axis=1)
    ids = widget.current().table.ids
    assert rows == [str(ids[at]) for at in np.argsort(sure)]
    table.selectRow(rows.index("20"))
    y, x, _ = PLACES[20]
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], image.data_to_world((y, x))[-2:], atol=0.1)
    assert widget.giving.chosen == 20
    names = [name for name, _ in widget.controls.result.bars.texts()]
    assert names[0] == "bright"
    frame = next(layer for layer in viewer.layers if layer.name.endswith("chosen object"))
    corners = np.array([frame.data_to_world(line[0]) for line in frame.data])
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    np.testing.assert_allclose(middle, image.data_to_world((y, x)), atol=0.1)


def test_a_frame_that_a_person_removes_stays_away_until_another_object_is_chosen(classifying, classify):
    viewer, widget, _, _ = classifying()
    classify(widget)
    widget.giving.choose(5, go=False)
    viewer.layers.remove(next(layer for layer in viewer.layers if layer.name.endswith("chosen object")))
    assert [layer.name for layer in viewer.layers] == ["discs", "objects"]
    assert widget.giving.chosen == 5
    widget.giving.choose(8, go=False)
    assert len(viewer.layers) == 3


def test_tiles_are_a_layer_of_their_own_in_the_colours_of_their_classes(classifying, classify):
    viewer, widget, image, _ = classifying(labels=None, scale=(2, 2), translate=(5, 7))
    widget.controls.choose_what("tiles")
    widget.controls.tile.setValue(30)
    classify(widget)
    tiles = next(layer for layer in viewer.layers if notes_of(layer).role == "class tiles")
    expected = np.arange(60)[:, None] // 30 * 3 + np.arange(90) // 30 + 1
    np.testing.assert_array_equal(tiles.data, expected)
    np.testing.assert_allclose(tiles.data_to_world((7, 9)), image.data_to_world((7, 9)))
    assert len(tiles.features) == 6
    table = widget.current().table
    for number in table.ids.tolist():
        colour = class_colour(CLASSES.index(table.class_of(number)))
        np.testing.assert_allclose(tiles.get_color(number)[:3], rgb(colour), atol=1e-3)
    classify(widget)
    assert sum(notes_of(layer).role == "class tiles" for layer in viewer.layers) == 1
    assert widget.controls.images.layer() is image


def test_a_whole_image_has_a_line_and_bars(classifying, classify):
    _, widget, _, _ = classifying(image=np.full((16, 16), 0.8, np.float32), labels=None)
    assert widget.controls.looked_at() == "image"
    classify(widget)
    result = widget.controls.result
    found = widget.current().table.class_of(1)
    assert result.chosen.text() == found.capitalize()
    assert result.bars.texts()[0][0] == found
    assert not result.objects.isVisibleTo(widget)
    assert widget.controls.run_bar.status.text().startswith(f"Done: {found} (")


def test_of_a_stack_each_plane_or_each_object_where_it_is_largest(classifying, classify):
    stack, objects = np.zeros((5, *IMAGE.shape), np.float32), np.zeros((5, *IMAGE.shape), np.int32)
    stack[1], objects[1] = IMAGE, LABELS
    stack[2] = IMAGE
    objects[2, 12, 15] = 3  # a pixel of it reaches into the next plane
    viewer, widget, image, labels = classifying(stack, objects, scale=(3, 1, 1), axis_labels=("z", "y", "x"))
    widget.controls.region.setCurrentIndex(widget.controls.region.findData("all"))
    classify(widget)
    assert labels.features.set_index("index")["class"].to_dict() == {number: class_of(number) for number in PLACES}
    widget.giving.choose(3, go=True)
    assert viewer.dims.current_step[0] == 1
    widget.controls.choose_what("image")
    classify(widget)
    assert len(widget.current().table.ids) == 5
    widget.giving.choose(3, go=True)
    assert viewer.dims.current_step[0] == 2
    assert widget.controls.images.layer() is image


def test_the_table_is_saved_as_a_file(classifying, classify, tmp_path, monkeypatch):
    _, widget, _, _ = classifying(scale=(0.5, 0.5), units="um")
    classify(widget)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (str(tmp_path / "discs"), ""))
    widget.controls.result.save.click()
    with (tmp_path / "discs.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = {int(row["index"]): row for row in csv.DictReader(file)}
    assert {number: row["class"] for number, row in rows.items()} == {number: class_of(number) for number in PLACES}
    y, x, _ = PLACES[11]
    assert (float(rows[11]["centre y (px)"]), float(rows[11]["centre x (µm)"])) == pytest.approx((y, x / 2), abs=0.3)
    assert int(rows[11]["area (px)"]) == (LABELS == 11).sum()
    assert widget.controls.run_bar.status.text() == "Saved 5 rows: discs.csv."
    widget.controls.result.save.click()  # the dialog asked about "discs", not about "discs.csv"
    assert "discs.csv" in widget.controls.run_bar.status.text()
    assert "Saved" not in widget.controls.run_bar.status.text()


def test_clicks_choose_objects_and_keys_give_classes(classifying, classify):
    viewer, widget, _, objects = classifying(show=True)
    classify(widget)
    mouse, canvas = Mouse(viewer), viewer.window._qt_viewer.canvas.native
    mouse.click(PLACES[5][:2])
    assert widget.giving.chosen is None  # clicking is off: the click is napari's
    widget.controls.correct.on.click()
    mouse.click(PLACES[5][:2])
    assert widget.giving.chosen == 5
    assert widget.controls.correct.words.text() == "Object 5: dark. What is it really?"
    press_key(canvas, Qt.Key.Key_2)
    features = objects.features.set_index("index")
    assert features["class"][5] == "bright"
    assert features["corrected"].to_dict() == {number: number == 5 for number in PLACES}
    np.testing.assert_allclose(objects.get_color(5)[:3], rgb(class_colour(1)), atol=1e-3)
    assert counts(widget) == {"dark": "1", "bright": "4"}
    mouse.click((2, 2))
    assert widget.giving.chosen is None
    press_key(canvas, Qt.Key.Key_1)
    assert counts(widget) == {"dark": "1", "bright": "4"}
    press_key(canvas, Qt.Key.Key_Z)
    assert objects.features.set_index("index")["class"][5] == "dark"
    assert not objects.features["corrected"].any()
    assert not widget.controls.correct.undo.isEnabled()


def test_a_drag_moves_the_view_while_clicks_choose(classifying, classify):
    viewer, widget, _, _ = classifying(show=True)
    classify(widget)
    widget.controls.correct.on.click()
    mouse = Mouse(viewer)
    before = viewer.scene.camera.center
    mouse.drag((30, 45), (30, 55), (30, 60))
    QApplication.processEvents()
    assert viewer.scene.camera.center != before
    assert widget.giving.chosen is None


def test_a_class_that_the_model_does_not_know_can_be_typed(classifying, classify):
    _, widget, _, objects = classifying()
    classify(widget)
    panel = widget.controls.correct
    panel.new.setText(" ring ")
    panel.add.click()  # nothing is chosen: it is only offered
    assert [button.property("class_name") for button in panel.buttons] == [*CLASSES, "ring"]
    assert not objects.features["corrected"].any()
    widget.giving.choose(8, go=False)
    panel.buttons[2].click()
    assert objects.features.set_index("index")["class"][8] == "ring"
    assert np.isnan(objects.features.set_index("index")["probability"][8])
    np.testing.assert_allclose(objects.get_color(8)[:3], rgb(class_colour(2)), atol=1e-3)


def test_the_next_unsure_one_is_one_that_nobody_looked_at(classifying, classify):
    _, widget, _, _ = classifying()
    classify(widget)
    order = widget.current().table.least_sure_first().tolist()
    for own in order:
        widget.controls.correct.next.click()
        assert widget.giving.chosen == own
        widget.giving.give(class_of(own))
    widget.controls.correct.next.click()
    assert widget.controls.run_bar.status.text() == "You have looked at all of them."


def test_cancelling_changes_nothing_and_the_widget_stays_usable(classifying, classify, monkeypatch, qtbot):
    import src_models.classifying.classify as module

    release, began, steps = threading.Event(), threading.Event(), module.classify_steps

    def held(*arguments, **keywords):
        began.set()
        release.wait(30)
        return (yield from steps(*arguments, **keywords))

    monkeypatch.setattr(module, "classify_steps", held)
    _, widget, _, objects = classifying()
    widget.controls.classify.click()
    assert began.wait(30)
    assert not widget.controls.classify.isEnabled()
    with qtbot.waitSignal(widget.ended, timeout=60_000):
        widget.controls.run_bar.cancel.click()
        release.set()
    assert widget.controls.run_bar.status.text() == "Cancelled; nothing was changed."
    assert objects.features.empty
    monkeypatch.setattr(module, "classify_steps", steps)
    classify(widget)
    assert len(objects.features) == 5


@pytest.mark.parametrize("gone", ["image", "labels"])
def test_what_is_removed_meanwhile_is_not_missed(classifying, monkeypatch, qtbot, gone, messages):
    import src_models.classifying.classify as module

    release, began, steps = threading.Event(), threading.Event(), module.classify_steps

    def held(*arguments, **keywords):
        began.set()
        release.wait(30)
        return (yield from steps(*arguments, **keywords))

    monkeypatch.setattr(module, "classify_steps", held)
    viewer, widget, image, objects = classifying()
    widget.controls.classify.click()
    assert began.wait(30)
    with qtbot.waitSignal(widget.ended, timeout=60_000):
        viewer.layers.remove(image if gone == "image" else objects)
        release.set()
    assert widget.current() is None
    assert messages == []


def test_what_is_missing_is_said_in_a_sentence(classifying, messages):
    _, widget, _, _ = classifying(labels=None)
    widget.controls.choose_what("objects")
    widget.controls.classify.click()
    assert messages[-1].startswith("No labels lie on this image yet.")
    assert widget.controls.labels_words.isVisibleTo(widget)
    widget.open_model(find_model("nuclei"))
    assert messages[-1] == "The model 'nuclei' segments by itself: open it in the widget Segment."


def test_labels_without_objects_are_refused(classifying, messages, qtbot):
    _, widget, _, _ = classifying(labels=np.zeros(IMAGE.shape, np.int32))
    with qtbot.waitSignal(widget.ended, timeout=60_000):
        widget.controls.classify.click()
    assert "hold no objects" in messages[-1]
    assert widget.controls.classify.isEnabled()


def test_without_an_image_there_is_nothing_to_press(classifying):
    _, widget, _, _ = classifying(image=None, labels=None)
    assert not widget.controls.classify.isEnabled()
    assert widget.controls.reading.text() == "Open an image to begin."


def test_a_result_goes_with_its_image_and_its_labels(classifying, classify):
    viewer, widget, image, objects = classifying()
    classify(widget)
    other = viewer.add_image(np.zeros((20, 20)), name="other")
    assert widget.controls.images.layer() is other
    assert widget.controls.result.empty.isVisibleTo(widget)
    viewer.layers.selection.active = image
    assert counts(widget) == {"dark": "2", "bright": "3"}
    viewer.layers.remove(objects)
    assert widget.current() is None


def test_every_control_has_a_tooltip(classifying, classify):
    _, widget, _, _ = classifying()
    classify(widget)
    kinds = (QAbstractButton, QComboBox, QLineEdit, QAbstractSpinBox, QAbstractItemView)
    controls = [control for control in widget.findChildren(QWidget) if isinstance(control, kinds)]
    silent = [control for control in controls if not _explained(control)]
    assert [f"{type(control).__name__} {control.objectName()}" for control in silent] == []


def _explained(control):
    """Whether a control has a tooltip, or is a part that Qt made of one that has."""
    inner = control.objectName().startswith("qt_") or type(control).__name__ in ("QHeaderView", "QTableCornerButton")
    return (
        inner
        or bool(control.toolTip())
        or isinstance(control.parent(), QComboBox | QAbstractItemView)
        or (control.metaObject().className() in ("QHeaderView", "QTableCornerButton", "QComboBoxListView"))
    )


def test_closing_the_dock_gives_the_mouse_back_and_takes_the_frame_away(classifying, classify, qtbot):
    viewer, widget, _, objects = classifying()
    classify(widget)
    before = len(viewer.mouse_drag_callbacks)
    widget.controls.correct.on.click()
    widget.giving.choose(3, go=False)
    viewer.window.remove_dock_widget(widget)
    QApplication.processEvents()
    assert not [layer for layer in viewer.layers if layer.name.endswith("chosen object")]
    assert len(objects.features) == 5
    assert len(viewer.mouse_drag_callbacks) == before
    settle(qtbot, widget)
