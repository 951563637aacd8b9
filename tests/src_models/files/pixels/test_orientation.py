"""Turned photographs: how an image lies is said, and its mask lies as it does or is refused."""

import doctest

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

import src_models.files.pixels.orientation
from src_models.errors import ImageError
from src_models.files.dataset import DataSet
from src_models.files.images import read_image
from src_models.files.pixels.orientation import EXIF_TAG, as_stored, read_orientation, upright
from src_models.files.samples import read_sample

RANDOM = np.random.default_rng(0)
PICTURE = RANDOM.integers(0, 256, (20, 30, 3)).astype(np.uint8)
MASK = RANDOM.integers(0, 5, (20, 30)).astype(np.uint8)
SQUARE = slice(0, 20), slice(0, 20)
TURNED_BY_90 = (5, 6, 7, 8)


def save(path, pixels, orientation=1):
    """Write a picture that says how it is to be turned."""
    exif = Image.Exif()
    exif[EXIF_TAG] = orientation
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, exif=exif)
    return path


def shown(pixels, orientation):
    """Return a picture as Pillow, an independent judge, turns it."""
    picture = Image.fromarray(pixels)
    picture.getexif()[EXIF_TAG] = orientation
    return np.asarray(ImageOps.exif_transpose(picture))


def pair(root, image, mask):
    """Write an image and a mask, each as (pixels, orientation), and return the sample of that data set."""
    save(root / "images" / "a.png", *image)
    save(root / "masks" / "a.png", *mask)
    return DataSet.open(root).samples[0]


def test_examples_in_the_docstring_hold():
    assert doctest.testmod(src_models.files.pixels.orientation).failed == 0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_is_what_pillow_does_and_can_be_undone(orientation):
    turned = upright(MASK, orientation)
    np.testing.assert_array_equal(turned, shown(MASK, orientation))
    np.testing.assert_array_equal(as_stored(turned, orientation), MASK)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jpg"])
def test_an_image_is_read_as_stored_and_what_its_file_says_is_said(tmp_path, name):
    path = save(tmp_path / name, PICTURE, 6)
    image = read_image(path)
    assert image.data.shape == PICTURE.shape
    assert read_orientation(path) == 6
    assert image.reading.describe().endswith("as stored, which other programs show turned to the right (EXIF)")
    assert not read_image(save(tmp_path / name, PICTURE)).reading.remarks


def test_what_says_nothing_lies_as_stored(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", MASK)
    (tmp_path / "a.png").write_bytes(b"\x89PNG and nothing more")
    assert [read_orientation(tmp_path / name) for name in ("a.tif", "a.png")] == [1, 1]


@pytest.mark.parametrize("orientation", range(2, 9))
def test_two_that_say_the_same_lie_alike(tmp_path, orientation):
    image, mask = read_sample(pair(tmp_path, (PICTURE, orientation), (MASK, orientation)))
    np.testing.assert_array_equal(image, PICTURE)
    np.testing.assert_array_equal(mask, MASK)


@pytest.mark.parametrize("orientation", TURNED_BY_90)
def test_the_size_tells_that_a_mask_was_drawn_on_the_image_as_it_is_shown(tmp_path, orientation):
    sample = pair(tmp_path, (PICTURE, orientation), (shown(MASK, orientation), 1))
    image, mask = read_sample(sample)
    np.testing.assert_array_equal(image, PICTURE)
    np.testing.assert_array_equal(mask, MASK)


@pytest.mark.parametrize("orientation", TURNED_BY_90)
def test_the_size_tells_that_a_mask_was_drawn_on_the_image_as_it_is_stored(tmp_path, orientation):
    np.testing.assert_array_equal(read_sample(pair(tmp_path, (PICTURE, orientation), (MASK, 1)))[1], MASK)


@pytest.mark.parametrize("orientation", TURNED_BY_90)
def test_a_mask_that_alone_says_to_be_turned_is_turned_where_it_fits_so(tmp_path, orientation):
    sample = pair(tmp_path, (shown(PICTURE, orientation), 1), (MASK, orientation))
    np.testing.assert_array_equal(read_sample(sample)[1], shown(MASK, orientation))


@pytest.mark.parametrize(
    ("picture", "mask", "orientation"),
    [
        pytest.param(PICTURE, MASK, 3, id="turned by 180"),
        pytest.param(PICTURE, MASK, 2, id="mirrored"),
        pytest.param(PICTURE[SQUARE], MASK[SQUARE], 6, id="square"),
    ],
)
@pytest.mark.parametrize("which", ["image", "mask"])
def test_where_no_size_tells_the_pair_is_refused(tmp_path, picture, mask, orientation, which):
    both = {"image": ((picture, orientation), (mask, 1)), "mask": ((picture, 1), (mask, orientation))}
    with pytest.raises(ImageError, match="it cannot be told whether this mask lies on") as caught:
        read_sample(pair(tmp_path, *both[which]))
    says = str(caught.value)
    assert says.startswith(str(tmp_path / "masks" / "a.png"))
    assert f"{which}s/a.png is shown" in says
    assert "save both files turned as they are meant" in says


def test_a_mask_that_looks_the_same_both_ways_is_no_question(tmp_path):
    empty = np.zeros_like(MASK)
    np.testing.assert_array_equal(read_sample(pair(tmp_path, (PICTURE, 3), (empty, 1)))[1], empty)
