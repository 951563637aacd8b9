"""One sample of a data set: what is read of real files, whole and broken."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
import tifffile
from numpy.testing import assert_array_equal
from written_pairs import write_pair

from src_models.errors import DataSetError, ImageError
from src_models.files.dataset import DataSet
from src_models.files.samples import open_sample, read_sample


def test_planes_that_a_file_calls_colours_are_planes_if_the_mask_has_them(tmp_path: Path) -> None:
    planes = np.arange(3 * 20 * 30, dtype=np.uint16).astype(np.uint8).reshape(3, 20, 30)
    sample = write_pair(tmp_path, "a.tif", mask=np.ones((3, 20, 30), np.uint8))
    tifffile.imwrite(sample.image, planes, photometric="rgb", planarconfig="separate")
    assert_array_equal(read_sample(sample)[0], planes)


@pytest.mark.parametrize(
    ("image_shape", "mask_shape", "read_shape"),
    [
        pytest.param((6, 8), (6, 8), (6, 8), id="grey"),
        pytest.param((6, 8, 3), (6, 8), (6, 8, 3), id="colour"),
        pytest.param((6, 8, 4), (6, 8), (6, 8, 3), id="colour with alpha"),
        pytest.param((2, 6, 8), (6, 8), (6, 8, 2), id="two channels in front"),
        pytest.param((3, 6, 8), (3, 6, 8), (3, 6, 8), id="three planes"),
        pytest.param((20, 6, 8), (20, 6, 8), (20, 6, 8), id="volume"),
    ],
)
def test_channels_come_last_and_the_mask_tells_whether_there_are_any(
    tmp_path: Path, image_shape: tuple[int, ...], mask_shape: tuple[int, ...], read_shape: tuple[int, ...]
) -> None:
    image = np.arange(np.prod(image_shape), dtype=np.uint8).reshape(image_shape)
    if image_shape[-1] == 4:
        image[..., 3] = 255  # a transparency
    sample = write_pair(tmp_path, "a.tif", image, np.ones(mask_shape, np.uint8))
    read, mask = read_sample(sample)
    assert mask.shape == mask_shape
    assert read.shape == read_shape
    if read_shape[-1] == 2:
        assert_array_equal(read[..., 1], image[1])
    else:
        assert_array_equal(read, image[..., : read_shape[-1]])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64, bool])
def test_masks_of_every_integer_type_are_read(tmp_path: Path, dtype: type) -> None:
    mask = np.zeros((6, 8), dtype)
    mask[2:4] = 1
    mask[5] = 97 if dtype is not bool else True
    _, read = read_sample(write_pair(tmp_path, "a.tif", mask=mask))
    assert read.dtype == np.int32
    assert_array_equal(read, mask.astype(np.int32))


@pytest.mark.parametrize("large", [2**16, 2**31 - 1, 2**40])
def test_ids_far_above_the_number_of_pixels_are_numbered_anew(tmp_path: Path, large: int) -> None:
    mask = np.zeros((6, 8), np.int64)
    mask[0], mask[1], mask[2] = large, 5, large - 1
    _, read = read_sample(write_pair(tmp_path, "a.tif", mask=mask))
    assert_array_equal(read[:4, 0], [3, 1, 2, 0])


def test_unequal_shapes_name_both_files(tmp_path: Path) -> None:
    sample = write_pair(tmp_path, "a.png", np.zeros((6, 8), np.uint8), np.zeros((6, 9), np.uint8))
    with pytest.raises(DataSetError, match="equal size") as caught:
        read_sample(sample)
    assert str(sample.image) in str(caught.value)
    assert str(sample.mask) in str(caught.value)
    assert "6 x 8" in str(caught.value)
    assert "6 x 9" in str(caught.value)


@pytest.mark.parametrize(
    "mask", [np.full((6, 8), 0.5, np.float32), np.full((6, 8), -1, np.int16)], ids=["float", "negative"]
)
def test_a_mask_that_is_no_mask_is_named(tmp_path: Path, mask: np.ndarray) -> None:
    sample = write_pair(tmp_path, "a.tif", mask=mask)
    with pytest.raises(ImageError, match="mask") as caught:
        read_sample(sample)
    assert str(sample.mask) in str(caught.value)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii"])
def test_scans_are_read_back_with_their_masks(tmp_path: Path, suffix: str) -> None:
    volume = np.random.default_rng(0).integers(-1000, 1000, (4, 5, 6)).astype(np.int16)
    mask = (volume > 0).astype(np.uint8) * np.arange(1, 5, dtype=np.uint8)[:, None, None]
    # Axes of what is read run to the head, the back and the left; those of NIfTI to the right, the front and the head.
    for folder, values in (("images", volume), ("masks", mask)):
        (tmp_path / folder).mkdir()
        stored = values.transpose(2, 1, 0)[::-1, ::-1]
        nib.save(nib.Nifti1Image(stored, np.diag([1.5, 1.5, 3, 1])), tmp_path / folder / f"head{suffix}")
    (sample,) = DataSet.open(tmp_path).samples
    assert sample.name == f"head{suffix}"
    image, truth = read_sample(sample)
    assert_array_equal(image, volume)
    assert_array_equal(truth, mask)
    assert truth.dtype == np.int32


@pytest.mark.parametrize("detached", [False, True])
def test_scans_in_nrrd_are_read_back_with_segmentations_of_slicer_as_masks(tmp_path: Path, detached: bool) -> None:
    volume = np.random.default_rng(0).integers(-1000, 1000, (4, 5, 6)).astype(np.int16)
    name = "head.nhdr" if detached else "head.nrrd"
    for folder, values in (("images", volume), ("masks", (volume > 0).astype(np.uint8))):
        (tmp_path / folder).mkdir()
        image = sitk.GetImageFromArray(values)
        image.SetSpacing((1.5, 1.5, 3))
        if folder == "masks":
            image.SetMetaData("Segment0_ID", "Segment_1")
            image.SetMetaData("Segment0_Name", "liver")
            image.SetMetaData("Segment0_LabelValue", "1")
        sitk.WriteImage(image, str(tmp_path / folder / name))
    (sample,) = DataSet.open(tmp_path).samples
    found, truth = read_sample(sample)
    assert_array_equal(found, volume)
    assert_array_equal(truth, volume > 0)


@pytest.mark.parametrize("channels", [(2,), (2, 0), (3, 1, 0)])
@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
def test_channels_that_were_chosen_come_alone_and_in_their_order(
    tmp_path: Path, channels: tuple[int, ...], first: bool
) -> None:
    image = np.random.default_rng(0).integers(0, 255, (4, 30, 40)).astype(np.uint8)
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    stored = image if first else np.moveaxis(image, 0, -1)
    tifffile.imwrite(tmp_path / "images" / "a.tif", stored, metadata={"axes": "CYX" if first else "YXC"})
    tifffile.imwrite(tmp_path / "masks" / "a.tif", np.ones((30, 40), np.uint8))
    data = DataSet.open(tmp_path).with_channels(channels)
    found, _ = read_sample(data.samples[0])
    assert_array_equal(found, image[channels[0]] if len(channels) == 1 else np.moveaxis(image[list(channels)], 0, -1))
    with pytest.raises(ImageError, match=r"there is no channel 4; it has 4, counted from 0"):
        read_sample(data.with_channels((0, 4)).samples[0])


def test_a_fourth_sample_is_left_out_of_a_picture_as_a_transparency_alone(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (30, 40, 4)).astype(np.uint8)
    mask = np.ones((30, 40), np.uint8)
    with pytest.raises(ImageError, match="the fourth is no transparency: name those that count with --channels"):
        read_sample(write_pair(tmp_path, "dyes.png", picture, mask))
    picture[..., 3] = 255
    assert_array_equal(read_sample(write_pair(tmp_path, "alpha.png", picture, mask))[0], picture[..., :3])


def test_what_a_file_says_of_its_pixels_comes_with_the_image(tmp_path: Path) -> None:
    for folder, array in (("images", np.zeros((3, 6, 8), np.uint16)), ("masks", np.ones((6, 8), np.uint8))):
        (tmp_path / folder).mkdir()
        axes = {"axes": "CYX" if array.ndim == 3 else "YX", "unit": "um"}
        tifffile.imwrite(tmp_path / folder / "a.tif", array, imagej=True, metadata=axes, resolution=(4, 2))
    (sample,) = DataSet.open(tmp_path).with_channels((2, 0)).samples
    opened = open_sample(sample)
    assert (opened.reading.axes, opened.reading.shape) == ("YXC", (6, 8, 2))
    assert (opened.reading.spacing, opened.reading.unit) == ({"Y": 0.5, "X": 0.25}, "µm")
    assert not opened.reading.rgb
