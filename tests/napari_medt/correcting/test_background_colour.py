"""Background that is painted is grey; objects keep the colours that napari gives them."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap

from napari_medt.correcting.background_colour import GREY, show_background_grey, usual_colours, with_grey


@pytest.mark.parametrize("background", [120, 254, 30_000, 2**31 - 2])
def test_background_is_grey_and_nothing_else_changes(background):
    usual = Labels(np.zeros((2, 2), np.int32)).colormap
    colours = with_grey(usual, background)
    np.testing.assert_allclose(colours.map(background), GREY, atol=1e-3)
    others = np.array([number for number in (0, 1, 2, 48, 49, 50, 51, 119, 121, 5000) if number != background])
    np.testing.assert_allclose(colours.map(others), usual.map(others), atol=1e-6)


def test_new_labels_have_the_usual_colours_and_grey():
    colours = usual_colours(30_000)
    usual = Labels(np.zeros((2, 2), np.int32)).colormap
    numbers = np.arange(100)
    np.testing.assert_allclose(colours.map(numbers), usual.map(numbers), atol=1e-6)
    np.testing.assert_allclose(colours.map(30_000), GREY, atol=1e-3)


def test_a_layer_that_shows_one_label_alone_goes_on_doing_so():
    layer = Labels(np.array([[0, 1, 120]], np.int32))
    layer.show_selected_label, layer.selected_label = True, 120
    show_background_grey(layer, 120)
    assert (layer.colormap.use_selection, layer.colormap.selection) == (True, 120)


def test_grey_is_given_once():
    layer = Labels(np.array([[0, 1, 120]], np.int32))
    show_background_grey(layer, 120)
    colours = layer.colormap
    show_background_grey(layer, 120)
    assert layer.colormap is colours


def test_colours_that_a_person_gave_number_by_number_are_left_alone():
    mine = DirectLabelColormap(color_dict={None: "red", 0: "transparent", 1: "blue"})
    layer = Labels(np.array([[0, 1, 120]], np.int32), colormap=mine)
    show_background_grey(layer, 120)
    np.testing.assert_allclose(layer.get_color(120), (1, 0, 0, 1))
