"""Outlines over a plane: what they show, and that nobody's layers but their own are touched."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_medt.correcting.background_colour import GREY
from napari_medt.correcting.labels import LABELS_ROLE, begin, correctable, prediction_of
from napari_medt.correcting.layers import AFTER, BEFORE, CHANGES, NEXT, CorrectionLayers
from napari_medt.viewer.layer_notes import notes_of
from napari_medt.viewer.regions import region_in_viewer
from napari_medt.viewer.viewed_image import target_as_viewed
from src_models.errors import UserError


@pytest.fixture
def viewer():
    viewer = ViewerModel()
    options = {"axis_labels": ("z", "y", "x"), "scale": (3, 0.5, 0.5), "translate": (10, 20, 30)}
    viewer.add_image(np.zeros((6, 20, 30)), name="cells", **options)
    viewer.dims.set_current_step(0, 4)
    return viewer


@pytest.fixture
def layers(viewer):
    return CorrectionLayers(viewer)


@pytest.fixture
def target(viewer):
    return target_as_viewed(viewer, viewer.layers["cells"])


def test_labels_to_paint_in_lie_over_the_image_and_are_taken_in_hand(viewer, layers, target):
    cut = (slice(4, 5), slice(0, 20), slice(0, 30))
    found = np.arange(600, dtype=np.int32).reshape(1, 20, 30)
    labels = layers.new_labels(target, cut, found)
    assert viewer.layers.selection.active is labels
    assert correctable(viewer, target) == [labels]
    np.testing.assert_array_equal(labels.data[4], found[0])
    assert not labels.data[[0, 1, 2, 3, 5]].any()
    assert notes_of(labels).role == LABELS_ROLE
    np.testing.assert_allclose(labels.get_color(30_000), GREY, atol=1e-3)


def test_labels_that_do_not_fit_into_memory_are_refused_before_they_are_made(viewer, layers):
    huge = viewer.add_image(np.broadcast_to(np.uint8(0), (20_000, 20_000)), name="huge", contrast_limits=(0, 1))
    with pytest.raises(UserError, match="'huge' is too large for labels in memory \\(20000 x 20000 px\\)"):
        layers.new_labels(target_as_viewed(viewer, huge))


def test_what_a_person_changed_is_outlined_where_it_is(viewer, layers, target):
    labels = layers.new_labels(target)
    begin(labels, np.zeros_like(labels.data), model_name=None, model_sha256=None)
    background = prediction_of(labels).background
    labels.data[4, 3:6, 7:9], labels.data[4, 10, 10], labels.data[2, 0, 0] = 1, background, 5
    changed, count = layers.changes_in(labels, target.region)()
    assert count == 7
    layers.show_changes(target.layer, target.region, changed)
    outline = layers.find(CHANGES)
    assert viewer.layers.selection.active is labels  # its brush stays in hand
    assert not outline.editable
    for at, number in (((3, 7), 1), ((5, 8), 1), ((10, 10), 2), ((0, 0), 0)):
        world = target.layer.data_to_world((4, *at))
        assert outline.get_value(world, world=True) == number


def test_a_hidden_outline_of_changes_costs_nothing(layers, target):
    labels = layers.new_labels(target)
    assert layers.changes_in(labels, target.region) is None  # nobody corrects them
    begin(labels, np.zeros_like(labels.data), model_name=None, model_sha256=None)
    layers.show_changes(target.layer, target.region, np.zeros((20, 30), np.uint8))
    layers.hide(CHANGES)
    assert layers.changes_in(labels, target.region) is None


def test_a_stroke_changes_the_cells_that_it_touches(layers, target):
    cells = np.zeros((20, 30), np.uint8)
    layers.show_changes(target.layer, target.region, cells)
    data = layers.find(CHANGES).data
    cells[3:5, 3:5] = 1
    layers.show_changes(target.layer, target.region, cells)
    assert layers.find(CHANGES).data is data  # napari draws only these anew
    np.testing.assert_array_equal(data[0], cells)
    layers.show_changes(target.layer, target.region, np.ones((20, 30), np.uint8))
    assert layers.find(CHANGES).data.all()


def test_before_and_after_are_outlined_in_colours_of_their_own(layers, target):
    found = np.zeros((20, 30), np.int32)
    found[5:9, 5:9] = 3
    for role, name in ((BEFORE, "first"), (AFTER, "second")):
        layers.show_outlines(target.layer, role, target.region, target.region.expand(found), name)
    before, after = layers.find(BEFORE), layers.find(AFTER)
    assert "(first)" in before.name
    assert not np.allclose(before.get_color(3), after.get_color(3))
    np.testing.assert_array_equal(after.data[0], found)


def test_of_a_part_in_view_only_that_is_outlined(viewer, layers, target):
    found = np.zeros((20, 30), np.int32)
    found[5:9, 5:9] = 3
    view = region_in_viewer(viewer, target.layer, target.reading, 2, "plane")
    index = (4, slice(6, 12), slice(0, 30))
    view = type(view)(letters=view.letters, index=index, shape=view.shape, rgb=False)
    layers.show_outlines(target.layer, AFTER, target.region, target.region.expand(found), view=view)
    after = layers.find(AFTER)
    np.testing.assert_array_equal(after.data[0], found[6:12])
    assert after.get_value(target.layer.data_to_world((4, 6, 5)), world=True) == 3


def test_a_place_to_look_at_is_framed_and_brought_into_view(viewer, layers, target):
    layers.show_place(target, (1,), ((2, 8), (10, 20)))
    frame = layers.find(NEXT)
    corners = np.array([target.layer.world_to_data(frame.data_to_world(start)) for start in frame.data[:, 0]])
    np.testing.assert_allclose(corners.min(axis=0), (1, 1.5, 9.5))
    np.testing.assert_allclose(corners.max(axis=0), (1, 7.5, 19.5))
    assert viewer.dims.current_step[0] == 1
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], (20 + 0.5 * 4.5, 30 + 0.5 * 14.5))
    viewer.scene.camera.zoom *= 4
    assert frame.edge_width * 0.5 * viewer.scene.camera.zoom == pytest.approx(3)  # on the screen
    layers.show_box(target, (1,), [])
    assert not frame.visible
    layers.show_box(target, (1,), [(0, 0), (0, 5)])
    assert layers.find(NEXT) is frame
    assert frame.visible


def test_outlines_go_and_labels_stay(viewer, layers, target):
    labels = layers.new_labels(target)
    layers.show_changes(target.layer, target.region, np.ones((20, 30), np.uint8))
    layers.show_box(target, (4,), [(0, 0), (0, 5)])
    assert len(viewer.layers) == 4
    layers.remove()
    assert list(viewer.layers) == [target.layer, labels]
