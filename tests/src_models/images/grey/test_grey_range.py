"""Which grey values count: as a person gives them, and without specks that lie far from all others."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from src_models.errors import UserError
from src_models.images.grey.grey_range import GreyRange, GreyValues, number, without_specks

RNG = np.random.default_rng(0)


def cells(noise=3.0):
    """Bright discs on a dark, noisy ground, 12-bit."""
    yy, xx = np.mgrid[:200, :240]
    image = np.full(yy.shape, 100.0)
    for y, x in np.ndindex(5, 6):
        image += 1500 / (1 + np.exp(np.hypot(yy - 20 - 40 * y, xx - 20 - 40 * x) - 9))
    return image + RNG.normal(0, noise * 16, image.shape)


@pytest.mark.parametrize("share", [0.006, 0.01, 0.018])
@pytest.mark.parametrize("spread", [False, True], ids=["one value", "many values"])
@pytest.mark.parametrize("side", [1, -1], ids=["bright", "dark"])
def test_specks_on_up_to_two_percent_of_the_pixels_are_left_out(share, spread, side):
    image = cells()
    specks = RNG.random(image.shape) < share
    image[specks] = side * (RNG.uniform(20_000, 65_535, specks.sum()) if spread else 65_535)
    kept = without_specks(image.ravel())
    rest = image[~specks]
    found = (kept.bright, kept.dark) if side > 0 else (kept.dark, kept.bright)
    assert found == (pytest.approx(specks.mean()), 0)
    assert (kept.high if side > 0 else kept.low) == (rest.max() if side > 0 else rest.min())


def test_a_speck_with_soft_edges_over_cells_is_left_out_too():
    image = np.tile(cells(), (2, 2))
    speck = np.zeros_like(image)
    speck[90:130, 100:140] = 65_535
    kept = without_specks(np.maximum(image, gaussian_filter(speck, 1)).ravel())
    assert kept.bright == pytest.approx(0.0095, abs=0.002)
    assert kept.high < 6000


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(cells(), id="cells"),
        pytest.param(RNG.normal(100, 5, (200, 200)), id="noise"),
        pytest.param(RNG.poisson(2.0, (200, 200)).astype(float), id="few counts"),
        pytest.param((RNG.random((200, 200)) > 0.99).astype(float), id="a mask with little in it"),
        pytest.param(np.where(RNG.random((200, 200)) > 0.99, 255.0, RNG.integers(0, 3, (200, 200))), id="few values"),
        pytest.param(np.full((50, 50), 7.0), id="constant"),
    ],
)
def test_where_nothing_lies_far_from_the_rest_all_is_kept(image):
    assert without_specks(image.ravel())[2:] == (0, 0)


def test_a_few_cells_on_an_empty_ground_are_no_specks():
    """Their soft edges lead from the ground up to them, and below them there is noise alone."""
    yy, xx = np.mgrid[:512, :512]
    edge = 1 / (1 + np.exp(np.hypot(yy - 250, xx - 250) - 29))  # 1 % of the pixels
    image = 10 + 200 * edge + RNG.normal(0, 2, edge.shape)
    assert without_specks(image.ravel())[2:] == (0, 0)


def test_more_than_two_percent_of_the_pixels_are_no_specks():
    image = cells()
    image[RNG.random(image.shape) < 0.03] = 65_535
    assert without_specks(image.ravel()).bright == 0


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("100:4000", GreyRange(100, 4000)),
        ("-160:240", GreyRange(-160, 240)),
        ("percentile:0.5:98", GreyRange(0.5, 98, percentiles=True)),
        ((5, 9), GreyRange(5, 9)),
        (None, None),
        (GreyRange(1, 2), GreyRange(1, 2)),
    ],
)
def test_a_range_is_taken_as_people_give_it_and_written_so_that_it_reads_back(given, expected):
    found = GreyRange.of(given)
    assert found == expected
    if found is not None:
        assert GreyRange.parse(found.text) == found


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("100", "not of the form LOW:HIGH"),
        ("a:b", "not of the form"),
        ("zscore:1:2", "not of the form"),
        ("5:5", "first number must be below the second"),
        ("nan:5", "first number must be below the second"),
        ("percentile:1:101", "between 0 and 100"),
        ((1, 2, 3), "3 numbers"),
    ],
)
def test_what_is_no_range_is_refused_with_what_to_give(given, words):
    with pytest.raises(UserError, match=words):
        GreyRange.of(given)


def test_what_was_left_out_is_said_with_the_setting_that_changes_it():
    assert GreyValues(0, 255).note() is None
    note = GreyValues(96, 2400, bright=0.0049, dark=0.01).note()
    assert "0.49 % of the pixels are far brighter" in note
    assert "1 % of the pixels are far darker" in note
    assert "96 to 2400" in note
    assert "--grey-range" in note


@pytest.mark.parametrize(("value", "words"), [(65535, "65535"), (1234.5, "1234"), (3, "3"), (0.123456, "0.1235")])
def test_grey_values_are_written_with_as_many_digits_as_people_read(value, words):
    assert number(value) == words
