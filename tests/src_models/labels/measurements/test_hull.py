"""Convex hulls and longest distances, against scikit-image and all pairs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
from skimage.morphology import convex_hull_image

from src_models.labels.measurements.hull import Hull, line_ends, longest_distance


def blob(seed, ndim):
    """Return random pixels in their box."""
    random = np.random.default_rng(seed)
    mask = random.random(random.integers(1, 9 if ndim == 3 else 14, ndim)) < random.choice([0.1, 0.4, 0.9])
    mask[tuple(random.integers(0, size) for size in mask.shape)] = True
    return mask[tuple(slice(at.min(), at.max() + 1) for at in np.nonzero(mask))]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 3]))
def test_the_longest_distance_is_that_of_all_pairs_in_any_space(seed, ndim):
    mask = blob(seed, ndim)
    steps = np.random.default_rng(seed + 1).uniform(-1, 1, (ndim, ndim)) + 2 * np.eye(ndim)
    points = np.argwhere(mask)
    expected = pdist(points @ steps.T).max() if len(points) > 1 else 0.0
    assert longest_distance(line_ends(mask), steps) == pytest.approx(expected, abs=1e-9)
    assert longest_distance(points, steps) == pytest.approx(expected, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_a_hull_in_a_plane_has_the_pixels_of_scikit_image(seed):
    mask = blob(seed, 2)
    hull = Hull.of(mask)
    filled = convex_hull_image(mask)
    assert hull.pixels == filled.sum()
    np.testing.assert_array_equal(np.unique(hull.ends, axis=0), line_ends(filled))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_a_hull_in_space_has_the_pixels_of_scikit_image(seed):
    mask = blob(seed, 3)
    if np.linalg.matrix_rank(np.argwhere(mask) - np.argwhere(mask)[0]) < 3:
        return  # scikit-image finds no hull of what is flat
    assert Hull.of(mask).pixels == convex_hull_image(mask).sum()


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 40), (1, 30, 30), (30, 1, 1)])
def test_what_is_flat_or_a_line_fills_its_hull(shape):
    hull = Hull.of(np.ones(shape, bool))
    assert hull.pixels == np.prod(shape)
    corner = np.array(shape) - 1
    assert longest_distance(hull.ends, np.eye(3)) == pytest.approx(np.linalg.norm(corner))


def test_many_points_in_a_plane_that_leans_are_compared_all():
    place = np.indices((12, 12)).reshape(2, -1).T
    points = np.c_[place, place.sum(axis=1)]
    assert longest_distance(points, np.eye(3)) == pytest.approx(np.sqrt(11**2 + 11**2 + 22**2))
