"""What an answer says of the plane, held against drawing it into a whole plane."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src_models.clicking.answering.answer import Answer
from src_models.clicking.answering.crop import Crop

SHAPE = (30, 40)


def answer_of(whole, crop, size=16):
    """The answer that finds, in a square, what is true in a plane."""
    region = crop.inside(SHAPE)
    grid = crop.read(lambda part: whole[part].astype(np.float32), SHAPE, size)
    return Answer(crop, region, grid, np.zeros((3, size, size), np.float32), whole[region], SHAPE)


planes = st.integers(0, 10**6).map(lambda seed: np.random.default_rng(seed).random(SHAPE) < 0.3)
crops = st.builds(Crop, st.integers(-8, 24), st.integers(-8, 34), st.integers(6, 30))
regions = st.tuples(
    st.tuples(st.integers(0, 29), st.integers(1, 12)).map(lambda t: slice(t[0], min(t[0] + t[1], 30))),
    st.tuples(st.integers(0, 39), st.integers(1, 12)).map(lambda t: slice(t[0], min(t[0] + t[1], 40))),
)


def drawn(answer):
    whole = np.zeros(SHAPE, bool)
    whole[answer.region] = answer.mask
    return whole


@settings(max_examples=60)
@given(planes, crops, regions)
def test_pixels_extent_and_parts_are_those_of_the_whole_plane(plane, crop, region):
    answer = answer_of(plane, crop)
    whole = drawn(answer)
    np.testing.assert_array_equal(answer.pixels, np.argwhere(whole))
    np.testing.assert_array_equal(answer.on(region), whole[region])
    if not whole.any():
        assert answer.extent is None
        return
    rows, columns = answer.extent
    assert whole[rows, columns].sum() == whole.sum()
    for edge in (whole[rows.start], whole[rows.stop - 1], whole[:, columns.start], whole[:, columns.stop - 1]):
        assert edge.any()


@settings(max_examples=60)
@given(planes, crops, planes, crops)
def test_the_overlap_is_the_iou_of_whole_planes(plane, crop, other, other_crop):
    one, another = answer_of(plane, crop), answer_of(other, other_crop)
    # Where the squares do not meet, nothing is common; what lies beyond one of them counts in the union alone.
    whole, elsewhere = drawn(one), drawn(another)
    union = (whole | elsewhere).sum()
    assert one.overlap(another) == pytest.approx((whole & elsewhere).sum() / union if union else 0.0)


@settings(max_examples=40)
@given(planes, crops)
def test_the_middle_is_in_the_object_and_no_pixel_of_it_lies_deeper(plane, crop):
    answer = answer_of(plane, crop)
    whole = drawn(answer)
    if not whole.any():
        return
    outside = np.argwhere(~np.pad(whole[answer.region], 1))
    origin = np.array([cut.start for cut in answer.region]) - 1

    def depth(place):
        return np.sqrt(((outside + origin - place) ** 2).sum(1)).min()

    middle = answer.middle
    assert middle.positive
    assert whole[int(middle.y), int(middle.x)]
    assert depth((middle.y, middle.x)) == pytest.approx(max(depth(place) for place in answer.pixels))


def test_the_probability_of_a_pixel_is_that_of_the_grid_there():
    plane = np.zeros(SHAPE, bool)
    plane[10:20, 12:22] = True
    answer = answer_of(plane, Crop(8, 10, 16))  # a cell a pixel
    np.testing.assert_allclose(answer.probability, plane[answer.region], atol=1e-6)
    for y, x in ((10, 12), (9, 12), (19, 21), (20, 21)):
        assert answer.probability_at(y, x) == pytest.approx(float(plane[y, x]))
    assert answer.probability_at(7, 12) is None
    np.testing.assert_allclose(answer.cells, plane[answer.region], atol=1e-6)


def test_how_much_of_a_cell_is_the_object_is_known_in_squares_of_which_not_every_row_is_read():
    """Cells of 32 px, of which every fifth row and column is read."""
    plane = np.zeros((2048, 2300), bool)
    plane[320:1100, 900:1500] = True
    crop = Crop(0, 100, 2048)
    region = crop.inside(plane.shape)
    answer = Answer(crop, region, np.zeros((64, 64), np.float32), np.zeros((3, 64, 64)), plane[region], plane.shape)
    shares = plane[:, 100:2148].reshape(64, 32, 64, 32).mean((1, 3))
    np.testing.assert_allclose(answer.cells, shares, atol=0.3)
    np.testing.assert_array_equal(answer.cells[shares == 1] > 0.7, True)
    assert answer.cells.sum() == pytest.approx(shares.sum(), rel=0.02)


def test_on_the_grid_of_another_square_an_answer_lies_where_it_lies_in_the_plane():
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    plane = (rows - 14) ** 2 + (columns - 18) ** 2 <= 36
    answer = answer_of(plane, Crop(4, 8, 20), size=40)
    assert answer.on_grid(answer.crop, 40) is answer.grid
    other = Crop(0, 0, 40)  # a cell a pixel, and beyond the plane below
    found = answer.on_grid(other, 40)
    np.testing.assert_array_equal(found[:30] > 0.5, plane)
    assert not found[:4].any()  # where the answer says nothing
    assert not found[:, 28:].any()


def test_an_answer_is_surest_where_the_network_is_far_from_undecided():
    plane = np.zeros(SHAPE, bool)
    plane[10:20, 12:22] = True
    sure = answer_of(plane, Crop(4, 6, 24))
    assert sure.sureness > 0.9
    assert answer_of(np.zeros(SHAPE, bool), Crop(4, 6, 24)).sureness == 0
    unsure = Answer(sure.crop, sure.region, sure.grid * 0.2 + 0.4, sure.given, sure.mask, SHAPE)
    assert unsure.sureness == pytest.approx(0.2, abs=0.03)
