"""Normalisation of grey values, of every type a camera or a scanner writes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.errors import ImageError
from src_models.images.grey.grey_range import GreyRange
from src_models.images.grey.intensity import LIMIT, MOST_SAMPLED, filled, look_at, measure
from src_models.models.header import Intensity

RNG = np.random.default_rng(0)
PERCENTILE = Intensity(kind="percentile", low=1, high=99)


def test_percentiles_go_to_zero_and_one():
    image = RNG.normal(500, 40, (80, 90))
    found = measure(image, PERCENTILE)(image)
    low, high = np.percentile(image, (1, 99))
    np.testing.assert_allclose(found, (image - low) / (high - low), atol=1e-5)
    assert found.dtype == np.float32


def test_zscore_has_mean_zero_and_deviation_one_after_clipping():
    image = RNG.normal(-3, 7, (100, 100))
    image[0, 0] = 1e6
    found = measure(image, Intensity(kind="zscore", low=0.5, high=99.5))(image)
    low, high = np.percentile(image, (0.5, 99.5))
    clipped = image.clip(low, high)
    np.testing.assert_allclose(found, (clipped - clipped.mean()) / clipped.std(), atol=1e-5)


def test_a_window_of_hounsfield_units_is_the_same_for_every_image():
    window = Intensity(kind="window", low=-160, high=240)
    values = np.array([-1024, -160, 40, 240, 3000], np.int16)
    np.testing.assert_allclose(measure(values, window)(values), [0, 0, 0.5, 1, 1], atol=1e-6)
    np.testing.assert_allclose(measure(np.zeros(5), window)(values), [0, 0, 0.5, 1, 1], atol=1e-6)


def test_a_signed_window_goes_from_minus_one_to_one():
    eight_bit = Intensity(kind="signed-window", low=0, high=255)
    values = np.array([0, 51, 255], np.uint8)
    np.testing.assert_allclose(measure(values, eight_bit)(values), (values / 255 - 0.5) / 0.5, atol=1e-6)
    beyond = np.array([-7.0, 300.0])
    np.testing.assert_allclose(measure(beyond, eight_bit)(beyond), [-1, 1], atol=1e-6)


@given(
    scale=st.floats(0.01, 100),
    shift=st.floats(-1000, 1000),
    kind=st.sampled_from([Intensity(), Intensity(kind="zscore", low=1, high=99)]),
)
def test_brightness_and_contrast_do_not_matter(scale, shift, kind):
    image = np.random.default_rng(1).normal(0, 10, (40, 40))
    other = image * scale + shift
    np.testing.assert_allclose(measure(image, kind)(image), measure(other, kind)(other), atol=2e-3)


@pytest.mark.parametrize(
    "dtype", [np.uint8, ">u2", "<u2", np.int16, np.uint32, np.int64, np.float16, ">f4", np.float64]
)
def test_every_type_gives_the_same(dtype):
    image = RNG.integers(0, 120, (50, 50))
    expected = measure(image.astype(np.float32), PERCENTILE)(image.astype(np.float32))
    stored = image.astype(dtype)
    np.testing.assert_allclose(measure(stored, PERCENTILE)(stored), expected, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint32, np.int64, np.float64])
def test_small_differences_of_large_values_are_kept(dtype):
    """4 000 000 000 and 4 000 000 001 are one number in float32."""
    image = RNG.integers(0, 100, (60, 60))
    stored = (image + 4_000_000_000).astype(dtype)
    found = measure(stored, PERCENTILE)(stored)
    np.testing.assert_allclose(found, measure(image, PERCENTILE)(image), atol=1e-4)


def test_values_beyond_float32_do_not_overflow():
    image = np.linspace(-1e300, 1e300, 500)
    found = measure(image, PERCENTILE)(image)
    assert np.isfinite(found).all()
    assert found.max() - found.min() == pytest.approx(100 / 98, rel=1e-3)


@pytest.mark.parametrize("kind", ["percentile", "zscore"])
@pytest.mark.parametrize("value", [0, 7, 65535])
def test_a_constant_image_becomes_zero(kind, value):
    image = np.full((10, 12), value, np.uint16)
    found = measure(image, Intensity(kind=kind, low=1, high=99))(image)
    np.testing.assert_array_equal(found, np.zeros((10, 12)))


def test_an_image_that_is_nearly_all_background_keeps_its_objects():
    image = np.zeros((200, 200), np.uint8)
    image[50:52, 50:52] = 200
    found = measure(image, PERCENTILE)(image)
    assert found[50, 50] == 1
    assert found[0, 0] == 0


def test_booleans_become_zero_and_one():
    image = RNG.random((30, 30)) > 0.5
    np.testing.assert_array_equal(measure(image, PERCENTILE)(image), image.astype(np.float32))


def test_specks_far_beyond_the_percentiles_are_bounded():
    image = RNG.normal(100, 5, (100, 100))
    image[3, 3], image[4, 4] = 1e6, -1e6
    found = measure(image, PERCENTILE)(image)
    assert found.max() == pytest.approx(1 + LIMIT)
    assert found.min() == pytest.approx(-LIMIT)


def test_a_large_image_is_measured_from_a_sample():
    image = np.tile(np.arange(1000, dtype=np.uint16), 3 * MOST_SAMPLED // 1000)
    found = measure(image, PERCENTILE)
    assert found.offset == pytest.approx(10, abs=3)
    assert found.offset + found.width == pytest.approx(989, abs=3)


@pytest.mark.parametrize("kind", ["percentile", "zscore", "window"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_has_no_part_and_counts_as_the_lowest_value(kind, value):
    image = RNG.normal(50, 10, (40, 60)).astype(np.float32)
    lowest = image.min()
    spoilt = image.copy()
    hidden = RNG.random(image.shape) < 0.3
    hidden[image == lowest] = False
    spoilt[hidden] = value
    intensity = Intensity(kind=kind, low=1, high=99)
    found = measure(spoilt, intensity)
    alone = measure(image[~hidden], intensity)
    assert found == alone
    np.testing.assert_array_equal(found(spoilt)[~hidden], alone(image)[~hidden])
    np.testing.assert_array_equal(found(spoilt)[hidden], alone(np.full(hidden.sum(), lowest)))


def test_where_no_value_is_a_number_the_image_is_refused():
    with pytest.raises(ImageError, match=r"cells\.tif has no value that is a finite number"):
        measure(np.full((5, 5), np.nan), PERCENTILE, name="cells.tif")


@pytest.mark.parametrize("values", [np.zeros(3, complex), np.array(["a"]), np.array([None])])
def test_other_types_are_refused(values):
    with pytest.raises(ImageError, match=r"cells\.tif holds values of type"):
        measure(values, PERCENTILE, name="cells.tif")


def test_the_image_is_not_changed():
    image = RNG.random((20, 20)).astype(np.float32)
    before = image.copy()
    measure(image, PERCENTILE)(image)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_filled_values_have_the_lowest_in_place_of_what_is_not_finite(value):
    values = np.array([3, value, -2], np.float32)
    np.testing.assert_array_equal(filled(values), np.array([3, -2, -2], np.float32))
    assert filled(values).dtype == np.float32
    np.testing.assert_array_equal(filled(np.array([value])), [0])
    whole = np.array([1, 2])
    assert filled(whole) is whole


@pytest.mark.parametrize("kind", ["percentile", "zscore", "window", "signed-window"])
@pytest.mark.parametrize("chosen", [GreyRange(10, 30), GreyRange(5, 95, percentiles=True)], ids=str)
def test_a_range_that_was_chosen_replaces_the_headers_and_what_lies_beyond_counts_as_its_ends(kind, chosen):
    image = RNG.uniform(0, 40, (60, 70))
    low, high = np.percentile(image, (5, 95)) if chosen.percentiles else (10, 30)
    clipped = image.clip(low, high)
    expected = {
        "zscore": (clipped - clipped.mean()) / clipped.std(),
        "signed-window": 2 * (clipped - low) / (high - low) - 1,
    }.get(kind, (clipped - low) / (high - low))
    found = look_at(image, Intensity(kind=kind, low=1, high=99), grey_range=chosen)
    np.testing.assert_allclose(found.normalisation(image), expected, atol=1e-5)
    assert (found.grey.low, found.grey.high) == (pytest.approx(low), pytest.approx(high))


def test_specks_do_not_stretch_the_range_and_count_as_its_brightest():
    image = RNG.gamma(2, 100, (200, 200))
    specked = image.copy()
    specks = RNG.random(image.shape) < 0.01
    specked[specks] = 65535
    found = look_at(specked, Intensity())
    low, high = np.percentile(image[~specks], (0.5, 99.8))
    np.testing.assert_allclose((found.grey.low, found.grey.high), (low, high))
    assert found.grey.bright == pytest.approx(specks.mean())
    np.testing.assert_allclose(found.normalisation(specked)[specks], 1, atol=1e-6)


def test_a_header_that_asks_for_the_whole_range_gets_it():
    """As official checkpoints do, whose papers say so."""
    image = RNG.gamma(2, 100, (200, 200))
    image[0, :200] = 65535
    whole = look_at(image, Intensity(kind="percentile", low=0, high=100)).grey
    assert (whole.low, whole.high, whole.bright) == (image.min(), 65535, 0)


def test_values_that_are_not_scaled_stay_as_they_are_and_a_chosen_range_bounds_them():
    values = np.array([[-3.5, 0.25], [700.0, 70000.0]])
    raw = Intensity(kind="unscaled", low=0, high=1)
    np.testing.assert_array_equal(measure(values, raw)(values), values.astype(np.float32))
    bounded = measure(values, raw, grey_range=GreyRange(0, 500))
    np.testing.assert_array_equal(bounded(values), np.float32([[0, 0.25], [500, 500]]))
