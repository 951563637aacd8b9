"""What the samples of a TIFF mean: colours look like the picture they were made of, and masks keep their numbers."""

import dask.array as da
import numpy as np
import pytest
import tifffile
from PIL import Image

from src_models.errors import ImageError
from src_models.files.images import read_image, read_labels
from src_models.files.pixels.tiff_pixels import TiffPixels, tiff_pixels

RANDOM = np.random.default_rng(0)
RGB = RANDOM.integers(0, 256, (24, 32, 3)).astype(np.uint8)
GREY = RGB[..., 0]


def write(path, data, **options):
    tifffile.imwrite(path / "a.tif", data, **options)
    return path / "a.tif"


def difference(image, picture):
    return np.abs(image.data.astype(int) - picture.astype(int)).mean()


# --- colours --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_cmyk_without_black_is_the_opposite_of_rgb(tmp_path, planar):
    inks = np.dstack([255 - RGB, np.zeros_like(GREY)])
    inks = inks if planar == "contig" else np.moveaxis(inks, -1, 0)
    image = read_image(write(tmp_path, inks, photometric="separated", planarconfig=planar))
    assert image.reading.describe() == "Y=24, X=32, 3 channels (RGB), from CMYK"
    np.testing.assert_array_equal(image.data, RGB)


def test_cmyk_with_black_is_read_as_pillow_reads_it(tmp_path):
    inks = RANDOM.integers(0, 256, (24, 32, 4)).astype(np.uint8)
    image = read_image(write(tmp_path, inks, photometric="separated"))
    picture = np.asarray(Image.fromarray(inks, "CMYK").convert("RGB"))
    assert np.abs(image.data.astype(int) - picture).max() <= 1


def test_cmyk_of_16_bits_stays_16_bits(tmp_path):
    wide = RANDOM.integers(0, 2**16, (24, 32, 3)).astype(np.uint16)
    image = read_image(write(tmp_path, np.dstack([65535 - wide, np.zeros_like(wide[..., 0])]), photometric="separated"))
    assert image.data.dtype == np.uint16
    np.testing.assert_array_equal(image.data, wide)


def test_inks_of_other_colours_are_channels(tmp_path):
    inks = RANDOM.integers(0, 256, (24, 32, 4)).astype(np.uint8)
    image = read_image(write(tmp_path, inks, photometric="separated", extratags=[(332, "H", 1, 2, True)]))
    assert image.reading.describe() == "Y=24, X=32, 4 channels, its channels are inks"
    np.testing.assert_array_equal(image.data, np.moveaxis(inks, -1, 0))


def test_ycbcr_follows_bt_601_at_full_range(tmp_path):
    y, cb, cr = np.moveaxis(RANDOM.integers(90, 160, (24, 32, 3)), -1, 0)
    stored = np.dstack([y, cb, cr]).astype(np.uint8)
    image = read_image(write(tmp_path, stored, photometric="ycbcr"))
    red, blue = y + 1.402 * (cr - 128), y + 1.772 * (cb - 128)
    green = (y - 0.299 * red - 0.114 * blue) / 0.587
    assert image.reading.describe().endswith("3 channels (RGB), from YCbCr")
    assert np.abs(image.data - np.clip(np.dstack([red, green, blue]), 0, 255)).max() <= 1.5


def test_jpeg_in_tiff_is_rgb_as_its_decoder_gives_it(tmp_path):
    smooth = np.dstack([np.tile(np.arange(64, dtype=np.uint8) * 4, (64, 1))] * 3)
    smooth[..., 2] = 40
    image = read_image(write(tmp_path, smooth, photometric="rgb", compression="jpeg"))
    assert image.reading.remarks == ()
    assert difference(image, smooth) < 3


@pytest.mark.parametrize(
    ("photometric", "shift"), [pytest.param("cielab", 0, id="signed"), pytest.param("icclab", 128, id="icc")]
)
def test_cielab_is_read_in_both_ways_to_store_it(tmp_path, photometric, shift):
    """L*, a*, b* of sRGB's white, black, red, green and blue (CIE 1976, D65; Lindbloom's calculator, rounded)."""
    known = {
        (100, 0, 0): (255, 255, 255),
        (0, 0, 0): (0, 0, 0),
        (53.24, 80, 67): (255, 0, 0),
        (87.73, -86, 83): (0, 255, 0),
        (32.3, 79, -108): (0, 0, 255),
    }
    lab = np.array(list(known))
    stored = np.column_stack([np.round(lab[:, 0] * 2.55), (lab[:, 1:] + shift) % 256]).astype(np.uint8)
    rows = np.repeat(stored[None], 20, axis=0)
    image = read_image(write(tmp_path, rows, photometric=photometric))
    assert np.abs(image.data[0].astype(int) - list(known.values())).max() <= 8


def test_ycbcr_with_fewer_colours_than_pixels_is_refused(tmp_path):
    path = write(tmp_path, RGB, photometric="ycbcr")
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages.first.tags[530].overwrite((2, 2))
    with pytest.raises(ImageError, match="YCbCr with fewer colours than pixels, which is not read; save it as RGB"):
        read_image(path)


@pytest.mark.parametrize("photometric", ["cfa", "itulab", "logluv"])
def test_colours_that_are_not_read_are_refused_by_their_name(tmp_path, photometric):
    data = GREY if photometric == "cfa" else RGB
    with pytest.raises(ImageError, match="which is not read; save it as RGB"):
        read_image(write(tmp_path, data, photometric=photometric, planarconfig="contig" if data.ndim == 3 else None))


# --- palettes -------------------------------------------------------------------------------------------------------

COLOURS = RANDOM.integers(0, 256, (256, 3)).astype(np.uint8)
GREEN = np.stack([0 * np.arange(256), np.arange(256), 0 * np.arange(256)], axis=1)
WAVES = np.stack([128 + 127 * np.sin(np.arange(256) / 40 + phase) for phase in (0, 2, 4)], axis=1).astype(int)


def colormap(table, factor=257):
    return (np.asarray(table).T.astype(int) * factor).astype(np.uint16)


@pytest.mark.parametrize("factor", [257, 256, 1])
def test_a_picture_with_a_palette_has_its_colours_and_a_mask_its_numbers(tmp_path, factor):
    path = write(tmp_path, GREY, photometric="palette", colormap=colormap(COLOURS, factor))
    image = read_image(path)
    assert image.reading.describe() == "Y=24, X=32, 3 channels (RGB), from a palette"
    assert image.data.dtype == np.uint8
    np.testing.assert_array_equal(image.data, COLOURS[GREY])
    np.testing.assert_array_equal(read_labels(path), GREY)


def test_a_stack_with_a_palette_has_its_colours_plane_by_plane(tmp_path):
    stack = RANDOM.integers(0, 256, (6, 24, 32)).astype(np.uint8)
    path = write(tmp_path, stack, photometric="palette", colormap=colormap(COLOURS))
    image = read_image(path)
    assert image.reading.axes == "ZYXC"
    np.testing.assert_array_equal(image.data, COLOURS[stack])
    assert read_image(path, axes="TYX").reading.axes == "TYXC", "axes by hand may leave out what the palette adds"


@pytest.mark.parametrize(
    ("table", "options"),
    [
        pytest.param(GREEN, {}, id="from black to green"),
        pytest.param(GREEN, {"imagej": True}, id="from black to green, ImageJ"),
        pytest.param(WAVES, {"imagej": True}, id="smooth, ImageJ"),
    ],
)
def test_a_table_that_makes_grey_values_colourful_is_not_used(tmp_path, table, options):
    image = read_image(write(tmp_path, GREY, colormap=colormap(table), photometric="palette", **options))
    assert image.reading.describe() == "Y=24, X=32, 1 channel, its palette is for looking and not used"
    np.testing.assert_array_equal(image.data, GREY)


def test_a_smooth_palette_of_no_microscope_is_a_picture(tmp_path):
    image = read_image(write(tmp_path, GREY, colormap=colormap(WAVES), photometric="palette"))
    np.testing.assert_array_equal(image.data, WAVES[GREY])


def test_a_palette_of_greys_gives_greys(tmp_path):
    table = np.repeat(255 - np.arange(256)[:, None], 3, axis=1)
    image = read_image(write(tmp_path, GREY, colormap=colormap(table), photometric="palette"))
    assert image.reading.describe() == "Y=24, X=32, 1 channel, from a palette of greys"
    np.testing.assert_array_equal(image.data, 255 - GREY)


# --- polarity -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
def test_an_image_in_which_0_is_white_is_turned_and_a_mask_is_not(tmp_path, dtype):
    black = GREY.astype(dtype)
    white = ~black  # the largest number of the type less the value; of signed ones, -1 less the value
    path = write(tmp_path, white, photometric="miniswhite")
    image = read_image(path)
    assert image.reading.describe() == "Y=24, X=32, 1 channel, inverted (0 is white in the file)"
    np.testing.assert_array_equal(image.data, black)
    if dtype != "int16":
        np.testing.assert_array_equal(read_labels(path), white)


def test_few_bits_are_turned_by_their_own_range(tmp_path):
    image = read_image(write(tmp_path, GREY // 16, photometric="miniswhite", bitspersample=4))
    np.testing.assert_array_equal(image.data, 15 - GREY // 16)


def test_a_fax_is_turned_and_an_array_of_booleans_is_not(tmp_path):
    """tifffile writes booleans as white is zero, whatever they mean."""
    flags = GREY > 100
    np.testing.assert_array_equal(read_image(write(tmp_path, flags)).data, flags)
    np.testing.assert_array_equal(read_image(write(tmp_path, flags, metadata=None)).data, ~flags)


def test_floats_in_which_0_is_white_are_said_to_be(tmp_path):
    values = GREY.astype(np.float32)
    image = read_image(write(tmp_path, values, photometric="miniswhite"))
    assert image.reading.remarks == ("white is the lowest value",)
    np.testing.assert_array_equal(image.data, values)


# --- what is no colour ----------------------------------------------------------------------------------------------


def test_an_alpha_of_grey_is_left_out_and_said(tmp_path):
    path = tmp_path / "a.tif"
    Image.fromarray(np.dstack([GREY, 255 - GREY]), "LA").save(path)
    image = read_image(path)
    assert image.reading.describe() == "Y=24, X=32, 1 channel, alpha not used"
    np.testing.assert_array_equal(image.data, GREY)
    np.testing.assert_array_equal(read_labels(path), GREY)
    assert read_image(path, axes="YXC").reading.axes == "YX"


@pytest.mark.parametrize("count", [2, 3, 4])
def test_samples_of_which_no_colours_are_said_are_channels(tmp_path, count):
    samples = RANDOM.integers(0, 256, (24, 32, count)).astype(np.uint8)
    path = write(tmp_path, samples, photometric="minisblack", planarconfig="contig")
    image = read_image(path)
    assert image.reading.describe() == f"Y=24, X=32, {count} channels"
    np.testing.assert_array_equal(image.data, np.moveaxis(samples, -1, 0))
    np.testing.assert_array_equal(read_image(path, axes="YXC").data, samples)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "int32", "uint32"])
def test_colours_of_any_type_are_colours(tmp_path, dtype):
    colours = RGB.astype(dtype) / 255 if dtype.startswith("f") else RGB.astype(dtype)
    image = read_image(write(tmp_path, colours.astype(dtype), photometric="rgb"))
    assert image.reading.describe() == "Y=24, X=32, 3 channels (RGB)"
    np.testing.assert_array_equal(image.data, colours.astype(dtype))


# --- large images ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "axes", "options"),
    [
        pytest.param(RGB, "YXS", {"photometric": "ycbcr"}, id="as many samples"),
        pytest.param(np.dstack([RGB, GREY]), "YXS", {"photometric": "separated"}, id="fewer samples"),
        pytest.param(GREY, "YX", {"photometric": "palette", "colormap": colormap(COLOURS)}, id="more samples"),
        pytest.param(GREY, "YX", {"photometric": "miniswhite"}, id="no samples"),
    ],
)
def test_chunks_of_a_lazy_array_become_what_the_whole_becomes(tmp_path, stored, axes, options):
    path = write(tmp_path, stored, **options)
    with tifffile.TiffFile(path) as tiff:
        pixels = tiff_pixels(tiff, tiff.series[0], path)
    lazy = da.from_array(stored, chunks=(7, 9) + (1,) * (stored.ndim - 2))
    values, letters, _ = pixels.apply(lazy, axes)
    whole, same, _ = pixels.apply(stored, axes)
    assert (letters, values.shape, values.dtype) == (same, whole.shape, whole.dtype)
    np.testing.assert_array_equal(values.compute(), whole)


def test_an_alpha_is_left_out_of_a_lazy_array():
    pixels = TiffPixels(lambda values: values[..., 0], np.dtype("uint8"), 0)
    values, letters, _ = pixels.apply(da.from_array(RGB, chunks=(7, 9, 1)), "YXS")
    assert letters == "YX"
    np.testing.assert_array_equal(values.compute(), GREY)
