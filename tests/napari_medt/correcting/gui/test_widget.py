"""The widget "Correct and learn" in a real viewer: a person mends, marks and learns, with a network of a few layers."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from correct_scene import (
    IMAGE,
    LEFT,
    LOW,
    PLACED,
    RIGHT,
    SHAPE,
    STACK,
    finish,
    follow,
    kept,
    labels_of,
    layer_of,
    mend,
    settle,
)
from mouse import SHIFT, Mouse, press_key
from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QEnterEvent
from qtpy.QtWidgets import QAbstractButton, QApplication, QComboBox, QFileDialog, QSpinBox

from napari_medt.correcting.labels import prediction_of
from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.models.header import read_header

pytestmark = pytest.mark.usefixtures("plugin_registered")


def test_a_person_segments_mends_marks_and_learns(correcting, press, learn, documents, dark_model_path):
    viewer, widget, _ = correcting()
    before = dark_model_path.read_bytes()
    press(widget, widget.controls.segment)
    labels = labels_of(viewer)
    assert viewer.layers.selection.active == labels
    assert str(labels.mode) == "paint"
    found = prediction_of(labels)
    np.testing.assert_array_equal(found.data, labels.data)
    assert found.model_name == "dark"
    mend(widget)
    press(widget, widget.controls.marking.mark_slice)
    assert widget.controls.run_bar.status.text() == "cells kept (1 correction so far)."
    ((_, correction),) = kept(documents / "cells")
    np.testing.assert_array_equal(correction.labels, LEFT | RIGHT | LOW)
    np.testing.assert_array_equal(correction.predicted, found.data)
    np.testing.assert_allclose(correction.image, IMAGE)
    assert correction.record.model_sha256 == found.model_sha256
    learn(widget)
    assert "rose from" in widget.controls.learning.result.text()
    version = documents / "cells" / "models" / "dark-v1.safetensors"
    assert read_header(version).parent_sha256 == found.model_sha256
    assert dark_model_path.read_bytes() == before
    assert widget.controls.models.path() == version
    plot = widget.controls.learning.plot
    assert len(plot.values["training"]) >= 4  # it is stopped after a validation, and these come every 4 steps
    assert max(plot.values["dice"]) > plot.values["dice"][0] + 0.2
    shown = [widget.controls.versions.list.topLevelItem(row).text(0) for row in range(2)]
    assert shown == ["dark", "dark-v1  ✓ in use"]


def test_changes_are_outlined_while_a_person_paints(correcting, press):
    viewer, widget, image = correcting(**{key: value[1:] for key, value in PLACED.items()})
    press(widget, widget.controls.segment)
    labels = labels_of(viewer)
    np.testing.assert_allclose(labels.data_to_world((7, 9)), image.data_to_world((7, 9)))
    settle_changes = layer_of(viewer, "changes")
    assert not np.asarray(settle_changes.data).any()
    labels.paint((70, 60), 1 - int(labels.data[70, 60]))
    follow(widget)
    changes = layer_of(viewer, "changes")
    np.testing.assert_array_equal(changes.data == 1, labels.data != prediction_of(labels).data)
    assert changes.data.any()
    np.testing.assert_allclose(changes.data_to_world((7, 9)), image.data_to_world((7, 9)))
    assert f"{int(changes.data.sum())} px" in widget.controls.marking.changed.text()
    changes.visible = False
    before = np.array(changes.data)
    labels.undo()
    follow(widget)
    np.testing.assert_array_equal(changes.data, before)  # nobody sees it, so nothing is worked out
    assert not widget.controls.marking.changed.isVisibleTo(widget)
    changes.visible = True
    labels.redo()
    labels.undo()
    follow(widget)
    assert not changes.data.any()


def test_only_what_was_painted_counts_with_background_by_a_brush_of_its_own(correcting, press, documents):
    viewer, widget, _ = correcting()
    press(widget, widget.controls.segment)
    labels = labels_of(viewer)
    labels.data[:] = prediction_of(labels).data[:] = 0
    viewer.layers.selection.active = viewer.layers["cells"]
    press_key(viewer.window._qt_viewer.canvas.native, Qt.Key.Key_B, SHIFT)
    assert viewer.layers.selection.active == labels
    labels.brush_size = 6
    labels.paint((80, 110), labels.selected_label)
    number = prediction_of(labels).background
    background = np.array(labels.data == number)
    assert background.any()
    widget.controls.marking.brush.click()
    labels.paint((28, 30), labels.selected_label)
    painted = np.array(labels.data == 1)
    press(widget, widget.controls.marking.mark_painted)
    ((_, correction),) = kept(documents / "cells")
    np.testing.assert_array_equal(correction.counts, background | painted)
    np.testing.assert_array_equal(correction.labels, painted)
    assert not (labels.data == number).any()  # it is background now, and can be undone
    np.testing.assert_array_equal(labels.data, painted)


def test_a_region_is_dragged_and_the_brush_is_given_back(correcting, press, documents, qtbot):
    viewer, widget, _ = correcting()
    press(widget, widget.controls.segment)
    mend(widget)
    labels = labels_of(viewer)
    mouse = Mouse(viewer)
    before = np.array(labels.data)
    widget.controls.marking.mark_region.click()
    mouse.drag((10, 20), (30, 50), (59, 99))
    settle(qtbot, widget)
    ((_, correction),) = kept(documents / "cells")
    rows, columns = np.nonzero(correction.counts)
    assert np.abs(np.array([rows.min(), rows.max(), columns.min(), columns.max()]) - (10, 59, 20, 99)).max() <= 1
    assert correction.counts.sum() == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    np.testing.assert_array_equal(labels.data, before)
    assert str(labels.mode) == "paint"
    assert not widget.controls.marking.mark_region.isChecked()


def test_slices_of_a_placed_stack_are_corrected_one_by_one(correcting, press, documents):
    viewer, widget, image = correcting(STACK, **PLACED)
    viewer.dims.set_current_step(0, 1)
    press(widget, widget.controls.segment)
    labels = labels_of(viewer)
    assert labels.data.shape == STACK.shape
    assert labels.data[1].any()
    assert not labels.data[[0, 2, 3]].any()
    mend(widget, (1,))
    follow(widget)
    changes = layer_of(viewer, "changes")
    assert changes.data.shape == (1, *SHAPE)
    np.testing.assert_allclose(changes.data_to_world((0, 7, 9)), image.data_to_world((1, 7, 9)))
    press(widget, widget.controls.marking.mark_slice)
    assert widget.controls.run_bar.status.text() == "Slice 1 of cells kept (1 correction so far)."
    viewer.dims.set_current_step(0, 2)
    press(widget, widget.controls.segment)
    np.testing.assert_array_equal(labels.data[1], LEFT | RIGHT | LOW)  # what was mended is still there
    press(widget, widget.controls.marking.mark_slice)
    planes = [item.record.source.plane for item in CorrectionSet.open(documents / "cells").items]
    assert planes == [(1,), (2,)]
    (first, _) = kept(documents / "cells")
    np.testing.assert_allclose(first[1].image, STACK[1])
    assert first[1].record.source.spacing == (0.5, 2.0)


def test_what_is_marked_is_listed_shown_and_taken_back(correcting, press, documents, messages, qtbot):
    viewer, widget, _ = correcting(STACK)
    listed = widget.controls.marked
    assert listed.chosen() is None
    assert not listed.withdraw.isEnabled()
    for plane in (1, 4):
        viewer.dims.set_current_step(0, plane)
        press(widget, widget.controls.segment)
        mend(widget, (plane,))
        press(widget, widget.controls.marking.mark_slice)
    assert [listed.list.topLevelItem(row).text(0) for row in range(2)] == ["slice 4", "slice 1"]
    ((_, first), _) = kept(documents / "cells")
    assert listed.list.topLevelItem(1).text(2) == f"{int(first.changed.sum()):,} px"
    listed.list.setCurrentItem(listed.list.topLevelItem(1))
    press(widget, listed.show_it)
    assert viewer.dims.current_step[0] == 1
    labels = np.array(labels_of(viewer).data)
    press(widget, listed.withdraw)
    (left,) = CorrectionSet.open(documents / "cells").items
    assert left.record.source.plane == (4,)
    assert len(CorrectionSet.open(documents / "cells").history) == 2
    assert [listed.list.topLevelItem(row).text(0) for row in range(listed.list.topLevelItemCount())] == ["slice 4"]
    assert widget.controls.learning.learn.text() == "Learn from 1 correction"
    np.testing.assert_array_equal(labels_of(viewer).data, labels)
    viewer.add_image(IMAGE, name="others")
    widget.set_folder(documents / "cells")
    settle(qtbot, widget)
    press(widget, listed.show_it)
    assert "open cells" in messages[-1]


def test_corrections_of_another_folder_are_added(correcting, press, documents, messages, monkeypatch, tmp_path, qtbot):
    _, widget, _ = correcting()
    other = CorrectionSet.open(tmp_path / "colleague")
    other.add(mark(IMAGE, LEFT.astype(int), source=Source(layer="theirs")))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(other.root))
    press(widget, widget.controls.segment)
    mend(widget)
    press(widget, widget.controls.marking.mark_slice)
    press(widget, widget.controls.marked.merge)
    assert widget.controls.run_bar.status.text() == "1 correction was added from colleague."
    assert [item.record.source.layer for item in CorrectionSet.open(documents / "cells").items] == ["cells", "theirs"]
    assert widget.controls.learning.learn.text() == "Learn from 2 corrections"
    assert widget.controls.marked.list.topLevelItem(0).text(0) == "theirs"
    press(widget, widget.controls.marked.merge)
    assert widget.controls.run_bar.status.text() == "All of colleague is here already."
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    press(widget, widget.controls.marked.merge)
    assert "holds no corrections" in messages[-1]


def test_images_and_masks_of_another_tool_are_added(correcting, press, documents, monkeypatch, tmp_path):
    _, widget, _ = correcting()
    for kind, array in (("images", IMAGE), ("masks", LEFT.astype(np.uint8))):
        (tmp_path / "theirs" / kind).mkdir(parents=True)
        tifffile.imwrite(tmp_path / "theirs" / kind / "well.tif", array)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "theirs"))
    press(widget, widget.controls.marked.merge)
    assert widget.controls.run_bar.status.text() == "1 correction was added from theirs."
    assert widget.controls.learning.learn.text() == "Learn from 1 correction"
    ((name, correction),) = CorrectionSet.open(documents / "cells").corrections()
    assert name == "well.tif"
    np.testing.assert_array_equal(correction.labels, LEFT)
    assert correction.counts.all()
    assert len(list((tmp_path / "theirs").rglob("*.*"))) == 2


def test_painted_slices_are_not_overwritten(correcting, press):
    viewer, widget, _ = correcting()
    press(widget, widget.controls.segment)
    mend(widget)
    painted = labels_of(viewer)
    press(widget, widget.controls.segment)
    both = [layer for layer in viewer.layers if "- to correct" in layer.name]
    assert len(both) == 2
    np.testing.assert_array_equal(painted.data, LEFT | RIGHT | LOW)
    assert "in the other labels" in widget.controls.run_bar.status.text()


@pytest.mark.parametrize("edited", [False, True], ids=["as they were found", "painted in before"])
def test_labels_of_the_segment_widget_are_mended_as_they_are(correcting, press, run_to_end, blob_model_path, edited):
    viewer, widget, _ = correcting()
    _, segment = viewer.window.add_plugin_dock_widget("napari-medt", "Segment")
    segment.open_model(blob_model_path)
    run_to_end(segment)
    labels = next(layer for layer in viewer.layers if layer.name.endswith("blobs labels"))
    found = np.array(labels.data)
    if edited:
        widget.controls.labels.offer([], None)
        labels.paint((40, 40), 1 - int(found[40, 40]))
    widget.marking.offer_labels()
    assert widget.marking.labels() == labels
    np.testing.assert_array_equal(prediction_of(labels).data, found)
    assert prediction_of(labels).model_name == "blobs"


def test_labels_that_a_person_made_are_all_theirs(correcting, press, documents):
    viewer, widget, _ = correcting()
    mine = viewer.add_labels((LEFT | LOW).astype(int), name="mine")
    assert widget.marking.labels() is None  # nobody asked for them
    widget.controls.labels.setCurrentIndex(1)
    assert widget.marking.labels() == mine
    press(widget, widget.controls.marking.mark_painted)
    ((_, correction),) = kept(documents / "cells")
    np.testing.assert_array_equal(correction.counts, LEFT | LOW)
    assert correction.record.model_name is None


def test_labels_that_lie_elsewhere_are_named_and_those_without_a_place_are_laid_on_the_image(correcting, qtbot):
    """As of a scan: it is placed by its affine alone."""
    affine = np.array([[1, 0, 40], [0, -1, 60], [0, 0, 1.0]])
    viewer, widget, image = correcting(affine=affine, scale=(0.5, 0.5))
    mirrored = affine @ np.diag([1.0, -1, 1])
    viewer.add_labels(LEFT.astype(int), name="mirrored", affine=mirrored, scale=(0.5, 0.5))
    plain = viewer.add_labels(LEFT.astype(int), name="plain")
    labels = widget.controls.labels
    assert [labels.itemText(row) for row in range(labels.count())] == ["none yet", "plain"]
    hint = widget.controls.marking.hint.text()
    assert "The labels 'mirrored' do not lie on 'cells': it is stored the other way round along x" in hint
    assert "plain" not in hint
    labels.setCurrentIndex(1)
    assert "'plain' have no place of their own" in widget.controls.run_bar.status.text()
    for corner in ((0, 0), (20, 40)):
        np.testing.assert_allclose(plain.data_to_world(corner), image.data_to_world(corner))
    assert widget.marking.labels() == plain
    settle(qtbot, widget)


def test_while_it_learns_it_previews_pauses_and_takes_more(correcting, press, qtbot, documents):
    viewer, widget, _ = correcting(STACK)
    viewer.dims.set_current_step(0, 0)
    press(widget, widget.controls.segment)
    mend(widget, (0,))
    press(widget, widget.controls.marking.mark_slice)
    panel = widget.controls.learning
    panel.seconds.setValue(600)
    panel.learn.click()
    qtbot.waitUntil(lambda: layer_of(viewer, "preview") is not None, timeout=90_000)
    assert layer_of(viewer, "preview").data.shape == (1, *SHAPE)
    panel.pause.click()
    steps = None
    while steps != (steps := len(panel.plot.values["training"])):
        qtbot.wait(1000)  # for the step under way, which takes longer on a busy machine
    qtbot.wait(300)
    assert len(panel.plot.values["training"]) == steps
    assert panel.pause.text() == "Go on"
    viewer.dims.set_current_step(0, 1)
    press(widget, widget.controls.segment)  # the viewer stays usable
    press(widget, widget.controls.marking.mark_slice)
    assert "next round" in widget.controls.run_bar.status.text()
    panel.pause.click()
    qtbot.waitUntil(lambda: len(panel.plot.values["dice"]) > 3, timeout=90_000)
    panel.stop.click()
    finish(qtbot, widget)
    assert "marked meanwhile" in panel.result.text()
    assert (documents / "cells" / "models" / "dark-v1.safetensors").exists()
    assert layer_of(viewer, "preview") is None
    assert panel.learn.text() == "Learn from 2 corrections"


def test_discarding_keeps_nothing(correcting, press, qtbot, documents, dark_model_path):
    _, widget, _ = correcting()
    press(widget, widget.controls.segment)
    mend(widget)
    press(widget, widget.controls.marking.mark_slice)
    panel = widget.controls.learning
    panel.learn.click()
    qtbot.waitUntil(lambda: bool(list((documents / "cells" / "models").glob("*.safetensors"))), timeout=90_000)
    panel.discard.click()
    finish(qtbot, widget)
    assert not list((documents / "cells" / "models").glob("*.safetensors"))
    assert widget.controls.models.path() == dark_model_path
    assert "nothing was kept" in panel.result.text()


def test_closing_in_the_middle_keeps_the_best(correcting, press, qtbot, documents):
    viewer, widget, _ = correcting()
    press(widget, widget.controls.segment)
    mend(widget)
    press(widget, widget.controls.marking.mark_slice)
    widget.controls.learning.seconds.setValue(600)
    widget.controls.learning.learn.click()
    models = documents / "cells" / "models"
    qtbot.waitUntil(lambda: bool(list(models.glob("*.safetensors"))), timeout=90_000)
    viewer.close()
    threads = [thread.name for thread in threading.enumerate()]
    assert not [name for name in threads if name.startswith(("learning", "corrections"))]
    assert '"active": "dark-v1"' in (models / "versions.json").read_text()


def test_versions_are_compared_used_noted_and_rolled_back(correcting, press, learn, documents, dark_model_path):
    viewer, widget, _ = correcting()
    press(widget, widget.controls.segment)
    mend(widget)
    press(widget, widget.controls.marking.mark_slice)
    learn(widget)
    panel = widget.controls.versions
    press(widget, panel.shown["both"])
    before, after = layer_of(viewer, "before"), layer_of(viewer, "after")
    truth = LEFT | RIGHT | LOW
    errors = [((np.asarray(layer.data) > 0) != truth).sum() for layer in (before, after)]
    assert errors[1] < errors[0]
    panel.shown["before"].click()
    assert (before.visible, after.visible) == (True, False)
    press(widget, panel.attention)
    names = [layer.name for layer in viewer.layers if layer.name.startswith("Fine detail let through")]
    assert sorted(names) == [
        "Fine detail let through after (dark-v1) - cells",
        "Fine detail let through before (dark) - cells",
        "Fine detail let through: dark-v1 - dark - cells",
    ]
    panel.list.topLevelItem(1).setText(2, "bright discs")
    panel.list.setCurrentItem(panel.list.topLevelItem(0))
    press(widget, panel.use)
    assert widget.controls.models.path() == dark_model_path
    assert panel.list.topLevelItem(0).text(0).endswith("in use")
    assert panel.list.topLevelItem(1).text(2) == "bright discs"
    panel.list.setCurrentItem(panel.list.topLevelItem(1))
    press(widget, panel.use)
    assert widget.controls.models.path() == documents / "cells" / "models" / "dark-v1.safetensors"


def test_a_key_goes_to_what_to_correct_next(correcting, press, qtbot):
    viewer, widget, image = correcting(STACK, **PLACED)
    canvas = viewer.window._qt_viewer.canvas.native
    press_key(canvas, Qt.Key.Key_N, SHIFT)
    settle(qtbot, widget)
    panel = widget.controls.next
    seen = []
    for number in range(1, 7):
        assert panel.words.text().startswith(f"{number} of 6: slice {viewer.dims.current_step[0]}")
        seen.append(viewer.dims.current_step[0])
        box = np.asarray(layer_of(viewer, "look here").data)
        assert (box[:, 0, 0] == seen[-1]).all()
        middle = image.data_to_world((seen[-1], (SHAPE[0] - 1) / 2, (SHAPE[1] - 1) / 2))
        np.testing.assert_allclose(viewer.scene.camera.center[-2:], middle[-2:])
        press_key(canvas, Qt.Key.Key_N, SHIFT)
    assert sorted(seen) == [0, 1, 2, 3, 4, 5]


def test_what_cannot_be_learnt_is_said_in_plain_words(correcting, press, qtbot, messages):
    viewer, widget, _ = correcting()
    panel = widget.controls.learning
    panel.learn.click()
    finish(qtbot, widget)
    assert "othing is marked as corrected yet" in messages[-1]
    press(widget, widget.controls.segment)
    labels = labels_of(viewer)
    press(widget, widget.controls.marking.mark_painted)
    assert "Nothing was painted here" in messages[-1]
    labels.data_setitem(np.nonzero(labels.data == 0), prediction_of(labels).background)
    labels.data_setitem(np.nonzero(labels.data == 1), prediction_of(labels).background)
    press(widget, widget.controls.marking.mark_slice)
    panel.learn.click()
    finish(qtbot, widget)
    assert "nly background is marked" in messages[-1]
    assert panel.learn.isEnabled()
    labels.data = np.zeros((5, 6), int)
    press(widget, widget.controls.marking.mark_slice)
    assert "(5, 6)" in messages[-1]
    viewer.layers.remove("cells")
    widget.controls.learning.set_count(1, True)
    panel.learn.click()
    assert "open one first" in messages[-1]


def test_a_full_disk_is_said_and_learning_waits_for_room(correcting, press, qtbot, messages, monkeypatch, documents):
    from src_models.errors import OutputError
    from src_models.finetuning.versions import ModelVersions

    _, widget, _ = correcting()
    press(widget, widget.controls.segment)
    mend(widget)
    press(widget, widget.controls.marking.mark_slice)
    write = ModelVersions.keep

    def full(self, model, path):
        raise OutputError(f"{path}: the disk is full")

    monkeypatch.setattr(ModelVersions, "keep", full)
    panel = widget.controls.learning
    panel.learn.click()
    qtbot.waitUntil(lambda: any("the disk is full" in message for message in messages), timeout=90_000)
    assert widget.rounds.running
    assert "make room" in panel.status.text()
    monkeypatch.setattr(ModelVersions, "keep", write)
    panel.pause.click()
    qtbot.waitUntil(lambda: bool(list((documents / "cells" / "models").glob("*.safetensors"))), timeout=90_000)
    panel.stop.click()
    finish(qtbot, widget)
    assert "rose from" in panel.result.text()


def test_nothing_gained_keeps_the_model_and_says_what_would_help(correcting, press, qtbot, documents, dark_model_path):
    _, widget, _ = correcting()
    press(widget, widget.controls.segment)
    mend(widget)
    press(widget, widget.controls.marking.mark_slice)
    panel = widget.controls.learning
    widget.rounds.settings = replace(widget.rounds.settings, learning_rate=1e-9, patience=2)
    panel.learn.click()
    finish(qtbot, widget)
    assert "so the model stays" in panel.result.text()
    assert "Correct one or two more slices" in panel.result.text()
    assert widget.controls.models.path() == dark_model_path
    assert widget.controls.versions.empty.isVisibleTo(widget)


def test_colour_and_pyramids_are_corrected_at_full_resolution(correcting, press, rgb_model_path, documents):
    colour = np.stack([IMAGE.clip(0, 255).astype(np.uint8)] * 3, axis=-1)
    _, widget, _ = correcting([colour, colour[::2, ::2]], model=rgb_model_path, multiscale=True)
    press(widget, widget.controls.segment)
    mend(widget)
    press(widget, widget.controls.marking.mark_slice)
    ((_, correction),) = kept(documents / "cells")
    np.testing.assert_array_equal(correction.image, colour)
    np.testing.assert_array_equal(correction.labels, LEFT | RIGHT | LOW)


def test_the_folder_and_the_part_that_learns_can_be_chosen(correcting, qtbot, press, tmp_path, monkeypatch, messages):
    _, widget, _ = correcting()
    parts = widget.controls.learning.part
    QApplication.sendEvent(parts, QEnterEvent(QPointF(), QPointF(), QPointF()))  # the pointer comes, and they are read
    settle(qtbot, widget)
    assert [parts.itemData(row) for row in range(parts.count())] == ["full", "decoder", "gates"]
    cost = widget.controls.learning.cost
    assert cost.text().startswith("The whole network learns")
    assert "numbers of the network change" in cost.toolTip()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, **__: str(tmp_path / "other"))
    press(widget, widget.controls.folder.change)
    assert "holds other things" in messages[-1]
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, **__: str(tmp_path / "new"))
    press(widget, widget.controls.folder.change)
    press(widget, widget.controls.segment)
    mend(widget)
    press(widget, widget.controls.marking.mark_slice)
    assert len(CorrectionSet.open(tmp_path / "new")) == 1


def test_every_control_says_what_it_does(correcting):
    _, widget, _ = correcting(image=None)
    for kind in (QAbstractButton, QComboBox, QSpinBox):
        for control in widget.findChildren(kind):
            if not control.objectName().startswith("qt_"):
                assert control.toolTip(), (kind, control.text() if hasattr(control, "text") else control)
    assert "Open an image" in widget.controls.run_bar.status.text()


def test_closing_the_dock_leaves_only_the_labels(correcting, press, qtbot):
    viewer, widget, _ = correcting()
    press(widget, widget.controls.segment)
    mend(widget)
    follow(widget)
    viewer.window.remove_dock_widget(widget)
    assert [layer.name for layer in viewer.layers] == ["cells", "cells - to correct"]
    _, again = viewer.window.add_plugin_dock_widget("napari-medt", "Correct and learn")
    settle(qtbot, again)
    assert again.marking.labels() == labels_of(viewer)
    assert not again.controls.recovery.isVisibleTo(again)
    assert prediction_of(labels_of(viewer)) is not None
