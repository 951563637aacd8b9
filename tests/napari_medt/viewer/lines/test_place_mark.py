"""A mark lies on the place that it is of, and there is one for each role."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_medt.viewer.layer_notes import notes_of
from napari_medt.viewer.lines.place_mark import mark_place
from napari_medt.viewer.own_layers import OwnLayers


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.mark.parametrize("placed", [{}, {"scale": (3, 0.5), "translate": (10, -4)}, {"scale": (0.5, 2), "rotate": 30}])
def test_it_lies_over_its_pixel_wherever_the_image_lies(viewer, placed):
    image = viewer.add_image(np.zeros((20, 30)), name="cells", **placed)
    layer = mark_place(OwnLayers(viewer), image, "mine", (7, 11), name="here", size=2.0, description="a place")
    assert layer.data_to_world(layer.data[0]) == pytest.approx(image.data_to_world((7, 11)))
    assert (layer.name, notes_of(layer).description) == ("here", "a place")
    assert viewer.layers.selection.active is image, "the person's layer stays at hand"


def test_it_moves_with_the_place_and_the_image(viewer):
    layers, image = OwnLayers(viewer), viewer.add_image(np.zeros((20, 30)))
    first = mark_place(layers, image, "mine", (7, 11), name="here", size=2.0)
    image.translate = (100, 200)
    again = mark_place(layers, image, "mine", (1, 2), name="here", size=2.0)
    assert again is first
    assert again.data_to_world(again.data[0]) == pytest.approx((101, 202))
    mark_place(layers, image, "another's", (1, 2), name="there", size=2.0)
    assert len(viewer.layers) == 3
