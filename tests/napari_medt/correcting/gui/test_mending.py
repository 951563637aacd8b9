"""How a person mends labels in the widget "Correct and learn": beginning, clearing, painting background."""

from __future__ import annotations

import numpy as np
import pytest
from correct_scene import LEFT, LOW, RIGHT, SHAPE, STACK, follow, kept, labels_of, settle
from mouse import Mouse

from napari_medt.controls.mouse import ClickMouse
from napari_medt.correcting.labels import begin, prediction_of
from src_models.corrections.correction_set import CorrectionSet

NUMBERED = (LEFT * 1 + RIGHT * 2 + LOW * 3).astype(np.int32)


def numbered(widget):
    """Correct labels in which each disc has a number of its own, as a network that finds objects gives them."""
    labels = widget.context.layers.new_labels(widget.context.target())
    labels.data[...] = NUMBERED
    begin(labels, NUMBERED.copy(), model_name="nuclei", model_sha256="0")
    widget.marking.choose(labels)
    return labels


def test_a_person_begins_with_nothing_and_paints(correcting, press, documents):
    viewer, widget, _ = correcting()
    press(widget, widget.controls.empty)
    labels = labels_of(viewer)
    assert widget.marking.labels() == labels
    assert not labels.data.any()
    mouse = Mouse(viewer)
    labels.brush_size = 11
    mouse.drag((28, 30), (28, 34), (28, 38))
    painted = np.array(labels.data > 0)
    assert painted[28, 30]
    press(widget, widget.controls.marking.mark_slice)
    ((_, correction),) = kept(documents / "cells")
    np.testing.assert_array_equal(correction.labels > 0, painted)
    assert not correction.predicted.any()
    assert correction.record.model_name is None


def test_objects_that_were_clicked_are_corrected(correcting, press, documents):
    from napari_medt.clicking.layers import add_objects_layer

    viewer, widget, _ = correcting()
    objects = add_objects_layer(viewer, widget.context.target())
    objects.data[LEFT] = 1
    follow(widget)
    assert widget.marking.labels() == objects
    objects.data_setitem(np.nonzero(LOW), 2)
    press(widget, widget.controls.marking.mark_slice)
    ((_, correction),) = kept(documents / "cells")
    np.testing.assert_array_equal(correction.labels, LEFT * 1 + LOW * 2)


def test_a_box_is_dragged_and_the_objects_in_it_go_as_one_step(correcting, press, qtbot):
    viewer, widget, _ = correcting(model=None)
    labels = numbered(widget)
    mouse = Mouse(viewer)
    widget.marking.paint_object()
    labels.data_setitem((np.array([60]), np.array([62])), 9)
    widget.controls.marking.clear_region.click()
    mouse.drag((0, 80), (30, 110), (94, 126))  # RIGHT whole, and nothing of the others
    settle(qtbot, widget)
    np.testing.assert_array_equal(labels.data[RIGHT], 0)
    np.testing.assert_array_equal(labels.data[LEFT], 1)
    assert widget.controls.run_bar.status.text().startswith("Cleared: 1 object.")
    assert str(labels.mode) == "paint"
    assert not widget.controls.marking.clear_region.isChecked()
    labels.undo()
    np.testing.assert_array_equal(labels.data[RIGHT], 2)
    assert labels.data[60, 62] == 9
    widget.controls.marking.clear_region.click()
    mouse.drag((28, 27), (40, 50), (94, 126))  # LEFT only reaches into it
    settle(qtbot, widget)
    np.testing.assert_array_equal(labels.data[LEFT], 1)
    assert not labels.data[RIGHT].any()
    assert not labels.data[LOW].any()
    press(widget, widget.controls.marking.clear_view)
    assert not labels.data.any()
    labels.undo()
    np.testing.assert_array_equal(labels.data, NUMBERED * LEFT)


def test_only_the_slice_in_view_is_cleared_and_of_classes_the_box(correcting, press, qtbot):
    viewer, widget, _ = correcting(STACK)
    viewer.dims.set_current_step(0, 1)
    press(widget, widget.controls.segment)
    labels = labels_of(viewer)
    labels.data[...] = 1
    mouse = Mouse(viewer)
    widget.controls.marking.clear_region.click()
    mouse.drag((1, 10, 20), (1, 30, 40), (1, 49, 79))
    settle(qtbot, widget)
    planes, rows, columns = np.nonzero(labels.data == 0)
    assert set(planes) == {1}
    assert np.abs(np.array([rows.min(), rows.max(), columns.min(), columns.max()]) - (10, 49, 20, 79)).max() <= 1
    assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)


def test_one_drag_is_for_one_thing(correcting, press, qtbot, documents):
    viewer, widget, _ = correcting(model=None)
    labels = numbered(widget)
    mouse = Mouse(viewer)
    marking = widget.controls.marking
    marking.clear_region.click()
    marking.mark_region.click()
    assert not marking.clear_region.isChecked()
    assert marking.mark_region.isChecked()
    mouse.drag((2, 2), (30, 60), (94, 126))
    settle(qtbot, widget)
    np.testing.assert_array_equal(labels.data, NUMBERED)
    assert len(CorrectionSet.open(documents / "cells")) == 1
    mouse.drag((2, 2), (30, 60), (94, 126))  # nothing is waited for any more
    settle(qtbot, widget)
    assert len(CorrectionSet.open(documents / "cells")) == 1


@pytest.mark.parametrize("kind", [np.int32, np.uint8])
def test_background_is_painted_in_neutral_grey_and_objects_keep_their_colours(correcting, kind):
    from napari.layers import Labels

    viewer, widget, _ = correcting(model=None)
    usual = Labels(np.zeros(SHAPE, kind))
    viewer.add_labels(np.zeros(SHAPE, kind), name="mine")
    widget.controls.labels.setCurrentIndex(1)
    widget.controls.marking.background.click()
    labels = widget.marking.labels()
    number = prediction_of(labels).background
    assert labels.selected_label == number
    red, green, blue, opaque = labels.get_color(number)
    assert red == green == blue
    assert 0.3 < red < 0.7
    assert opaque == 1
    for value in (*range(1, number), number + 1):
        np.testing.assert_array_equal(labels.get_color(value), usual.get_color(value))
    labels.new_colormap()  # a person shuffles the colours
    widget.controls.marking.background.click()
    np.testing.assert_array_equal(labels.get_color(number), [red, green, blue, opaque])


def test_every_image_has_a_beginning(correcting, messages):
    _, widget, _ = correcting(image=None)
    widget.controls.empty.click()
    assert "open one first" in messages[-1]


def test_a_drag_that_marks_does_nothing_else(correcting, press, qtbot, documents):
    viewer, widget, _ = correcting(model=None)
    numbered(widget)
    widget.marking.paint_object()
    clicking, started = ClickMouse(viewer), []
    clicking.dragged.connect(lambda *_: started.append("a scribble"))
    clicking.clicked.connect(lambda *_: started.append("a click"))
    mouse = Mouse(viewer)
    clicking.switch(True)  # as the widget Click does
    widget.controls.marking.mark_region.click()
    mouse.drag((2, 2), (30, 60), (94, 126))
    settle(qtbot, widget)
    assert len(CorrectionSet.open(documents / "cells")) == 1
    assert started == []
    widget.controls.marking.mark_region.click()
    clicking.switch(True)
    assert not widget.controls.marking.mark_region.isChecked()
    mouse.drag((2, 2), (30, 60), (94, 126))
    settle(qtbot, widget)
    assert started == ["a scribble"]
    assert len(CorrectionSet.open(documents / "cells")) == 1
    clicking.switch(False)


def test_a_brush_that_is_taken_in_hand_ends_the_waiting_for_a_box(correcting, qtbot, documents):
    viewer, widget, _ = correcting(model=None)
    labels = numbered(widget)
    widget.controls.marking.clear_region.click()
    labels.mode = "erase"
    assert not widget.controls.marking.clear_region.isChecked()
    assert str(labels.mode) == "erase"
    Mouse(viewer).drag((28, 27), (28, 30), (28, 33))
    settle(qtbot, widget)
    assert 0 < (labels.data != NUMBERED).sum() < LEFT.sum()  # erased, and not cleared


def test_background_that_was_not_marked_is_no_number_in_what_is_saved(correcting, press, tmp_path):
    import nibabel
    import tifffile

    from napari_medt.clicking.saving import ObjectsToSave
    from napari_medt.files.writers import write_scan_labels

    _, widget, image = correcting(model=None)
    labels = numbered(widget)
    widget.marking.paint_background()
    labels.brush_size = 9
    labels.paint((80, 110), labels.selected_label)
    assert (labels.data == prediction_of(labels).background).any()
    ObjectsToSave.of(labels, image).write(tmp_path / "cells.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "cells.tif"), NUMBERED)
    data, meta, _ = labels.as_layer_data_tuple()
    write_scan_labels(str(tmp_path / "cells.nii.gz"), data, meta)
    saved = np.asarray(nibabel.load(tmp_path / "cells.nii.gz").dataobj)
    assert sorted(np.unique(saved)) == [0, 1, 2, 3]
    assert (labels.data == prediction_of(labels).background).any()  # the layer is as it was
