"""The line that says how large objects are lies where it is dragged, and goes."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_medt.segmenting.layers import SizeLine
from napari_medt.viewer.layer_notes import is_own_layer
from napari_medt.viewer.viewed_image import target_in_viewer


@pytest.fixture
def dragged():
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((20, 30)), scale=(2, 0.5), axis_labels=("y", "x"))
    line = SizeLine(viewer)
    line.show(target_in_viewer(viewer, image), (1, 2), (6, 20))
    return viewer, image, line


def test_it_goes_from_one_place_to_the_other(dragged):
    viewer, image, _ = dragged
    layer = viewer.layers[-1]
    ((start, way),) = np.asarray(layer.data)
    np.testing.assert_allclose(layer.data_to_world(start), image.data_to_world((1, 2)))
    np.testing.assert_allclose(layer.data_to_world(start + way), image.data_to_world((6, 20)))


def test_the_image_stays_in_hand_and_the_line_is_the_plugin_s_own(dragged):
    viewer, image, _ = dragged
    assert viewer.layers.selection.active is image
    assert is_own_layer(viewer.layers[-1])


def test_a_drag_that_goes_on_moves_the_line(dragged):
    viewer, image, line = dragged
    line.show(target_in_viewer(viewer, image), (1, 2), (1, 10))
    assert len(viewer.layers) == 2
    assert len(viewer.layers[-1].data) == 1


def test_it_goes_also_where_a_person_took_it_away_before(dragged):
    viewer, image, line = dragged
    viewer.layers.pop()
    line.remove()
    line.show(target_in_viewer(viewer, image), (1, 2), (6, 20))
    line.remove()
    assert list(viewer.layers) == [image]
