"""A record says where a corrected plane comes from, so that the plane is found again."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_medt.correcting.source import place_words, source_of
from napari_medt.viewer.layer_notes import LayerNotes
from napari_medt.viewer.viewed_image import target_as_viewed


def viewed(data, step=None, order=None, **options):
    viewer = ViewerModel()
    layer = viewer.add_image(data, name="cells", **options)
    for axis, at in (step or {}).items():
        viewer.dims.set_current_step(axis, at)
    if order is not None:
        viewer.dims.order = order
    return target_as_viewed(viewer, layer)


def test_a_flat_image_is_one_plane():
    source = source_of(viewed(np.zeros((20, 30))))
    assert (source.layer, source.file, source.axes, source.plane) == ("cells", None, "YX", ())
    assert place_words(source) == "cells"


def test_a_plane_of_a_stack_is_known_by_its_number_and_its_pixels_by_their_size():
    target = viewed(
        np.zeros((6, 20, 30)), {0: 4}, axis_labels=("z", "y", "x"), scale=(3, 0.5, 0.25), units="micrometer"
    )
    source = source_of(target)
    assert (source.axes, source.plane, source.unit) == ("ZYX", (4,), "µm")
    assert source.spacing == pytest.approx((0.5, 0.25))
    assert place_words(source) == "slice 4 of cells"


def test_channels_are_no_axis_of_a_plane():
    source = source_of(viewed(np.zeros((2, 6, 20, 30)), {1: 3}, axis_labels=("c", "z", "y", "x")))
    assert (source.axes, source.plane) == ("ZYX", (3,))


def test_from_the_side_it_is_another_plane_of_other_pixels():
    data, options = np.zeros((6, 20, 30)), {"axis_labels": ("z", "y", "x"), "scale": (3, 0.5, 0.25)}
    front = source_of(viewed(data, {0: 4}, **options))
    side = source_of(viewed(data, {1: 4}, (1, 0, 2), **options))
    assert front.same_place != side.same_place
    assert side.spacing == pytest.approx((3, 0.25))


def test_of_an_image_of_a_file_the_file_is_known():
    target = viewed(np.zeros((20, 30)))
    with_file = target.layer.source.model_copy(update={"path": "/data/cells.tif"})
    target.layer._source = with_file  # as napari's reader sets it
    assert source_of(target).file == "/data/cells.tif"


def test_images_of_one_file_are_different_places():
    def series(name):
        layer = viewed(np.zeros((20, 30)), metadata=LayerNotes(series=name).metadata()).layer
        viewer = ViewerModel()
        viewer.layers.append(layer)
        layer._source = layer.source.model_copy(update={"path": "plate.ome.tif"})
        return source_of(target_as_viewed(viewer, layer))

    left, right, whole = series("left"), series("right"), series(None)
    assert (left.image, whole.image) == ("plate.ome.tif # left", "plate.ome.tif")
    assert len({one.same_place for one in (left, right, whole)}) == 3
