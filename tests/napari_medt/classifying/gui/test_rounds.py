"""Classes that a person gives are kept at once, come back with the image, and are learnt from in a real viewer."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from class_scene import BRIGHT, CLASSES, IMAGE, LABELS, PLACES, class_of, settle

from napari_medt.classifying import rounds as module
from src_models.classifying.class_corrections import ClassCorrectionSet
from src_models.errors import OutputError
from src_models.models.header import read_header

pytestmark = pytest.mark.usefixtures("plugin_registered")

MANY = np.zeros((100, 160), np.float32), np.zeros((100, 160), np.int32)
_rows, _columns = np.mgrid[:100, :160]
for _number in range(1, 16):
    _inside = np.hypot(_rows - (15 + 35 * ((_number - 1) // 5)), _columns - (15 + 30 * ((_number - 1) % 5))) < 5
    MANY[0][_inside], MANY[1][_inside] = (0.85 if _number % 2 else 0.2), _number


def give(qtbot, widget, own, name):
    widget.giving.choose(own, go=False)
    widget.giving.give(name)
    settle(qtbot, widget)


def test_a_class_is_on_disk_at_once_and_undo_takes_it_back(classifying, classify, class_folder, qtbot):
    _, widget, _, _ = classifying()
    classify(widget)
    assert not class_folder.exists()
    give(qtbot, widget, 5, "bright")
    (item,) = ClassCorrectionSet.open(class_folder).items
    y, x, _ = PLACES[5]
    assert (item.record.class_name, item.record.found, item.record.object_id) == ("bright", "dark", 5)
    assert item.record.position == (y, x)
    assert item.record.by
    picture = ClassCorrectionSet.open(class_folder).read(item.file).picture
    assert picture.shape == (16, 16)
    assert np.isclose(picture.max(), 0.25)
    assert widget.controls.learning.learn.text() == "Learn from 1 object"
    give(qtbot, widget, 5, "ring")
    assert [each.record.class_name for each in ClassCorrectionSet.open(class_folder).items] == ["ring"]
    widget.controls.correct.undo.click()
    settle(qtbot, widget)
    assert [each.record.class_name for each in ClassCorrectionSet.open(class_folder).items] == ["bright"]
    widget.controls.correct.undo.click()
    settle(qtbot, widget)
    assert ClassCorrectionSet.open(class_folder).items == ()
    assert widget.controls.learning.learn.text() == "Learn from what I corrected"


def test_given_classes_come_back_when_the_image_is_classified_again(classifying, classify, qtbot):
    _, widget, _, _ = classifying()
    classify(widget)
    give(qtbot, widget, 5, "bright")
    give(qtbot, widget, 8, "ring")
    _, again, _, objects = classifying(labels=LABELS * 2)  # the next day, with other numbers
    assert again.controls.learning.learn.text() == "Learn from 2 objects"
    classify(again)
    features = objects.features.set_index("index")
    assert features["class"].to_dict() == {
        2 * number: {5: "bright", 8: "ring"}.get(number, class_of(number)) for number in PLACES
    }
    assert features["corrected"].to_dict() == {2 * number: number in (5, 8) for number in PLACES}
    assert [button.property("class_name") for button in again.controls.correct.buttons] == [*CLASSES, "ring"]
    assert again.controls.correct.said.text() == "2 objects have the class that you gave before."


def test_what_is_learnt_is_in_use_and_can_be_left_again(classifying, classify, brightness_model_path, qtbot):
    _, widget, _, objects = classifying(*MANY)
    widget.rounds.settings = {"steps": 12, "validate_every": 4, "batch": 8, "learning_rate": 1e-3}
    classify(widget)
    panel = widget.controls.learning
    for number in (*range(1, 16, 2), *range(2, 10, 2)):  # the bright ones are of a class of their own from now on
        give(qtbot, widget, number, "ring" if number % 2 else "dark")
    assert panel.learn.isEnabled()
    panel.learn.click()
    assert not panel.learn.isEnabled()
    qtbot.waitUntil(lambda: widget.rounds.task is None, timeout=120_000)
    settle(qtbot, widget)
    version = widget.controls.models.path()
    assert version.name == "brightness-v1.safetensors", panel.result.text()
    assert read_header(version).classes == (*CLASSES, "ring")
    assert "are right instead of" in panel.result.text()
    assert panel.list.topLevelItem(1).text(0) == "brightness-v1 (in use)"
    before, after = (float(share.rstrip("%")) for share in panel.list.topLevelItem(1).text(1).split(" → "))
    assert after > before
    classify(widget)
    assert list(objects.features)[-1] == "p ring"
    panel.list.setCurrentItem(panel.list.topLevelItem(0))
    panel.use.click()
    settle(qtbot, widget)
    assert widget.controls.models.path() == brightness_model_path
    assert read_header(brightness_model_path).classes == CLASSES


def test_what_waits_to_be_written_when_the_dock_closes_is_written(classifying, classify, class_folder, qtbot):
    viewer, widget, _, _ = classifying()
    classify(widget)
    for number in PLACES:
        widget.giving.choose(number, go=False)
        widget.giving.give(CLASSES[BRIGHT[number]])
    viewer.window.remove_dock_widget(widget)
    kept = ClassCorrectionSet.open(class_folder).items
    assert {item.record.object_id: item.record.class_name for item in kept} == {n: class_of(n) for n in PLACES}
    with (class_folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 5


def test_where_a_class_cannot_be_kept_that_is_said(classifying, classify, monkeypatch, messages, qtbot):
    def full(given):
        raise OutputError("pictures cannot be written: the disk is full")

    monkeypatch.setattr(module, "_keep", full)
    _, widget, _, _ = classifying(image=IMAGE)
    classify(widget)
    give(qtbot, widget, 5, "bright")
    assert "not among those to learn from: pictures cannot be written: the disk is full" in messages[-1]
    assert widget.current().table.class_of(5) == "bright"
