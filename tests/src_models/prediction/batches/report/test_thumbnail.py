"""Small pictures with outlines: on the edge of each object, of the middle plane, in the image's colours."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from src_models.files.images import ImageFile
from src_models.images.axes import read_axes
from src_models.prediction.batches.report import thumbnail
from src_models.prediction.batches.report.thumbnail import OUTLINE, draw_thumbnail, outlined, png


def opened(data, axes):
    return ImageFile(data, read_axes(data.shape, dtype=data.dtype, axes=axes), Path("x"))


def test_outlines_are_the_pixels_of_objects_beside_something_else():
    mask = np.zeros((8, 10), int)
    mask[2:7, 1:5], mask[2:7, 5:9] = 3, 8
    drawn = outlined(np.zeros((8, 10, 3), np.uint8), mask, 64)
    expected = np.zeros(mask.shape, bool)
    for row, column in np.argwhere(mask > 0):
        beside = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
        expected[row, column] = any(mask[place] != mask[row, column] for place in beside)
    np.testing.assert_array_equal((drawn == OUTLINE).all(-1), expected)


def test_a_large_picture_becomes_small_and_objects_stay_where_they_are():
    mask = np.zeros((400, 200), int)
    mask[100:300, 50:150] = 1
    drawn = outlined(np.zeros((400, 200, 3), np.uint8), mask, 100)
    assert drawn.shape == (100, 50, 3)
    rows, columns = np.nonzero((drawn == OUTLINE).all(-1))
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (25, 75, 12, 37)


def test_of_a_stack_the_middle_plane_is_drawn_and_of_channels_each_in_a_colour():
    data = np.zeros((5, 2, 6, 7), np.uint16)
    data[2, 0, :, :3], data[2, 1, :, 3:] = 900, 500
    mask = np.zeros((5, 6, 7), int)
    drawn = draw_thumbnail(opened(data, "ZCYX"), opened(mask, "ZYX"))
    np.testing.assert_array_equal(drawn[0, 0], (255, 0, 255))
    np.testing.assert_array_equal(drawn[0, 6], (0, 255, 0))


def test_a_photograph_keeps_its_colours():
    data = np.random.default_rng(0).integers(0, 255, (9, 9, 3)).astype(np.uint8)
    np.testing.assert_array_equal(draw_thumbnail(opened(data, "YXC"), opened(np.zeros((9, 9), int), "YX")), data)


def test_of_a_very_large_plane_the_middle_is_drawn(monkeypatch):
    monkeypatch.setattr(thumbnail, "_LARGEST", 20)
    data = np.zeros((100, 30), np.float32)
    data[40:60, 5:25] = np.arange(20)
    drawn = draw_thumbnail(opened(data, "YX"), opened(np.zeros((100, 30), int), "YX"))
    assert drawn.shape == (20, 20, 3)
    assert (np.diff(drawn[..., 0].astype(int), axis=1) > 0).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, 0])
def test_values_that_are_no_numbers_are_dark(value):
    data = np.full((4, 4), value, np.float32)
    assert not draw_thumbnail(opened(data, "YX"), opened(np.zeros((4, 4), int), "YX")).any()


def test_a_png_holds_the_same_pixels():
    picture = np.random.default_rng(0).integers(0, 255, (5, 6, 3)).astype(np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png(picture)))), picture)
