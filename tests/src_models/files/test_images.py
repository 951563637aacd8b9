"""Image files of every kind, as programs write them: what is read, and what is refused."""

import doctest

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

import src_models.files.images
from src_models.errors import ImageError
from src_models.files.images import image_stem, read_image, read_labels

RANDOM = np.random.default_rng(0)


def numbers(*shape, dtype="uint16"):
    return RANDOM.integers(1, 255, shape).astype(dtype)


def test_examples_in_the_docstring_hold():
    assert doctest.testmod(src_models.files.images).failed == 0


# PNG and JPEG


@pytest.mark.parametrize(
    ("data", "axes"),
    [
        pytest.param(numbers(20, 30, dtype="uint8"), "YX", id="grey"),
        pytest.param(numbers(20, 30, dtype="uint16") * 257, "YX", id="grey 16 bit"),
        pytest.param(numbers(20, 30, 3, dtype="uint8"), "YXC", id="rgb"),
        pytest.param(numbers(20, 30, 4, dtype="uint8"), "YXC", id="rgba"),
        pytest.param(numbers(20, 30) > 100, "YX", id="bool"),
    ],
)
def test_png_is_read(tmp_path, data, axes):
    iio.imwrite(tmp_path / "a.png", data)
    image = read_image(tmp_path / "a.png")
    assert image.reading.axes == axes
    assert image.data.dtype == data.dtype
    np.testing.assert_array_equal(image.data, data)


def test_grey_with_alpha_is_grey(tmp_path):
    data = numbers(20, 30, 2, dtype="uint8")
    Image.fromarray(data, "LA").save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(image.data, data[..., 0])
    assert image.reading.axes == "YX"


def test_a_jpeg_for_print_is_read_as_rgb(tmp_path):
    Image.new("RGB", (30, 20), (250, 10, 10)).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    image = read_image(tmp_path / "a.jpg")
    assert (image.reading.axes, image.data.shape) == ("YXC", (20, 30, 3))
    assert abs(image.data.astype(int) - (250, 10, 10)).max() <= 6


def test_of_a_palette_an_image_takes_the_colours_and_labels_the_numbers(tmp_path):
    mask = numbers(20, 30, dtype="uint8") % 4
    picture = Image.fromarray(mask, "L").convert("P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    picture.putdata(mask.ravel().tolist())
    picture.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), mask)
    image = read_image(tmp_path / "a.png")
    assert image.data.shape == (20, 30, 3)
    np.testing.assert_array_equal(image.data[mask == 2][:, 1], 255)


def test_jpeg_is_read_by_its_content_whatever_its_name(tmp_path):
    iio.imwrite(tmp_path / "a.jpg", np.full((20, 30, 3), 128, "uint8"))
    (tmp_path / "a.jpg").rename(tmp_path / "a.tif")
    image = read_image(tmp_path / "a.tif")
    assert image.reading.rgb
    assert abs(image.data.astype(int) - 128).max() <= 2


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_truncated_picture_is_refused(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    iio.imwrite(path, numbers(60, 60, 3, dtype="uint8"))
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(ImageError, match="truncated or damaged") as caught:
        read_image(path)
    assert str(caught.value).startswith(str(path))


# Other things


def test_a_missing_file_an_empty_one_text_and_a_folder_are_refused(tmp_path):
    (tmp_path / "empty.tif").write_bytes(b"")
    (tmp_path / "text.tif").write_text("this is no picture\n")
    (tmp_path / "folder").mkdir()
    for name, says in {
        "missing.tif": "no such",
        "empty.tif": "empty",
        "text.tif": "no image",
        "folder": "folder",
    }.items():
        with pytest.raises(ImageError, match=says) as caught:
            read_image(tmp_path / name)
        assert str(caught.value).startswith(str(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a.ome.tif", "a"),
        ("a.b.TIF", "a.b"),
        ("a.ome.zarr", "a"),
        ("plate.zarr", "plate"),
        ("a.czi", "a"),
        (".tif", ".tif"),
    ],
)
def test_a_name_loses_its_suffix_also_a_double_one(name, stem):
    assert image_stem(f"some.folder/{name}") == stem


def test_images_inside_one_zarr_have_names_of_their_own():
    assert image_stem("screen/plate.ome.zarr/A/1/0") == "plate_A_1_0"


# Labels


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "int64", ">u4"])
def test_labels_of_every_integer_type_keep_their_numbers_with_gaps(tmp_path, dtype):
    mask = np.zeros((3, 20, 30), dtype)
    mask[1, 2:5, 2:5], mask[2, 9:12, 2:9] = 5, 100
    tifffile.imwrite(tmp_path / "a.tif", mask, photometric="minisblack")
    labels = read_labels(tmp_path / "a.tif")
    assert labels.dtype.isnative
    np.testing.assert_array_equal(labels, mask)


def test_three_masks_that_a_program_took_for_colours_stay_three_masks(tmp_path):
    mask = numbers(3, 20, 30)
    tifffile.imwrite(tmp_path / "a.tif", mask, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif"), mask)


def test_boolean_labels_become_0_and_1(tmp_path):
    mask = numbers(20, 30) > 100
    tifffile.imwrite(tmp_path / "a.tif", mask)
    labels = read_labels(tmp_path / "a.tif")
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, mask)


def test_labels_in_zarr_are_read(tmp_path):
    array = zarr.create_array(tmp_path / "a.zarr", shape=(3, 20, 30), dtype="int64")
    array[1] = 7
    np.testing.assert_array_equal(read_labels(tmp_path / "a.zarr"), array[...])


@pytest.mark.parametrize(
    ("mask", "says"),
    [
        pytest.param(np.full((20, 30), 0.5, "float32"), "whole numbers", id="fractions"),
        pytest.param(np.ones((20, 30, 3), "uint8"), "colours", id="colours"),
        pytest.param(np.full((20, 30), -1, "int16"), "negative", id="negative"),
    ],
)
def test_what_cannot_be_labels_is_refused(tmp_path, mask, says):
    tifffile.imwrite(tmp_path / "a.tif", mask)
    with pytest.raises(ImageError, match=says) as caught:
        read_labels(tmp_path / "a.tif")
    assert str(caught.value).startswith(str(tmp_path / "a.tif"))


@pytest.mark.parametrize("name", ["brain.mgz", "old.hdr", "old.img"])
def test_scans_of_kinds_that_are_not_read_are_called_by_their_kind(tmp_path, name):
    (tmp_path / name).write_bytes(b"any content that no other kind begins with")
    with pytest.raises(ImageError, match=rf"{name}: it is called as a scan of another kind .* convert it to NIfTI"):
        read_image(tmp_path / name)
