"""Accepted objects in the Click widget: opened again by a click, mended, and what is then written where."""

from __future__ import annotations

import numpy as np
from discs import IMAGE, LARGE, OTHER, SMALL, STACK, disc, key, objects, overlap
from mouse import SHIFT, Mouse
from outlined import outlined

from napari_medt.viewer.labels.object_records import objects_of


def test_an_accepted_object_that_is_clicked_is_open_again_and_mending_it_takes_pixels_away(clicking, do):
    viewer, widget, _ = clicking()
    mouse = Mouse(viewer)
    do(widget, mouse.click, (30, 40))
    do(widget, mouse.click, (75, 110))
    do(widget, key, widget, viewer, "A")
    labels, before = objects(viewer), objects(viewer).data.copy()
    assert overlap(before == 1, SMALL | LARGE) > 0.9
    assert f"({(before == 1).sum()} px)" in widget.controls.status.text()
    do(widget, mouse.click, (32, 42))
    assert "Object 1 is open again" in widget.controls.status.text()
    np.testing.assert_array_equal(outlined(widget), before == 1)
    assert [prompt.positive for prompt in widget.seen.state.planes[()].prompts] == [True, True]
    do(widget, key, widget, viewer, "Z")
    do(widget, key, widget, viewer, "A")
    assert set(np.unique(labels.data)) == {0, 1}
    assert overlap(labels.data == 1, SMALL) > 0.9
    assert not (labels.data[LARGE]).any()
    assert f"({(labels.data == 1).sum()} px)" in widget.controls.status.text()
    (known,) = objects_of(labels)
    assert len(known["prompts"]) == 1
    labels.undo()
    np.testing.assert_array_equal(labels.data, before)  # one step takes all of it back
    labels.redo()
    assert overlap(labels.data == 1, SMALL) > 0.9


def test_mending_in_a_stack_clears_the_planes_that_are_no_longer_the_objects_and_no_other_object(clicking, do):
    viewer, widget, _ = clicking(STACK)
    viewer.dims.set_point(0, 3)
    mouse = Mouse(viewer)
    do(widget, mouse.click, (60, 80))
    do(widget, key, widget, viewer, "P")
    do(widget, key, widget, viewer, "A")
    labels = objects(viewer)
    assert (labels.data == 1).any((1, 2)).tolist() == [False, *[True] * 5, False]
    labels.data[2, 55:62, 75:85] = 9  # somebody else's now
    labels.data[5, 0, 0] = 4
    do(widget, mouse.click, (60, 80))
    do(widget, key, widget, viewer, "Z")  # not carried
    do(widget, key, widget, viewer, "A")
    assert (labels.data == 1).any((1, 2)).tolist() == [False] * 3 + [True] + [False] * 3
    assert (labels.data[2] == 9).sum() == 70
    assert set(np.unique(labels.data)) == {0, 1, 4, 9}


def test_of_a_class_the_pixels_of_one_object_alone_are_replaced(clicking, do):
    viewer, widget, _ = clicking()
    mouse = Mouse(viewer)
    widget.controls.accepting.kind.setCurrentIndex(1)
    widget.controls.accepting.class_id.setValue(5)
    do(widget, mouse.click, (95, 30))
    do(widget, key, widget, viewer, "A")
    do(widget, mouse.click, (30, 40))
    do(widget, mouse.click, (75, 110))
    do(widget, key, widget, viewer, "A")
    do(widget, mouse.click, (75, 115))
    assert "is open again" in widget.controls.status.text()
    do(widget, key, widget, viewer, "Z")
    do(widget, key, widget, viewer, "A")
    assert overlap(objects(viewer).data == 5, SMALL | OTHER) > 0.9
    assert len(objects_of(objects(viewer))) == 2


def test_an_object_that_nobody_clicked_is_open_as_it_lies_in_the_labels(clicking, do):
    viewer, widget, _ = clicking()
    mine = viewer.add_labels(((SMALL & (np.arange(SMALL.shape[1]) < 40)) * 7).astype(np.int32), name="mine")
    mine.data[75, 110] = 7  # another piece of this number
    widget.controls.accepting.choose(mine)
    before = mine.data.copy()
    do(widget, Mouse(viewer).click, (30, 36))
    assert "Object 7 is open as it lies in the labels" in widget.controls.status.text()
    assert outlined(widget).sum() == (before == 7).sum() - 1
    do(widget, Mouse(viewer).click, (30, 46))
    do(widget, key, widget, viewer, "A")
    assert overlap(mine.data == 7, SMALL) > 0.9
    assert mine.data[75, 110] == 7
    assert (mine.data[before == 7] == 7).all()
    mine.undo()
    np.testing.assert_array_equal(mine.data, before)
    mine.redo()
    do(widget, Mouse(viewer).click, (30, 46))
    assert "Object 7 is open again" in widget.controls.status.text()


def test_an_object_of_any_labels_is_mended_in_its_place_through_the_slices(clicking, do, messages):
    viewer, widget, _ = clicking(STACK)
    viewer.dims.set_point(0, 3)
    truth = STACK.max() / 2 < STACK
    organs = np.where(truth, 4, 0).astype(np.uint8)
    organs[:, :, 85:][organs[:, :, 85:] > 0] = 0  # a model missed one side of it
    organs[3, :6, :6] = 4
    organs[3, :6, 10:16] = 5
    layer = viewer.add_labels(organs.copy(), name="found")
    do(widget, widget.controls.mend.click)
    do(widget, Mouse(viewer).click, (100, 10))
    assert "holds an object at this place" in messages[-1]
    viewer.cursor.position = (3, 60, 80)
    do(widget, key, widget, viewer, "M")
    assert widget.subjects.labels() == layer
    np.testing.assert_array_equal(outlined(widget), (organs == 4) & (np.indices(organs.shape)[1] > 6))
    do(widget, Mouse(viewer).click, (60, 90))
    do(widget, key, widget, viewer, "A")
    found = layer.data == 4
    assert overlap(found[1:6], truth[1:6]) > 0.9
    assert (layer.data[organs > 0] == organs[organs > 0]).all()
    (record,) = objects_of(layer)
    assert (record["value"], len(record["prompts"])) == (4, 1)
    layer.undo()
    np.testing.assert_array_equal(layer.data, organs)


def test_what_was_opened_again_stays_accepted_when_it_is_dropped_and_the_next_object_is_a_new_one(clicking, do):
    viewer, widget, _ = clicking()
    mouse = Mouse(viewer)
    do(widget, mouse.click, (30, 40))
    do(widget, key, widget, viewer, "A")
    before = objects(viewer).data.copy()
    do(widget, mouse.click, (30, 40))
    do(widget, key, widget, viewer, "R")
    np.testing.assert_array_equal(objects(viewer).data, before)
    do(widget, mouse.click, (75, 110))
    do(widget, key, widget, viewer, "A")
    np.testing.assert_array_equal(objects(viewer).data == 1, before == 1)
    assert overlap(objects(viewer).data == 2, LARGE) > 0.9


def test_what_a_person_painted_into_an_object_is_told_before_it_goes(clicking, do):
    viewer, widget, _ = clicking()
    mouse = Mouse(viewer)
    do(widget, mouse.click, (30, 40))
    do(widget, key, widget, viewer, "A")
    objects(viewer).data[30, 52:57] = 1
    do(widget, mouse.click, (30, 40))
    assert "5 px of it were changed by hand" in widget.controls.status.text()


def test_an_object_that_is_open_again_is_a_new_one_in_other_labels(clicking, do):
    viewer, widget, _ = clicking()
    mouse = Mouse(viewer)
    do(widget, mouse.click, (30, 40))
    do(widget, key, widget, viewer, "A")
    others = viewer.add_labels(OTHER.astype(np.int32), name="others")
    do(widget, mouse.click, (30, 40))
    widget.controls.accepting.choose(others)
    do(widget, key, widget, viewer, "A")
    np.testing.assert_array_equal(others.data == 1, OTHER)  # that number is another object's here
    assert overlap(others.data == 2, SMALL) > 0.9
    assert overlap(objects(viewer).data == 1, SMALL) > 0.9
    widget.controls.accepting.choose(objects(viewer))
    do(widget, mouse.click, (75, 110))
    widget.accept()
    widget.controls.accepting.choose(others)  # before it is written
    do(widget, lambda: None)
    assert overlap(objects(viewer).data == 2, LARGE) > 0.9
    assert not (others.data[LARGE]).any()


def test_a_click_within_an_accepted_object_begins_a_new_one_where_it_may_be_overwritten(clicking, do):
    viewer, widget, _ = clicking()
    mouse = Mouse(viewer)
    do(widget, mouse.click, (30, 40))
    do(widget, key, widget, viewer, "A")
    widget.controls.accepting.overwrite.setChecked(True)
    do(widget, mouse.click, (30, 40), held=SHIFT)  # refused: an object begins with a click on it
    do(widget, mouse.click, (30, 40))
    do(widget, key, widget, viewer, "A")
    assert set(np.unique(objects(viewer).data)) == {0, 2}


# Suggestions

DISCS = [disc(y, x, 8) for y in (25, 60, 95) for x in (30, 75, 120)]
NINE = np.any(DISCS, axis=0).astype(np.float32)


def test_all_suggestions_are_accepted_at_once_each_as_an_object_and_undone_in_one_step(clicking, do):
    viewer, widget, _ = clicking(NINE)
    do(widget, Mouse(viewer).click, (60, 75))
    do(widget, key, widget, viewer, "A")
    assert not widget.controls.accept_all.isEnabled()
    do(widget, key, widget, viewer, "N")
    assert "7 more" in widget.controls.suggestions.text()
    do(widget, key, widget, viewer, "A", SHIFT)
    labels = objects(viewer)
    assert set(np.unique(labels.data)) == set(range(10))
    for truth in DISCS:
        assert max(overlap(labels.data == number, truth) for number in range(1, 10)) > 0.8
    assert "8 objects accepted" in widget.controls.status.text()
    assert [entry["value"] for entry in objects_of(labels)] == list(range(1, 10))
    assert widget.controls.suggestions.text() == ""
    assert not outlined(widget).any()
    do(widget, Mouse(viewer).click, (25, 30))
    assert "is open again" in widget.controls.status.text()  # each knows its click
    do(widget, key, widget, viewer, "R")
    do(widget, key, widget, viewer, "N")
    assert "No more similar objects" in widget.controls.suggestions.text()
    labels.undo()
    assert set(np.unique(labels.data)) == {0, 1}


def test_suggestions_that_wait_stay_with_their_image(clicking, do, qtbot):
    viewer, widget, image = clicking(NINE)
    do(widget, Mouse(viewer).click, (60, 75))
    do(widget, widget.accept)
    do(widget, widget.suggest)
    assert "7 more" in widget.controls.suggestions.text()
    do(widget, viewer.add_image, IMAGE, name="next")
    assert widget.controls.images.layer().name == "next"
    assert widget.controls.suggestions.text() == ""
    assert not widget.controls.accept_all.isEnabled()
    do(widget, Mouse(viewer).click, (30, 40))
    do(widget, widget.accept)
    assert "accepted" in widget.controls.status.text()
    viewer.layers.selection.active = image
    do(widget, lambda: None)
    widget.suggest()
    viewer.layers.selection.active = viewer.layers["next"]  # before they are found
    do(widget, lambda: None)
    assert widget.controls.suggestions.text() == ""


def test_the_next_larger_and_smaller_object_and_the_last_slice_have_keys_and_buttons(clicking, do, monkeypatch):
    from src_models.clicking.answering.network import ClickNetwork

    radii = (8, 24, 50)
    rings = [disc(60, 80, radius) for radius in radii]

    def nested(self, images, given):
        """Find the whole of what is seen from afar, and what is brightest of it from near."""
        answers = []
        for image in images:
            fitting = [
                inside for inside in (np.asarray(image[0]) > at for at in (0.2, 0.5, 0.8)) if inside.mean() < 0.5
            ]
            answers.append(np.where(fitting[0] if fitting else np.asarray(image[0]) > 0.8, 0.95, 0.02))
        return np.array(answers, np.float32)

    def seeing(self, image, given):
        return nested(self, image[None], given)[0], image

    monkeypatch.setattr(ClickNetwork, "__call__", nested)
    monkeypatch.setattr(ClickNetwork, "with_features", seeing)
    viewer, widget, _ = clicking(sum(0.3 * ring for ring in rings).astype(np.float32))
    assert not widget.controls.larger.isEnabled()
    do(widget, Mouse(viewer).click, (60, 80))
    for _ in range(3):
        do(widget, key, widget, viewer, "Minus")
    assert overlap(outlined(widget), rings[0]) > 0.85
    do(widget, key, widget, viewer, "Plus", SHIFT)
    assert overlap(outlined(widget), rings[1]) > 0.85
    do(widget, widget.controls.larger.click)
    assert overlap(outlined(widget), rings[2]) > 0.85
    do(widget, widget.controls.smaller.click)
    assert overlap(outlined(widget), rings[1]) > 0.85
    do(widget, key, widget, viewer, "Z")
    assert overlap(outlined(widget), rings[2]) > 0.85


def test_a_person_says_in_which_slice_an_object_ends(clicking, do, messages):
    viewer, widget, _ = clicking(STACK)
    viewer.dims.set_point(0, 3)
    do(widget, Mouse(viewer).click, (60, 80))
    do(widget, key, widget, viewer, "P")
    viewer.dims.set_point(0, 4)
    do(widget, key, widget, viewer, "E")
    assert outlined(widget).any((1, 2)).tolist() == [False, *[True] * 4, False, False]
    assert "slices 1 to 4" in widget.controls.ends.text()
    do(widget, key, widget, viewer, "Z")
    assert outlined(widget).any((1, 2)).tolist() == [False, *[True] * 5, False]
    viewer.dims.set_point(0, 2)
    do(widget, widget.controls.end_here.click)
    assert outlined(widget).any((1, 2)).tolist() == [False, False, *[True] * 4, False]
    viewer.dims.set_point(0, 0)
    do(widget, key, widget, viewer, "E")
    assert "does not lie in this slice" in messages[-1]
