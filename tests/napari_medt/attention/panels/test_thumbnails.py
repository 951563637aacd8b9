"""Small pictures of maps: what is bright in a map is bright in its picture, in the same place."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest

from napari_medt.attention.panels.thumbnails import thumbnail
from napari_medt.viewer.map_looks import attention_colors, contrast_limits
from src_models.attention.placed_map import PlacedMap

BLACK, WHITE = (0, 0, 0, 255), (253, 231, 37, 255)  # clear, over black, and the brightest of the colour map "viridis"


def placed(data):
    scale = (1.0,) * (np.ndim(data) - 2) + (4.0, 4.0)
    return PlacedMap("gate 3", "attention gate", "", 3, data, scale, (0.0,) * (np.ndim(data) - 2) + (1.5, 1.5))


def brightness(picture):
    return picture[..., :3].astype(int).sum(-1)


def test_every_cell_has_the_colour_of_its_value():
    data = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    picture = thumbnail(placed(data), 40)
    low, high = 0.0, 1.0  # round numbers about the 1st and 99th percentile
    assert (picture.shape, picture.dtype) == ((30, 40, 4), np.uint8)
    stretched = np.clip((data - low) / (high - low), 0, 1)
    wanted = attention_colors().map(stretched.ravel()).reshape(3, 4, 4)
    wanted[..., :3] *= wanted[..., 3:]  # over black
    wanted[..., 3] = 1
    for row, column in np.ndindex(30, 40):
        np.testing.assert_allclose(picture[row, column], 255 * wanted[row // 10, column // 10], atol=0.51)


def test_a_picture_stands_as_the_map_does():
    data = np.zeros((6, 9), np.float32)
    data[:2, 6:] = 1  # at the top on the right
    picture = thumbnail(placed(data), 18)
    assert picture.shape == (12, 18, 4)
    bright = brightness(picture) > brightness(picture).mean()
    assert bright[:4, 12:].all()
    assert bright.sum() == 4 * 6


@pytest.mark.parametrize(("factor", "offset"), [(1, 0), (1e-3, 0.5), (40, -7)])
def test_a_map_is_stretched_over_all_colours_whatever_its_range(factor, offset):
    data = np.zeros((8, 8), np.float32)
    data[2:4], data[4:] = 0.5, 1
    picture = thumbnail(placed(offset + factor * data), 8)
    dark, middle, bright = (brightness(picture[rows]).mean() for rows in (slice(0, 2), slice(2, 4), slice(4, 8)))
    assert dark < 25
    assert bright > sum(WHITE[:3]) - 60
    assert dark + 100 < middle < bright - 100


def test_a_picture_and_a_layer_have_the_same_limits_round_numbers_about_the_bulk_of_the_values():
    values = np.linspace(0.056, 0.789, 5000, dtype=np.float32).reshape(50, 100)
    assert contrast_limits(placed(values)) == (0.05, 0.8)
    assert contrast_limits(placed(values / 100)) == (0.0005, 0.008)
    assert contrast_limits(placed(np.stack([values, 10 + values]))) == (0.0, 11.0)


def test_a_single_cell_that_stands_out_leaves_the_rest_in_view():
    data = np.tile(np.linspace(0, 1, 20, dtype=np.float32), (20, 1))
    data[3, 3] = 1000.0
    picture = thumbnail(placed(data), 20)
    assert tuple(picture[3, 3]) == WHITE
    assert tuple(picture[10, 19]) == WHITE
    assert brightness(picture)[10, 10] > brightness(picture)[10, 0] + 100


def test_a_map_that_is_the_same_everywhere_is_one_dark_colour():
    assert (thumbnail(placed(np.full((5, 7), 0.5, np.float32)), 14) == BLACK).all()


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (64, 64), (65, 20), (3, 200), (300, 257)])
def test_no_side_is_longer_than_asked_and_the_map_keeps_its_form(shape):
    picture = thumbnail(placed(np.random.default_rng(0).random(shape)), 64)
    height, width, _ = picture.shape
    assert 32 < max(height, width) <= 64
    assert height / width == pytest.approx(shape[0] / shape[1], rel=0.15, abs=1 / min(picture.shape[:2]))


def test_a_large_map_is_drawn_from_cells_all_over_it():
    data = np.zeros((200, 300), np.float32)
    data[100:, 150:] = 1
    picture = thumbnail(placed(data), 30)
    assert picture.shape == (20, 30, 4)
    assert (picture[10:, 15:] == WHITE).all()
    assert (picture[:10] == BLACK).all()
    assert (picture[:, :15] == BLACK).all()


def test_of_several_planes_the_middle_one_is_drawn():
    planes = np.random.default_rng(0).random((3, 5, 6, 8)).astype(np.float32)
    for data in (planes, dask.array.from_array(planes)):
        np.testing.assert_array_equal(thumbnail(placed(data), 16), thumbnail(placed(planes[1, 2]), 16))


def test_half_precision_is_drawn_as_single_is():
    data = np.random.default_rng(0).integers(0, 64, (6, 8)).astype(np.float32) / 64
    np.testing.assert_array_equal(thumbnail(placed(data.astype(np.float16)), 16), thumbnail(placed(data), 16))
