"""What ImageJ's description says of grey values and planes, in files as ImageJ writes them."""

import doctest

import numpy as np
import pytest
import tifffile

import src_models.files.pixels.imagej
from src_models.errors import ImageError
from src_models.files.images import read_image, read_labels
from src_models.files.pixels.imagej import calibration, hyperstack, number

RANDOM = np.random.default_rng(0)


def write(path, data, *lines, **options):
    """Write a TIFF with lines of ImageJ's description."""
    text = "".join(f"{line}\n" for line in ("ImageJ=1.54f", *lines))
    tifffile.imwrite(path / "a.tif", data, description=text, metadata=None, **options)
    return path / "a.tif"


def test_examples_in_the_docstring_hold():
    assert doctest.testmod(src_models.files.pixels.imagej).failed == 0


# --- grey values ----------------------------------------------------------------------------------------------------


def test_signed_numbers_are_read_as_signed(tmp_path):
    hu = RANDOM.integers(-1000, 3000, (40, 50))
    path = write(tmp_path, (hu + 32768).astype(np.uint16), "unit=mm", "c0=-32768.0", "c1=1.0", "vunit=Gray Value")
    image = read_image(path)
    assert image.data.dtype == np.int16
    np.testing.assert_array_equal(image.data, hu)
    assert image.reading.describe().endswith("stored values - 32768")


def test_signed_numbers_of_a_mask_are_meant_and_another_calibration_is_not(tmp_path):
    mask = RANDOM.integers(0, 9, (40, 50))
    path = write(tmp_path, (mask + 32768).astype(np.uint16), "c0=-32768", "c1=1")
    np.testing.assert_array_equal(read_labels(path), mask)
    path = write(tmp_path, mask.astype(np.uint8), "c0=0.5", "c1=0.01")
    np.testing.assert_array_equal(read_labels(path), mask)


@pytest.mark.parametrize("lines", [("c0=1.5", "c1=0.25"), ("cf=0", "c0=1,5", "c1=0,25")])
def test_a_straight_line_is_applied(tmp_path, lines):
    stored = RANDOM.integers(0, 256, (6, 40, 50)).astype(np.uint8)
    image = read_image(write(tmp_path, stored, "images=6", "slices=6", *lines, photometric="minisblack"))
    assert image.data.dtype == np.float32
    np.testing.assert_allclose(image.data, stored * 0.25 + 1.5)
    assert image.reading.describe() == "Z=6, Y=40, X=50, 1 channel, 0.25 x stored values + 1.5"


def test_calibrated_values_are_not_turned_where_0_is_shown_white(tmp_path):
    stored = RANDOM.integers(0, 60000, (40, 50)).astype(np.uint16)
    path = write(tmp_path, stored, "c0=-32768", "c1=1", photometric="miniswhite")
    np.testing.assert_array_equal(read_image(path).data, stored.astype(int) - 32768)


def test_another_function_is_not_applied_and_said(tmp_path):
    stored = RANDOM.integers(0, 256, (40, 50)).astype(np.uint8)
    image = read_image(write(tmp_path, stored, "cf=7", "c0=1", "c1=2", "c2=3", "c3=4"))
    np.testing.assert_array_equal(image.data, stored)
    assert "no straight line" in image.reading.describe()


@pytest.mark.parametrize(
    ("metadata", "dtype"),
    [
        ({}, "uint8"),
        ({"c0": 0.0, "c1": 1.0}, "uint8"),
        ({"c0": 1.0}, "uint16"),
        ({"c0": 1.0, "c1": 0.0}, "uint8"),
        ({"cf": 20, "c0": 1.0, "c1": 2.0}, "uint8"),
        ({"c0": 1.0, "c1": 2.0}, "float32"),
    ],
)
def test_what_calibrates_nothing(metadata, dtype):
    assert calibration(metadata, np.dtype(dtype)) is None


# --- numbers and planes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [("0,3", 0.3), (" 2 ", 2.0), (4, 4.0), ("1e-3", 1e-3), ("1.000,5", None), ("", None), (None, None), ("nan", None)],
)
def test_numbers_are_read_with_a_comma_and_anything_else_is_none(text, value):
    assert number(text) == value


def test_a_comma_in_the_spacing_is_read(tmp_path):
    stored = RANDOM.integers(0, 256, (6, 40, 50)).astype(np.uint8)
    path = write(tmp_path, stored, "images=6", "slices=6", "unit=micron", "spacing=0,3", photometric="minisblack")
    assert read_image(path).reading.spacing["Z"] == pytest.approx(0.3)


def test_planes_that_lie_as_colours_are_what_the_description_says(tmp_path):
    """tifffile writes four planes of bytes as colours and an alpha, plane by plane, unless it is told otherwise."""
    as_colours = {"photometric": "rgb", "planarconfig": "separate"}
    stored = RANDOM.integers(0, 256, (4, 40, 50)).astype(np.uint8)
    path = write(tmp_path, stored, "images=4", "slices=4", "unit=micron", "spacing=0,3", **as_colours)
    image = read_image(path)
    assert image.reading.describe() == "Z=4, Y=40, X=50, 1 channel, 0.3 x 1 x 1 µm"
    np.testing.assert_array_equal(image.data, stored)
    path = write(tmp_path, stored, "images=4", "channels=2", "frames=2", **as_colours)
    np.testing.assert_array_equal(read_image(path).data, stored.reshape(2, 2, 40, 50))
    assert read_image(path).reading.axes == "TCYX"


def test_planes_that_are_not_there_are_missed():
    assert hyperstack({"channels": 3}, (40, 50), samples=3) == ((40, 50), "YX")
    with pytest.raises(ImageError, match=r"a\.tif: the TIFF is truncated .* 6 planes, and 5 are there"):
        hyperstack({"slices": 6}, (5, 40, 50), name="a.tif")
