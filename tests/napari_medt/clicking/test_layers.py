"""What is clicked is shown where it is, in layers that come when they are needed and go together."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_medt.clicking.layers import ClickLayers, add_objects_layer
from napari_medt.viewer.layer_notes import notes_of
from napari_medt.viewer.viewed_image import target_as_viewed
from src_models.attention.placed_map import PlacedMap
from src_models.clicking.prompts import Box, Click, Scribble
from src_models.errors import UserError


@pytest.fixture
def viewer():
    viewer = ViewerModel()
    viewer.add_image(np.zeros((6, 20, 30)), name="cells", axis_labels=("z", "y", "x"), scale=(3, 0.5, 0.5))
    return viewer


@pytest.fixture
def layers(viewer):
    return ClickLayers(viewer)


@pytest.fixture
def target(viewer):
    return target_as_viewed(viewer, viewer.layers["cells"])


def inside(target, vectors):
    """The pixels that an outline surrounds, worked out again from its lines that go along rows."""
    found = np.zeros(target.shape, bool)
    for start, way in np.asarray(vectors.data):
        first, last = (np.array(target.layer.world_to_data(vectors.data_to_world(at))) for at in (start, start + way))
        if abs(last[1] - first[1]) < 1e-6:
            row, left, right = round(first[1] + 0.5), round(first[2] + 0.5), round(last[2] + 0.5)
            found[round(first[0]), row:, left:right] ^= True
    return found


def test_an_object_is_outlined_in_every_plane_that_it_is_in(layers, target):
    ring = np.ones((5, 6), bool)
    ring[2, 2:4] = False
    parts = {(1,): ((slice(3, 8), slice(4, 10)), ring), (2,): ((slice(0, 2), slice(28, 30)), np.ones((2, 2), bool))}
    layers.show_object(target, parts)
    expected = np.zeros(target.shape, bool)
    expected[1, 3:8, 4:10], expected[2, 0:2, 28:30] = ring, True
    np.testing.assert_array_equal(inside(target, layers.preview()), expected)
    layers.show_object(target, {(1,): parts[(1,)]})
    expected[2] = False
    np.testing.assert_array_equal(inside(target, layers.preview()), expected)
    layers.show_object(target, {})
    assert len(layers.preview().data) == 0


def test_clicks_are_where_they_were_given_and_say_which_way(layers, target):
    given = [((1,), Click(3, 4, True)), ((1,), Click(5, 6, False))]
    layers.show_given(target, given)
    points = layers.points()
    np.testing.assert_array_equal(points.data, [(1, 3, 4), (1, 5, 6)])
    one, other = points.face_color
    assert one[1] > one[0]  # green
    assert other[0] > other[1]  # red
    assert points.symbol[0] != points.symbol[1]
    layers.show_given(target, [*given, ((1,), Click(7, 8, True))])
    np.testing.assert_allclose(points.face_color[2], one)
    assert points.symbol[2] == points.symbol[0]
    layers.show_given(target, given[:1])
    np.testing.assert_array_equal(points.data, [(1, 3, 4)])


def test_boxes_and_scribbles_are_drawn_through_their_corners(layers, target):
    layers.show_given(target, [((2,), Box(1, 2, 5, 9)), ((3,), Scribble(((1, 1), (1, 4), (6, 4)), positive=False))])
    drawn = np.asarray(layers.drawing().data)
    assert len(drawn) == 4 + 2
    np.testing.assert_allclose(drawn[:4].sum(axis=0)[1], 0)  # a box is closed
    np.testing.assert_allclose(drawn[4:, 0], [(3, 1, 1), (3, 1, 4)])
    np.testing.assert_allclose(drawn[4:, 0] + drawn[4:, 1], [(3, 1, 4), (3, 6, 4)])
    colours = layers.drawing().edge_color
    assert not np.allclose(colours[0], colours[-1])
    assert layers.points() is None  # nothing was clicked


def test_the_attention_of_a_click_lies_over_its_plane(layers, target):
    placed = PlacedMap("gate 3", "gate", "what it is", 3, np.eye(5, 6, dtype=np.float32), (4.0, 5.0), (1.5, 2.0))
    layers.show_attention(target, (4,), placed)
    layer = layers.attention()
    assert layer.data.shape == (1, 5, 6)
    for cell, pixel in (((0, 0, 0), (4, 1.5, 2.0)), ((0, 4, 5), (4, 1.5 + 4 * 4, 2.0 + 5 * 5))):
        np.testing.assert_allclose(layer.data_to_world(cell), target.layer.data_to_world(pixel))
    layers.show_attention(target, (2,), placed)
    np.testing.assert_allclose(layer.data_to_world((0, 0, 0)), target.layer.data_to_world((2, 1.5, 2.0)))
    layers.show_attention(target, (2,), None)
    assert not layer.visible


def test_layers_come_when_there_is_something_to_show_and_go_together(viewer, layers, target):
    layers.show_object(target, {})
    layers.show_given(target, [])
    layers.show_attention(target, (0,), None)
    assert list(viewer.layers) == [target.layer]
    layers.show_given(target, [((1,), Click(3, 4, True)), ((2,), Box(1, 2, 5, 9))])
    layers.show_object(target, {(1,): ((slice(0, 2), slice(0, 2)), np.ones((2, 2), bool))})
    assert viewer.layers.selection.active is target.layer
    assert len(viewer.layers) == 4
    layers.clear()
    assert [len(layer.data) for layer in viewer.layers[1:]] == [0, 0, 0]
    layers.show_given(target, [((1,), Click(3, 4, True))])
    assert len(layers.points().data) == 1
    layers.remove()
    assert list(viewer.layers) == [target.layer]


def test_objects_go_into_empty_labels_over_the_image(viewer, target):
    labels = add_objects_layer(viewer, target)
    assert labels.data.shape == target.shape
    assert labels.data.dtype == np.uint16
    assert not labels.data.any()
    np.testing.assert_allclose(labels.extent.world, target.layer.extent.world)
    assert (notes_of(labels).role, labels.name) == ("clicked objects", "cells - objects")
    assert viewer.layers.selection.active is target.layer


def test_labels_that_no_memory_holds_are_refused(viewer):
    huge = viewer.add_image(np.broadcast_to(np.uint8(0), (2**22, 2**22)), name="huge", contrast_limits=(0, 1))
    with pytest.raises(UserError, match="'huge' is too large for labels in memory"):
        add_objects_layer(viewer, target_as_viewed(viewer, huge))
