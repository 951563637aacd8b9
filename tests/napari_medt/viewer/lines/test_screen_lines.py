"""Lines lie where they are said to, and are as wide on the screen however far a person zooms."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_medt.viewer.lines.screen_lines import ScreenLines
from napari_medt.viewer.own_layers import OwnLayers
from napari_medt.viewer.viewed_image import target_in_viewer

LINE = np.array([[[2.0, 3.0], [0.0, 4.0]], [[2.0, 3.0], [5.0, 0.0]]])  # from (2, 3) to (2, 7), and to (7, 3)


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def layers(viewer):
    return OwnLayers(viewer)


@pytest.fixture
def lines(layers):
    return ScreenLines(layers)


def image(viewer, **placed):
    layer = viewer.add_image(np.zeros((20, 30)), name="cells", axis_labels=("y", "x"), **placed)
    return target_in_viewer(viewer, layer)


@pytest.mark.parametrize("placed", [{}, {"scale": (3, 0.5), "translate": (10, -4)}, {"scale": (0.5, 2), "rotate": 30}])
def test_lines_lie_over_their_pixels_whatever_these_are_like(viewer, layers, lines, placed):
    target = image(viewer, **placed)
    lines.show(target, "mine", LINE)
    layer = layers.find("mine")
    for (start, way), (shown, along) in zip(LINE, np.asarray(layer.data), strict=True):
        for at, where in ((start, shown), (start + way, shown + along)):
            np.testing.assert_allclose(layer.data_to_world(where), target.layer.data_to_world(at), atol=1e-6)


def test_pixels_of_the_lines_are_square_so_that_all_are_as_wide(viewer, layers, lines):
    lines.show(image(viewer, scale=(3, 0.5)), "mine", LINE)
    np.testing.assert_allclose(layers.find("mine").scale, (0.5, 0.5))


def test_lines_keep_their_width_on_the_screen(viewer, layers, lines):
    lines.show(image(viewer, scale=(2, 2)), "mine", LINE)
    layer = layers.find("mine")
    for zoom in (0.25, 1.0, 8.0):
        viewer.scene.camera.zoom = zoom
        assert layer.edge_width * layer.scale[-1] * zoom == pytest.approx(3.0)


def test_a_layer_comes_with_its_first_line_and_stays_when_there_is_none(viewer, layers, lines):
    target, none = image(viewer), np.zeros((0, 2, 2))
    lines.show(target, "mine", none)
    assert layers.find("mine") is None
    lines.show(target, "mine", LINE, name="what it is called")
    layer = layers.find("mine")
    assert layer.name == "what it is called"
    lines.show(target, "mine", none)
    assert layers.find("mine") is layer
    assert len(layer.data) == 0


def test_each_line_may_have_a_colour(viewer, layers, lines):
    target = image(viewer)
    lines.show(target, "mine", LINE, ["#ff0000", "#0000ff"])
    np.testing.assert_allclose(layers.find("mine").edge_color, [(1, 0, 0, 1), (0, 0, 1, 1)])
    lines.show(target, "mine", LINE[:1], ["#00ff00"])
    np.testing.assert_allclose(layers.find("mine").edge_color, [(0, 1, 0, 1)])


def test_of_another_image_lines_are_another_layer(viewer, layers, lines):
    lines.show(image(viewer), "mine", LINE)
    first = layers.find("mine")
    lines.show(image(viewer), "mine", LINE)
    assert first not in viewer.layers
    viewer.scene.camera.zoom = 5
    assert layers.find("mine").edge_width == pytest.approx(3 / 5)


def test_a_viewer_that_was_left_is_not_followed(viewer, layers, lines):
    lines.leave()  # before there were any
    lines.show(image(viewer), "mine", LINE)
    viewer.scene.camera.zoom = 2
    lines.leave()
    viewer.scene.camera.zoom = 7
    assert layers.find("mine").edge_width == pytest.approx(1.5)
