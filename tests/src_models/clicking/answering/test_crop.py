"""The square that a network of clicks sees: where its cells lie, also beyond the image."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.clicking.answering.crop import Crop, crop_around, first_crops
from src_models.clicking.prompts import Box, Click, Scribble

crops = st.builds(Crop, st.integers(-30, 60), st.integers(-30, 60), st.integers(4, 80))


def slope(shape=(50, 70)):
    """An image whose value is 100 * row + column: linear, so that interpolation is exact inside of it."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (100.0 * rows + columns)[None]


@given(crops, st.floats(0, 31), st.floats(0, 31))
def test_the_grid_and_the_image_undo_each_other(crop, row, column):
    assert crop.to_grid(*crop.from_grid(row, column, 32), 32) == pytest.approx((row, column), abs=1e-9)


@pytest.mark.parametrize("crop", [Crop(5, 8, 32), Crop(0, 0, 48), Crop(10, 20, 16), Crop(20, 30, 8)])
def test_a_cell_has_the_value_of_the_place_it_lies_at(crop):
    image = slope()
    grid = crop.read(lambda part: image[:, part[0], part[1]], (50, 70), 32)[0]
    for row, column in ((8, 9), (16, 16), (20, 11)):  # not at the edge, where the blur meets the border
        y, x = crop.from_grid(row, column, 32)
        assert grid[row, column] == pytest.approx(100 * y + x, abs=0.05)


def test_beyond_the_image_its_border_goes_on():
    image = slope()
    grid = Crop(-8, 60, 16).read(lambda part: image[:, part[0], part[1]], (50, 70), 16)[0]
    assert grid[0, 0] == image[0, 0, 60]
    assert grid[15, 15] == image[0, 7, 69]
    outside = Crop(-100, -100, 10).read(lambda part: image[:, part[0], part[1]], (50, 70), 10)[0]
    assert (outside == image[0, 0, 0]).all()


@given(crops)
def test_a_plane_goes_back_to_the_pixels_that_it_covers(crop):
    shape = (50, 70)
    rows, columns = crop.inside(shape)
    back = crop.to_image(np.ones((32, 32), np.float32), shape)
    assert back.shape == (rows.stop - rows.start, columns.stop - columns.start)
    np.testing.assert_allclose(back, 1)
    inside = {(y, x) for y in range(crop.top, crop.top + crop.side) for x in range(crop.left, crop.left + crop.side)}
    assert back.size == len([1 for y, x in inside if 0 <= y < 50 and 0 <= x < 70])


@given(crops, st.sampled_from([(1.0, 1.0), (2.5, 1.0), (1.0, 2.2)]), st.integers(0, 10**6))
def test_the_pixels_under_some_cells_are_all_that_these_reach_to(crop, pixel, seed):
    shape, random = (50, 70), np.random.default_rng(seed)
    crop = dataclasses.replace(crop, pixel=pixel)
    first, last = np.sort(random.integers(0, 16, (2, 2)), axis=0)
    cells = np.zeros((16, 16), bool)
    cells[first[0] : last[0] + 1, first[1] : last[1] + 1] = True
    whole = crop.to_image(cells, shape)
    part = crop.under(cells, shape)
    here = tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(part, crop.inside(shape), strict=True))
    np.testing.assert_allclose(crop.to_image(cells, shape, part), whole[here], atol=1e-6)
    whole[here] = 0
    assert not whole.any()


def test_no_cells_have_no_pixels():
    rows, columns = Crop(3, 4, 20).under(np.zeros((16, 16), bool), (50, 70))
    assert rows.start == rows.stop
    assert columns.start == columns.stop


@given(crops, crops, st.integers(0, 10**6))
def test_from_one_grid_to_another_is_by_way_of_the_image(crop, other, seed):
    shape = (50, 70)
    grid = np.random.default_rng(seed).random((16, 16), np.float32)
    image = np.zeros(shape, np.float32)
    image[other.inside(shape)] = other.to_image(grid, shape)
    np.testing.assert_allclose(
        crop.from_other(grid, other, shape, 24), crop.read(lambda part: image[part], shape, 24), atol=1e-5
    )


def test_a_square_much_larger_than_the_grid_takes_what_lies_in_the_same_place_from_another():
    shape, near, far = (2000, 2400), Crop(300, 700, 256), Crop(-100, 0, 2200)
    grid = np.zeros((32, 32), np.float32)
    grid[8:24, 8:24] = 1
    found = far.from_other(grid, near, shape, 32)
    rows, columns = (np.flatnonzero(found.any(axis)) for axis in (1, 0))
    low, high = far.to_grid(364, 764, 32), far.to_grid(491, 891, 32)
    assert rows.min() == pytest.approx(low[0], abs=1)
    assert rows.max() == pytest.approx(high[0], abs=1)
    assert columns.min() == pytest.approx(low[1], abs=1)
    assert columns.max() == pytest.approx(high[1], abs=1)


def test_what_is_read_and_taken_back_at_the_same_size_is_the_image():
    image = slope()
    crop = Crop(-4, 50, 32)
    grid = crop.read(lambda part: image[:, part[0], part[1]], (50, 70), 32)[0]
    rows, columns = crop.inside((50, 70))
    np.testing.assert_array_equal(crop.to_image(grid, (50, 70)), image[0, rows, columns])


def test_an_object_takes_half_of_the_square_in_its_middle():
    crop = crop_around([Click(110, 205)], (slice(100, 141), slice(200, 211)))
    assert crop.side == pytest.approx(82, abs=1)
    assert crop.top + (crop.side - 1) / 2 == pytest.approx(120, abs=0.5)
    assert crop.left + (crop.side - 1) / 2 == pytest.approx(205, abs=0.5)


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=1, max_size=5))
def test_everything_that_was_given_lies_in_the_square(points):
    crop = crop_around([Click(*points[0]), Scribble(tuple(points)), Box(*points[0], 301, 302)], None)
    for y, x in [*points, (301, 302)]:
        assert crop.top <= y < crop.top + crop.side
        assert crop.left <= x < crop.left + crop.side


def test_a_click_beside_a_known_object_does_not_zoom_out():
    extent = (slice(100, 141), slice(200, 211))
    assert crop_around([Click(120, 205), Click(400, 400, positive=False)], extent) == crop_around([], extent)


def test_first_squares_double_until_the_image_fits():
    sides = [crop.side for crop in first_crops(20, 30, (300, 200))]
    assert sides[0] <= 64
    assert sides[-1] >= 300
    assert all(later == 2 * earlier for earlier, later in itertools.pairwise(sides))
    for crop in first_crops(20, 30, (300, 200)):
        assert abs(crop.top + (crop.side - 1) / 2 - 20) <= 0.5


def test_of_a_square_much_larger_than_its_grid_some_rows_and_columns_are_read():
    rows, columns = np.mgrid[:1500, :1400]
    plane = (np.sin(rows / 90) + np.cos(columns / 70)).astype(np.float32)
    asked = []

    def read(region):
        asked.append(plane[region].size)
        return plane[region]

    crop = Crop(-100, 40, 1600)
    found = crop.read(read, plane.shape, 64)
    assert asked[0] < plane.size / 10
    cell, means = 1600 / 64, []
    for row in range(4, 60):  # cells that lie in the image
        top, left = round(row * cell - 100), round(30 * cell + 40)
        means.append(plane[max(top, 0) : top + 25, left : left + 25].mean())
    np.testing.assert_allclose(found[4:60, 30], means, atol=0.02)
