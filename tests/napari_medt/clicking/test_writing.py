"""Accepted objects in a real Labels layer: one step of its undo, bit for bit, and what is kept of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_medt.clicking.layers import add_objects_layer
from napari_medt.clicking.writing import object_labels, write_objects
from napari_medt.viewer.labels.object_records import records_of
from napari_medt.viewer.viewed_image import ViewedImage, target_as_viewed
from src_models.clicking.clicked_object import AcceptedObject, ObjectSlice
from src_models.clicking.prompts import Click
from src_models.clicking.writing import Again, plan_objects
from src_models.errors import UserError

SHAPE = (3, 9, 11)


@pytest.fixture(scope="module")
def viewer():
    viewer = ViewerModel()
    viewer.add_layer(
        Image(np.zeros(SHAPE, np.float32), name="cells", scale=(4, 0.5, 0.5), translate=(0, 3, 1), axis_labels="zyx")
    )
    return viewer


@pytest.fixture(scope="module")
def target(viewer) -> ViewedImage:
    return target_as_viewed(viewer, viewer.layers["cells"])


def accepted(inside, *, minute=0):
    slices = tuple(
        ObjectSlice((int(z),), (slice(0, SHAPE[1]), slice(0, SHAPE[2])), inside[z], (Click(1.0, 2.0),))
        for z in np.flatnonzero(inside.any((1, 2)))
    )
    return AcceptedObject(slices, None, datetime(2024, 1, 1, 12, minute, tzinfo=UTC))


def random_masks(seed, count):
    random = np.random.default_rng(seed)
    masks = [random.random(SHAPE) < random.uniform(0.1, 0.7) for _ in range(count)]
    for number, inside in enumerate(masks):
        inside[0, 0, number] = True  # none is empty
    return masks


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 3),
    dtype=st.sampled_from([np.uint8, np.uint16, np.int32]),
    value=st.sampled_from([None, 3]),
    overwrite=st.booleans(),
    again=st.booleans(),
)
def test_taking_back_what_was_accepted_restores_the_labels_bit_for_bit(
    target, seed, count, dtype, value, overwrite, again
):
    before = np.random.default_rng(seed).choice([0, 0, 0, 3, 4, 9], SHAPE).astype(dtype)
    labels = Labels(before.copy(), name="mine")
    was = Again(4, False, "2020-01-01", {}, labels.unique_id) if again else None
    found = [(accepted(inside), {}) for inside in random_masks(seed, 1 if again else count)]
    try:
        plans = plan_objects(object_labels(labels), target.covering, found, value=value, overwrite=overwrite, again=was)
        written = write_objects(labels, target, plans, overwrite=overwrite)
    except UserError:
        np.testing.assert_array_equal(labels.data, before)
        return
    after = labels.data.copy()
    assert after.dtype == dtype
    assert sum(one.pixels for one in written) > 0
    assert not np.array_equal(after, before) or value == 3 or again
    labels.undo()
    np.testing.assert_array_equal(labels.data, before)
    labels.redo()
    np.testing.assert_array_equal(labels.data, after)


def test_what_is_known_of_an_object_follows_it(target):
    labels = Labels(np.zeros(SHAPE, np.uint16), name="mine")
    one, other = (np.zeros(SHAPE, bool) for _ in range(2))
    one[1, 2:5, 3:6], other[1, 2:5, 3:8] = True, True
    plans = plan_objects(object_labels(labels), target.covering, [(accepted(one), {"done": []})])
    write_objects(labels, target, plans)
    (record,) = records_of(labels)
    assert (record["value"], record["image"], record["axes"]) == (1, "cells", "ZYX")
    assert record["box"] == [[1, 2, 3], [1, 4, 5]]
    again = Again.of(record, labels.unique_id)
    found = [(accepted(other, minute=5), {"done": []})]
    plans = plan_objects(object_labels(labels), target.covering, found, again=again)
    write_objects(labels, target, plans)
    (record,) = records_of(labels)  # the earlier one is forgotten
    assert record["time"] == "2024-01-01T12:05:00+00:00"
    np.testing.assert_array_equal(labels.data == 1, other)


def test_labels_that_changed_since_are_not_written_to(target):
    labels = Labels(np.zeros(SHAPE, np.uint16), name="mine")
    inside = np.zeros(SHAPE, bool)
    inside[1, 2:5, 3:6] = True
    plans = plan_objects(object_labels(labels), target.covering, [(accepted(inside), {})])
    labels.data[:] = 2
    with pytest.raises(UserError, match="tick Overwrite finished objects"):
        write_objects(labels, target, plans)
    assert (labels.data == 2).all()
    labels.data = np.zeros((4, 4), np.uint16)
    with pytest.raises(UserError, match="choose other labels, or new ones"):
        write_objects(labels, target, plans)
    assert records_of(labels) == []


def test_what_is_sent_to_a_worker_thread_is_the_array_itself_and_no_layer(target):
    labels = Labels(np.zeros(SHAPE, np.uint16), name="mine")
    sent = object_labels(labels)
    assert sent.data is labels.data  # a copy of large labels would be felt
    assert (sent.key, sent.name, list(sent.records)) == (labels.unique_id, "mine", [])


def test_new_labels_lie_on_their_image_and_leave_it_chosen(viewer, target):
    viewer.layers.selection.active = viewer.layers["cells"]
    layer = add_objects_layer(viewer, target)
    try:
        assert (layer.name, layer.data.shape, layer.data.dtype) == ("cells - objects", SHAPE, np.uint16)
        for place in ((0, 0, 0), (2, 8, 10)):
            np.testing.assert_allclose(layer.data_to_world(place), target.layer.data_to_world(place))
        assert viewer.layers.selection.active is viewer.layers["cells"]
    finally:
        viewer.layers.remove(layer)


def test_an_image_too_large_for_labels_is_named(viewer, target, monkeypatch):
    def none(*_):
        raise MemoryError

    monkeypatch.setattr(np, "zeros", none)
    with pytest.raises(UserError, match=r"layer 'cells' is too large for labels in memory \(3 x 9 x 11 px\): crop it"):
        add_objects_layer(viewer, replace(target))
