"""Whole numbers are masks, whatever type they are stored in; anything else is refused by its value."""

import doctest
import struct

import nibabel as nib
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import src_models.files.pixels.masks
from src_models.errors import ImageError
from src_models.files.images import read_labels
from src_models.files.pixels.masks import as_mask, check_kept

MASK = np.zeros((5, 12, 10), int)
MASK[1, 2:6, 3:8], MASK[3, 5:9, 1:7] = 1, 42


def test_examples_in_the_docstring_hold():
    assert doctest.testmod(src_models.files.pixels.masks).failed == 0


@given(
    mask=arrays.arrays(np.int64, (3, 4), elements=st.integers(0, 2**24)),
    dtype=st.sampled_from(["float32", "float64", ">f4"]),
    factor=st.sampled_from([1.0, 1 / 255, 0.1]),
)
def test_whole_numbers_survive_floats_and_factors(mask, dtype, factor):
    small = mask % 256 if factor != 1 else mask  # a factor is rounded to float32 in a NIfTI header
    values = (small / factor).astype(dtype).astype("f8") * np.float64(np.float32(factor))
    back = as_mask(values.astype(dtype), "a")
    assert back.dtype.kind in "ui"
    assert back.dtype.itemsize <= 4
    np.testing.assert_array_equal(back, small)


@pytest.mark.parametrize(
    ("value", "says"),
    [(0.5, "it holds 0.5"), (1.01, "it holds 1.01"), (np.nan, "it holds nan"), (np.inf, "it holds inf"),
     (-1.0, "negative"), (1e17, "2\\^53")],
)  # fmt: skip
def test_anything_else_is_refused_by_its_value(value, says):
    values = np.zeros((4, 5))
    values[2, 3] = value
    with pytest.raises(ImageError, match=f"^mask.nii: .*{says}"):
        as_mask(values, "mask.nii")


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_nifti_of_floats_is_a_mask(tmp_path, name, dtype):
    nib.save(nib.Nifti1Image(MASK.T.astype(dtype), np.diag([-1, -1, 1, 1])), tmp_path / name)
    labels = read_labels(tmp_path / name)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, MASK)


def test_a_nifti_with_a_slope_is_a_mask(tmp_path):
    """As programs write masks of 0 and 255 that mean 0 and 1."""
    stored = ((MASK > 0) * 255).astype(np.uint8)
    nib.save(nib.Nifti1Image(stored.T, np.diag([-1, -1, 1, 1])), tmp_path / "a.nii")
    content = bytearray((tmp_path / "a.nii").read_bytes())
    struct.pack_into("<2f", content, 112, 1 / 255, 0.0)
    (tmp_path / "a.nii").write_bytes(content)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.nii"), MASK > 0)


def test_a_nifti_of_halves_is_refused(tmp_path):
    nib.save(nib.Nifti1Image((MASK.T * 0.5).astype("f4"), np.eye(4)), tmp_path / "a.nii.gz")
    with pytest.raises(ImageError, match=r"it holds 0\.5, and a mask holds whole numbers"):
        read_labels(tmp_path / "a.nii.gz")


def test_a_tiff_of_floats_is_a_mask(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", (MASK * 1000).astype("f4"), photometric="minisblack")
    labels = read_labels(tmp_path / "a.tif")
    assert labels.dtype == np.uint16
    np.testing.assert_array_equal(labels, MASK * 1000)


def test_a_mask_with_an_axis_of_one_channel_loses_it(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", MASK[1][..., None].astype("u1"))
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif"), MASK[1])


def test_two_masks_of_one_image_are_channels_and_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.dstack([MASK[1], MASK[3]]).astype("u1"))
    with pytest.raises(ImageError, match="2 colours or channels"):
        read_labels(tmp_path / "a.tif")


def test_jpeg_is_no_mask_once_it_changed_numbers():
    check_kept(np.array([0, 255, 0]), "a.jpg")
    with pytest.raises(ImageError, match=r"a\.jpg: it is stored as JPEG.* 3 different ones\); save the mask as PNG"):
        check_kept(np.array([0, 254, 255]), "a.jpg")
