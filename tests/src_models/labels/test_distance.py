"""Distances to the edge of objects, as shares of the largest, and objects from them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from src_models.labels.distance import distance_of_labels, edge_distance, labels_from_distance
from src_models.models.header import InstanceSettings

DISTANCE = InstanceSettings(separation="distance", smoothing=1.0, depth=0.1, min_size=4)


def test_in_a_disc_the_distance_is_that_to_its_rim():
    y, x = np.mgrid[:41, :41]
    away = np.hypot(y - 20, x - 20)
    labels = (away < 15).astype(int)
    np.testing.assert_allclose(edge_distance(labels)[labels > 0], 15 - away[labels > 0], atol=1.2)


@given(labels=arrays.arrays(np.int32, (9, 11), elements=st.sampled_from([0, 1, 2, 5000])))
def test_each_object_has_the_share_one_somewhere_and_the_background_none(labels):
    share = distance_of_labels(labels)[0]
    assert not share[labels == 0].any()
    for number in set(labels[labels > 0].tolist()):
        assert share[labels == number].max() == 1
        assert share[labels == number].min() > 0


def test_touching_discs_come_back():
    y, x = np.mgrid[:30, :60]
    depth = np.stack([12 - np.hypot(y - 15, x - 16), 12 - np.hypot(y - 15, x - 38)])
    labels = np.where(depth.max(0) > 0, depth.argmax(0) + 1, 0)
    found = labels_from_distance((labels > 0).astype(np.float32), distance_of_labels(labels)[0], DISTANCE)
    assert found.max() == 2
    assert (found[labels == 1] == found[15, 16]).mean() > 0.97
    assert (found[labels == 2] == found[15, 38]).mean() > 0.97


def test_what_fills_the_whole_image_is_one_object():
    labels = np.ones((12, 12), int)
    assert labels_from_distance(np.ones((12, 12), np.float32), distance_of_labels(labels)[0], DISTANCE).max() == 1
