"""What is measured of an object, against scikit-image's regionprops and formulas."""

import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import pdist
from skimage.measure import regionprops

from src_models.labels.measurements.one_object import intensities, shape_of
from src_models.labels.measurements.space import PixelSpace


def region(seed, ndim, spacing):
    random = np.random.default_rng(seed)
    mask = gaussian_filter(random.random(random.integers(3, 12, ndim)), random.uniform(0.1, 1.5)) > 0.5
    assume(mask.any() and np.linalg.matrix_rank(np.argwhere(mask) - np.argwhere(mask)[0]) == ndim)
    return regionprops(mask.astype(int), spacing=spacing)[0]


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 3]), st.booleans())
def test_it_is_what_regionprops_measures(seed, ndim, even):
    spacing = (0.7,) * ndim if even else (2.5, 0.7, 0.4)[:ndim]
    theirs = region(seed, ndim, spacing)
    ours = shape_of(theirs.image, PixelSpace.of_spacing(spacing, "mm"))
    assert ours.pixels == theirs.num_pixels
    np.testing.assert_allclose(ours.centroid, np.array(theirs.centroid_local) / spacing, atol=1e-9)
    assert ours.equivalent_diameter == pytest.approx(theirs.equivalent_diameter_area, rel=1e-6)
    assert ours.filled == pytest.approx(theirs.solidity, rel=1e-6)
    assert ours.feret == pytest.approx(theirs.feret_diameter_max, rel=1e-6)
    assert ours.axes[0] == pytest.approx(theirs.axis_major_length, rel=1e-6)
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore")
        try:
            minor = theirs.axis_minor_length
        except ValueError:  # scikit-image takes the root of a rounding error below 0
            minor = 0.0
    assert ours.axes[-1] == pytest.approx(minor, rel=1e-6, abs=1e-6)
    if ndim == 2:
        assert ours.eccentricity == pytest.approx(theirs.eccentricity, rel=1e-6, abs=1e-6)
        if even:
            assert ours.border == pytest.approx(theirs.perimeter, rel=1e-6)
        else:
            assert ours.border is None


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_in_a_sheared_space_the_longest_distances_are_those_of_all_pairs(seed):
    mask = region(seed, 3, (1, 1, 1)).image
    steps = np.array([[4.0, 0.0, 0.0], [1.3, 0.8, 0.1], [0.2, -0.1, 0.7]])
    ours = shape_of(mask, PixelSpace.of(steps, unit="mm"))
    world = np.argwhere(mask) @ steps.T
    assert ours.longest == pytest.approx(pdist(world).max(), rel=1e-6)
    within = [
        pdist(np.argwhere(plane) @ steps[:, 1:].T).max() if plane.sum() > 1 else 0.0 for plane in mask if plane.any()
    ]
    assert ours.in_slice == pytest.approx(max(within), rel=1e-6, abs=1e-9)
    of_slice = np.argwhere(mask[ours.slice]) @ steps[:, 1:].T
    assert (pdist(of_slice).max() if len(of_slice) > 1 else 0.0) == pytest.approx(ours.in_slice, abs=1e-9)


def test_axes_and_surface_of_an_ellipsoid_are_its_own_whichever_way_it_is_sampled():
    spacing = np.array([0.5, 0.25, 0.2])
    z, y, x = (np.indices((61, 81, 101)).T - [30, 40, 50]).T * spacing[:, None, None, None]
    mask = (z / 12) ** 2 + (y / 8) ** 2 + (x / 6) ** 2 <= 1
    mask = mask[tuple(slice(at.min(), at.max() + 1) for at in np.nonzero(mask))]
    ours = shape_of(mask, PixelSpace.of_spacing(spacing, "mm"))
    np.testing.assert_allclose(ours.axes, (24, 16, 12), rtol=0.01)
    # Thomsen's formula of an ellipsoid's surface; steps of voxels make the measured one larger.
    p = 1.6075
    a, b, c = 12.0**p, 8.0**p, 6.0**p
    surface = 4 * np.pi * ((a * b + a * c + b * c) / 3) ** (1 / p)
    assert surface < ours.border < 1.15 * surface
    assert ours.longest == pytest.approx(24, abs=0.6)


def test_grey_values_of_an_object_are_those_of_numpy_in_double_precision():
    values = np.random.default_rng(0).integers(0, 2**16, 1000).astype(np.uint16)
    exact = [int(value) for value in values]
    found = intensities(values)
    assert found["sum"] == sum(exact)
    assert found["mean"] == pytest.approx(sum(exact) / 1000, rel=1e-12)
    assert found["SD"] == pytest.approx((sum((v - sum(exact) / 1000) ** 2 for v in exact) / 1000) ** 0.5, rel=1e-9)
    assert (found["min"], found["max"]) == (min(exact), max(exact))
