"""Channels are asked for where there is more than one way to take them, and what is chosen counts for the layer."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtWidgets import QFormLayout, QWidget
from toy_classes import toy_header

from napari_medt.controls.layer_combo import ImageLayerCombo
from napari_medt.controls.model_combo import ModelCombo
from napari_medt.controls.reading.channel_combo import ChannelCombo, offer_channels
from napari_medt.viewer.reading import ReadAs, chosen_reading, read_layer
from src_models.images.axes import read_axes


def offer(shape, *, dyes=False, colour=False, **how):
    return offer_channels(read_axes(shape, **how), None, colour_layer=colour, dyes=dyes)


def test_a_plane_has_no_channels_to_choose():
    assert offer((64, 64)).choices == ()


def test_a_long_stack_is_slices_and_nobody_is_asked():
    assert offer((60, 64, 64)).choices == ()


def test_a_colour_picture_is_taken_whole_without_a_question():
    found = offer((64, 64, 3), colour=True, rgb=True)
    assert (found.default, found.question) == (ReadAs(), "")
    assert [words for _, words in found.choices] == [
        "all, as one colour picture",
        "only the 1st of 3",
        "only the 2nd of 3",
        "only the 3rd of 3",
    ]


def test_dyes_in_a_colour_picture_have_to_be_chosen_from():
    found = offer((64, 64, 3), colour=True, rgb=True, dyes=True)
    assert found.default is None
    assert "three dyes" in found.question


def test_the_question_names_what_the_model_does():
    classifier = toy_header()
    found = [
        offer_channels(read_axes(shape, **how), classifier, colour_layer=False, dyes=True).question
        for shape, how in [((2, 64, 64), {}), ((64, 64, 3), {"rgb": True})]
    ]
    assert found[0] == "There are 2 channels: choose the one to classify."
    assert found[1].endswith("choose what to classify.")


def test_each_axis_that_may_be_channels_is_offered_by_its_place_with_every_channel():
    shape = (2, 4, 64, 64)
    found = offer(shape)
    axes = read_axes(shape).axes
    of_one = [(each, words) for each, words in found.choices if each.channels is not None]
    offered = {((each.axes or axes).index("C"), each.channels) for each, _ in of_one}
    assert offered == {(axis, (channel,)) for axis in (0, 1) for channel in range(shape[axis])}
    assert all("along the" in words for _, words in of_one)


def test_a_model_of_colours_may_be_given_a_channel_for_each_of_its_own(chooser):
    viewer, combo, form = chooser
    layer = viewer.add_image(np.zeros((4, 32, 32), np.uint8), name="four dyes")
    assert combo.itemText(combo.count() - 1) == "one each for red, green, blue..."
    assert not form.isRowVisible(combo.roles)
    combo.activated.emit(combo.count() - 1)
    assert form.isRowVisible(combo.roles)
    assert read_layer(layer).chosen == (0, 1, 2)
    combo.roles.combos[0].setCurrentIndex(3)
    combo.roles.combos[0].activated.emit(3)
    assert read_layer(layer).chosen == (3, 1, 2)
    assert (combo.currentIndex(), combo.must_choose) == (combo.count() - 1, False)
    combo.activated.emit(0)
    assert not form.isRowVisible(combo.roles)
    assert read_layer(layer).chosen == (0,)


def test_three_dyes_taken_for_one_picture_by_a_person_are_so_for_all_that_reads_the_layer(chooser):
    viewer, combo, _ = chooser
    dyes = np.where(np.random.default_rng(0).random((3, 40, 40)) > 0.9, 200, 5).astype(np.uint8)
    layer = viewer.add_image(dyes, name="dyes")
    assert combo.must_choose
    combo.activated.emit(combo.findText("all, as one colour picture"))
    assert (read_layer(layer).chosen, combo.must_choose) == ((0, 1, 2), False)
    assert combo.currentText() == "all, as one colour picture"


@pytest.fixture
def chooser(qtbot):
    viewer = ViewerModel()
    column = QWidget()
    qtbot.addWidget(column)
    form = QFormLayout(column)
    images, models = ImageLayerCombo(viewer), ModelCombo("nuclei")
    form.addRow("Image", images)
    form.addRow("Model", models)
    combo = ChannelCombo(images, models, form)
    yield viewer, combo, form
    images.disconnect_viewer()


def test_the_row_is_seen_where_there_is_something_to_choose(chooser):
    viewer, combo, form = chooser
    assert not form.isRowVisible(combo)
    viewer.add_image(np.zeros((2, 32, 32), np.uint8), name="dyes")
    assert form.isRowVisible(combo)
    assert combo.must_choose
    assert combo.question == "There are 2 channels: choose the one to segment."
    viewer.add_image(np.zeros((32, 32), np.uint8), name="grey")
    assert not form.isRowVisible(combo)
    assert not combo.must_choose


def test_what_a_person_chooses_counts_for_that_layer(chooser):
    viewer, combo, _ = chooser
    dyes = viewer.add_image(np.zeros((2, 32, 32), np.uint8), name="dyes")
    told = []
    combo.chosen.connect(lambda: told.append(chosen_reading(dyes).channels))
    combo.activated.emit(1)
    assert told == [(1,)]
    assert (combo.must_choose, combo.question) == (False, "")
    viewer.add_image(np.zeros((2, 32, 32), np.uint8), name="others")
    assert combo.must_choose
    viewer.layers.selection.active = dyes
    assert combo.currentText() == "only the 2nd of 2"
