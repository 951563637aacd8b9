"""Flows lead through each object to its middle, and what flows together is one object."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.draw import line
from skimage.morphology import dilation, disk

from src_models.labels.flows import flows_of_labels, labels_from_flows
from src_models.models.header import InstanceSettings

FLOWS = InstanceSettings(separation="flows", min_size=4)


def discs(shape, *circles):
    """Labels of circles or balls (centre..., radius); a pixel goes to the circle in which it lies deepest."""
    grid = np.stack(np.mgrid[tuple(slice(0, size) for size in shape)], -1)
    depth = np.stack([radius - np.linalg.norm(grid - np.array(centre), axis=-1) for *centre, radius in circles])
    return np.where(depth.max(0) > 0, depth.argmax(0) + 1, 0).astype(np.int32)


def same_up_to_numbers(a, b):
    pairs = np.unique(np.stack([a.ravel(), b.ravel()]), axis=1).T
    return len(np.unique(pairs[:, 0])) == len(np.unique(pairs[:, 1])) == len(pairs) and [0, 0] in pairs.tolist()


def objects_of(labels):
    return labels_from_flows((labels > 0).astype(np.float32), flows_of_labels(labels), FLOWS)


def test_in_a_disc_the_flows_point_at_its_centre():
    labels = discs((41, 41), (20, 20, 15))
    flows = flows_of_labels(labels)
    y, x = np.mgrid[:41, :41] - 20
    away = np.hypot(y, x)
    inside = (labels > 0) & (away > 2)
    towards = -(flows[0] * y + flows[1] * x)[inside] / away[inside]
    assert towards.min() > 0.95
    np.testing.assert_allclose(np.hypot(*flows)[inside], 1, rtol=1e-5)
    assert not flows[:, labels == 0].any()


def test_flows_of_a_mirrored_or_turned_object_are_mirrored_and_turned():
    labels = discs((30, 30), (12, 10, 8), (18, 18, 7))
    flows = flows_of_labels(labels)
    mirrored = flows_of_labels(labels[:, ::-1])
    np.testing.assert_allclose(mirrored[0], flows[0, :, ::-1], atol=1e-4)
    np.testing.assert_allclose(mirrored[1], -flows[1, :, ::-1], atol=1e-4)
    np.testing.assert_allclose(flows_of_labels(labels.T), flows[::-1].transpose(0, 2, 1), atol=1e-4)


def test_at_the_border_of_two_objects_flows_part():
    labels = np.zeros((20, 40), np.int32)
    labels[5:15, 5:20], labels[5:15, 20:35] = 1, 2
    flows = flows_of_labels(labels)
    assert (flows[1, 6:14, 19] < 0).all()
    assert (flows[1, 6:14, 20] > 0).all()


@given(
    radii=st.lists(st.floats(5, 9), min_size=1, max_size=4),
    gap=st.floats(0.85, 1.2),
    numbers=st.permutations([7, 300, 2, 9]),
)
@settings(max_examples=25, deadline=None)
def test_touching_discs_come_back_from_their_own_flows(radii, gap, numbers):
    centres = np.cumsum([0, *((a + b) * gap for a, b in pairwise(radii))]) + 12
    labels = discs(
        (24, int(centres[-1]) + 14), *((12, centre, radius) for centre, radius in zip(centres, radii, strict=True))
    )
    found = objects_of(np.array([0, *numbers])[labels])
    np.testing.assert_array_equal(found > 0, labels > 0)
    assert found.max() == len(radii)
    for number in range(1, len(radii) + 1):  # where rims meet in a point, a few pixels may go to either
        assert np.bincount(found[labels == number]).max() >= 0.9 * (labels == number).sum()


def test_balls_that_touch_come_back_in_3d():
    labels = discs((16, 18, 30), (8, 9, 9, 6), (8, 9, 20, 6))
    assert same_up_to_numbers(objects_of(labels), labels)


def test_long_and_bent_objects_stay_whole():
    thin = np.zeros((70, 70), bool)
    for start, end in (((10, 8), (50, 30)), ((50, 30), (20, 60))):
        thin[line(*start, *end)] = True
    labels = dilation(thin, disk(4)).astype(np.int32)
    found = objects_of(labels)
    assert found.max() == 1
    np.testing.assert_array_equal(found > 0, labels > 0)


def test_nothing_comes_of_nothing():
    empty = np.zeros((9, 9), np.int32)
    assert not flows_of_labels(empty).any()
    assert not objects_of(empty).any()


@pytest.mark.parametrize("share", [0.2, 0.3])
def test_noise_of_a_fifth_and_more_does_not_cut_a_disc(share):
    labels = discs((48, 48), (24, 24, 18))
    random = np.random.default_rng(0)
    flows = flows_of_labels(labels) + share * random.normal(size=(2, 48, 48)).astype(np.float32)
    found = labels_from_flows((labels > 0).astype(np.float32), flows, FLOWS)
    assert np.bincount(found[labels > 0]).max() > 0.95 * (labels > 0).sum()
