"""Numbers take their colours in turn, and nothing is seen where nothing is."""

from __future__ import annotations

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps.standardize_color import transform_color

from napari_medt.viewer.lines.outline_colours import outline_colormap


def test_each_number_has_its_colour_and_background_none():
    layer = Labels(np.array([[0, 1, 2]]), colormap=outline_colormap("#ffe14d", "#d0d0d0"))
    assert layer.colormap.map(0)[3] == 0
    np.testing.assert_allclose(layer.get_color(1), transform_color("#ffe14d")[0], atol=1e-3)
    np.testing.assert_allclose(layer.get_color(2), transform_color("#d0d0d0")[0], atol=1e-3)


def test_of_one_colour_all_objects_have_it():
    layer = Labels(np.array([[0, 1, 700]]), colormap=outline_colormap("#2ee66b"))
    np.testing.assert_allclose(layer.get_color(1), layer.get_color(700))
    assert layer.colormap.map(0)[3] == 0
