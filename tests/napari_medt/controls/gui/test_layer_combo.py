"""The list of images follows the viewer: its layers, their names, what is selected, and how they are read."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_medt.controls.layer_combo import ImageLayerCombo
from napari_medt.viewer.layer_notes import own_notes
from napari_medt.viewer.reading import ReadAs, choose_reading

PIXELS = np.zeros((8, 8), np.uint8)


@pytest.fixture
def listed(qtbot):
    viewer = ViewerModel()
    one = viewer.add_image(PIXELS, name="one")
    combo = ImageLayerCombo(viewer)
    qtbot.addWidget(combo)
    told = []
    combo.layer_changed.connect(lambda: told.append(combo.layer()))
    return viewer, combo, one, told


def names(combo):
    return [combo.itemText(row) for row in range(combo.count())]


def test_an_image_that_is_added_is_selected_by_napari_and_so_chosen(listed):
    viewer, combo, one, told = listed
    two = viewer.add_image(PIXELS, name="two")
    assert (names(combo), combo.layer()) == (["one", "two"], two)
    assert told[-1] == two
    viewer.layers.selection.active = one
    assert (combo.layer(), told[-1]) == (one, one)


def test_labels_are_not_listed_and_selecting_them_changes_nothing(listed):
    viewer, combo, one, told = listed
    viewer.add_labels(np.zeros((8, 8), int), name="mine")
    assert (names(combo), combo.layer(), told) == (["one"], one, [])


def test_selecting_what_the_plugin_made_chooses_the_image_that_it_came_from(listed):
    viewer, combo, one, _ = listed
    two = viewer.add_image(PIXELS, name="two")
    made = viewer.add_image(PIXELS, name="map", metadata=own_notes(one, "attention").metadata())
    assert names(combo) == ["one", "two"]
    assert combo.layer() == one
    viewer.layers.selection.active = two
    viewer.layers.selection.active = made
    assert combo.layer() == one


def test_a_new_name_is_listed_and_an_image_that_goes_is_not(listed):
    viewer, combo, one, told = listed
    two = viewer.add_image(PIXELS, name="two")
    one.name = "first"
    assert names(combo) == ["first", "two"]
    viewer.layers.remove(two)
    assert (names(combo), combo.layer(), told[-1]) == (["first"], one, one)
    viewer.layers.remove(one)
    assert (names(combo), combo.layer(), told[-1]) == ([], None, None)


@pytest.mark.parametrize(
    "change",
    [
        lambda layer: setattr(layer, "data", np.ones((4, 4), np.uint8)),
        lambda layer: setattr(layer, "scale", (2, 3)),
        lambda layer: choose_reading(layer, ReadAs("YX", typed=True)),
    ],
    ids=["data", "scale", "reading"],
)
def test_what_is_read_anew_of_the_chosen_image_is_told_and_of_others_not(listed, change):
    viewer, _, one, told = listed
    two = viewer.add_image(PIXELS, name="two")
    told.clear()
    change(one)
    assert told == []
    change(two)
    assert told
    assert set(told) == {two}


def test_a_viewer_that_is_left_is_left_alone(listed):
    viewer, combo, one, told = listed
    combo.disconnect_viewer()
    viewer.add_image(PIXELS, name="two")
    one.name = "first"
    one.scale = (2, 2)
    assert told == []
    assert names(combo) == ["one"]
