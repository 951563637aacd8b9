"""Objects to classes and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from src_models.labels.instances import labels_from_probabilities, median_diameter, targets_from_labels
from src_models.models.header import InstanceSettings


def disks(shape, *circles):
    """Labels of circles (or balls) (centre..., radius), numbered from 1; a pixel goes to the nearest centre."""
    grid = np.stack(np.mgrid[tuple(slice(0, n) for n in shape)], -1)
    depth = np.stack([radius - np.linalg.norm(grid - centre, axis=-1) for *centre, radius in circles])
    return np.where(depth.max(0) > 0, depth.argmax(0) + 1, 0).astype(np.int32)


def certain(targets):
    """Probabilities of a network that is sure of its classes."""
    return np.stack([targets == k for k in range(3)]).astype(np.float32)


def same_up_to_numbers(a, b):
    """Whether two labellings divide the pixels alike."""
    pairs = np.unique(np.stack([a.ravel(), b.ravel()]), axis=1).T
    return len(np.unique(pairs[:, 0])) == len(np.unique(pairs[:, 1])) == len(pairs) and [0, 0] in pairs.tolist()


label_images = st.one_of(
    arrays.arrays(np.int32, st.tuples(*[st.integers(1, 12)] * 2), elements=st.sampled_from([0, 1, 2, 900])),
    arrays.arrays(np.uint8, st.tuples(*[st.integers(1, 6)] * 3), elements=st.sampled_from([0, 1, 200])),
)


@given(labels=label_images)
def test_interior_and_boundary_are_exactly_the_object(labels):
    targets = targets_from_labels(labels)
    assert targets.dtype == np.uint8
    np.testing.assert_array_equal(targets > 0, labels > 0)


def outermost(labels):
    """Pixels of objects that have a face neighbour which is something else."""
    found = np.zeros(labels.shape, bool)
    for place in np.ndindex(labels.shape):
        for axis in range(labels.ndim):
            for step in (-1, 1):
                near = list(place)
                near[axis] += step
                if labels[place] and 0 <= near[axis] < labels.shape[axis]:
                    found[place] |= labels[tuple(near)] != labels[place]
    return found


def parts(mask):
    """How many parts a mask has, of pixels that meet at faces, edges or corners."""
    return ndimage.label(mask, np.ones((3,) * mask.ndim))[1]


@given(labels=label_images)
def test_the_boundary_is_as_wide_as_leaves_a_quarter_inside_and_in_one_piece(labels):
    first = outermost(labels)
    second = outermost(np.where(first, 0, labels))
    targets = targets_from_labels(labels)
    for number in np.unique(labels[labels > 0]):
        own = labels == number
        meets_another = first & outermost(np.where(labels == 0, number, labels))
        enough = lambda inside, own=own: inside.sum() >= own.sum() / 4  # noqa: E731
        if enough(own & ~first & ~second):
            boundary = first | second
        elif enough(own & ~first) and parts(own & ~first) <= parts(own):
            boundary = first
        elif enough(own & ~meets_another):
            boundary = meets_another
        else:
            boundary = np.zeros_like(own)
        np.testing.assert_array_equal(targets[own], np.where(boundary, 2, 1)[own])


@given(labels=label_images)
def test_no_object_is_all_boundary(labels):
    targets = targets_from_labels(labels)
    for number in np.unique(labels[labels > 0]):
        own = labels == number
        assert (targets[own] == 1).sum() >= max(1, own.sum() / 4)


@st.composite
def lines(draw):
    """Lines one pixel wide that wander from left to right, each in its own strip of rows, and are cut somewhere."""
    labels = np.zeros((5 * 9, 40), np.int32)
    for number in range(5):
        steps = draw(st.lists(st.integers(-1, 1), min_size=40, max_size=40))
        rows = np.clip(3 + np.cumsum(steps), 0, 6) + 9 * number  # two rows are left free between strips
        start, stop = sorted(draw(st.tuples(st.integers(0, 36), st.integers(4, 40))))
        stop = max(stop, start + 4)
        columns = np.arange(start, stop)
        labels[rows[columns], columns] = number + 1
    return labels


@given(labels=lines())
def test_lines_of_one_pixel_survive_from_labels_to_classes_and_back(labels):
    found = labels_from_probabilities(certain(targets_from_labels(labels)), InstanceSettings(min_size=1))
    assert same_up_to_numbers(found, labels)


@pytest.mark.parametrize("width", [2, 3, 4])
def test_thin_objects_side_by_side_stay_apart(width):
    labels = np.zeros((4 * width, 30), np.int32)
    for number in range(3):
        labels[number * width : (number + 1) * width, 3:27] = number + 1
    found = labels_from_probabilities(certain(targets_from_labels(labels)), InstanceSettings(min_size=1))
    assert found.max() == 3
    np.testing.assert_array_equal(found > 0, labels > 0)


def test_an_object_with_a_thin_neck_keeps_it_inside():
    labels = np.zeros((9, 22), np.int32)
    labels[2:6, 2:7] = labels[2:6, 15:20] = 7
    labels[3:5, 7:15] = 7
    targets = targets_from_labels(labels)
    assert parts(targets == 1) == 1


def test_the_boundary_of_a_large_object_is_two_pixels_wide():
    labels = np.zeros((14, 14), np.int32)
    labels[2:12, 2:12] = 5
    expected = np.zeros((14, 14))
    expected[2:12, 2:12] = 2
    expected[4:10, 4:10] = 1
    np.testing.assert_array_equal(targets_from_labels(labels), expected)


@pytest.mark.parametrize(
    ("shape", "circles"),
    [
        pytest.param((60, 70), [(20, 20, 12), (20, 44, 12.5)], id="touching"),
        pytest.param((60, 70), [(20, 20, 12), (20, 40, 12), (38, 30, 12)], id="three that overlap"),
        pytest.param((60, 70), [(5, 5, 9), (55, 65, 9), (30, 66, 9)], id="at the border"),
        pytest.param((26, 30, 30), [(12, 12, 8, 7.5), (12, 12, 22, 7.5)], id="touching balls"),
    ],
)
def test_touching_objects_come_back_apart(shape, circles):
    labels = disks(shape, *circles)
    # The sure network's classes, flooded from their seeds, give every pixel back to its object.
    found = labels_from_probabilities(certain(targets_from_labels(labels)), InstanceSettings(smoothing=0.5))
    assert found.dtype == np.int32
    assert found.max() == len(circles)
    np.testing.assert_array_equal(found > 0, labels > 0)
    agreed = sum(
        (found[labels == k] == np.bincount(found[labels == k]).argmax()).sum() for k in range(1, 9) if k in labels
    )
    assert agreed / (labels > 0).sum() > 0.98


def test_objects_apart_come_back_exactly_and_are_numbered_without_gaps():
    labels = disks((80, 80), (15, 15, 9), (15, 60, 12), (55, 20, 14), (60, 62, 7)) * 37
    found = labels_from_probabilities(certain(targets_from_labels(labels)))
    assert sorted(np.unique(found)) == [0, 1, 2, 3, 4]
    assert same_up_to_numbers(found, labels)


def test_the_foreground_threshold_draws_the_outline():
    x = np.linspace(0, 1, 60)
    chance = np.tile(1 - np.abs(2 * x - 1), (20, 1))  # rises to the middle and falls
    probabilities = np.stack([1 - chance, chance * 0.75, chance * 0.25])
    for foreground in (0.3, 0.5, 0.7):
        found = labels_from_probabilities(probabilities, InstanceSettings(foreground=foreground, seed=0.6))
        np.testing.assert_array_equal(found > 0, chance > foreground)


def test_seeds_need_the_interior_probability():
    interior = np.zeros((20, 20))
    interior[5:15, 5:15] = 0.6
    probabilities = np.stack([1 - interior, interior, 0 * interior])
    assert labels_from_probabilities(probabilities, InstanceSettings(seed=0.5)).max() == 1
    assert labels_from_probabilities(probabilities, InstanceSettings(seed=0.7)).max() == 0


@pytest.mark.parametrize(("smallest", "kept"), [(1, 3), (26, 2), (200, 1), (10_000, 0)])
def test_small_objects_are_dropped_and_the_rest_numbered_anew(smallest, kept):
    labels = disks((60, 60), (8, 8, 3), (20, 40, 6), (45, 20, 12))
    assert [(labels == k).sum() for k in (1, 2, 3)] == [25, 109, 437]
    settings = InstanceSettings(min_size=smallest, smoothing=0)
    found = labels_from_probabilities(certain(targets_from_labels(labels)), settings)
    assert sorted(np.unique(found)) == list(range(kept + 1))


@pytest.mark.parametrize(("depth", "objects"), [(0.75, 2), (3.0, 2), (5.0, 1)])
def test_objects_without_a_boundary_between_are_parted_at_a_neck_that_is_deep_enough(depth, objects):
    # Radius 8, centres 14 apart: the distance to the edge is 8 at the centres and sqrt(8 ** 2 - 7 ** 2) = 3.9 between.
    joined = disks((40, 50), (20, 16, 8), (20, 30, 8)) > 0
    probabilities = np.stack([~joined, joined, 0 * joined]).astype(np.float32)
    found = labels_from_probabilities(probabilities, InstanceSettings(depth=depth, smoothing=0))
    assert found.max() == objects
    np.testing.assert_array_equal(found > 0, joined)
    assert (found[20, 16] == found[20, 30]) == (objects == 1)


def test_nothing_gives_no_objects():
    found = labels_from_probabilities(np.stack([np.ones((5, 5)), np.zeros((5, 5)), np.zeros((5, 5))]))
    np.testing.assert_array_equal(found, np.zeros((5, 5), np.int32))


def test_half_precision_gives_the_same_objects():
    rng = np.random.default_rng(0)
    logits = ndimage.gaussian_filter(rng.normal(size=(3, 90, 90)), (0, 3, 3)) * 40
    probabilities = np.exp(logits) / np.exp(logits).sum(0)
    half = probabilities.astype(np.float16)
    np.testing.assert_array_equal(labels_from_probabilities(half), labels_from_probabilities(half.astype(np.float64)))


@pytest.mark.parametrize("shape", [(90, 90), (40, 40, 40)])
def test_the_median_diameter_is_that_of_the_middle_object(shape):
    middle = 16
    centres = np.array([(15,) * len(shape), (15,) * (len(shape) - 1) + (75,), (75,) * len(shape)])
    if len(shape) == 2:
        labels = disks(shape, (*centres[0], 6), (*centres[1], middle / 2), (*centres[2], 13))
    else:
        labels = disks(shape, (8, 8, 8, 5), (8, 8, 30, middle / 2), (27, 25, 25, 11))
    assert median_diameter(labels) == pytest.approx(middle, rel=0.03)


def test_gaps_and_huge_ids_do_not_matter():
    labels = disks((60, 60), (20, 20, 10), (40, 40, 10)).astype(np.int64)
    labels[labels == 1], labels[labels == 2] = 2_000_000_000, 5
    assert median_diameter(labels) == pytest.approx(20, rel=0.03)
    assert median_diameter(np.zeros((4, 4), int)) is None
