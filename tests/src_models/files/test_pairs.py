"""An image and its mask: every number of the mask comes to the voxel at whose place in the patient it was drawn."""

from __future__ import annotations

import logging
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy.spatial.transform import Rotation

from src_models.errors import DataSetError, ImageError
from src_models.files.images import read_image, read_label_file
from src_models.files.pairs import Grid, compare, pair
from src_models.files.samples import Sample, read_marks, read_sample

SHAPE = (7, 6, 5)  # i, j, k
AFFINE = np.array([[-0.5, 0, 0, 90], [0, -0.75, 0, 60], [0, 0, 2.5, -100], [0, 0, 0, 1.0]])


def drawn() -> np.ndarray:
    """A mask in which every voxel has a number of its own."""
    return np.arange(1, np.prod(SHAPE) + 1, dtype=np.int16).reshape(SHAPE)


def save(path: Path, data: np.ndarray, affine: np.ndarray = AFFINE, codes: tuple[int, int] = (2, 0)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(data, affine)
    image.header.set_xyzt_units("mm", "sec")
    image.set_sform(affine, codes[0])
    image.set_qform(affine, codes[1])
    nib.save(image, path)
    return path


def paired(image: Path, labels: Path):
    return pair(read_image(image), read_label_file(labels))


def flipped(data: np.ndarray, affine: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the same voxels at the same places, stored the other way round along an axis."""
    turn = np.eye(4)
    turn[axis, axis], turn[axis, 3] = -1, data.shape[axis] - 1
    return np.flip(data, axis), affine @ turn


def nearest_by_hand(values: np.ndarray, affine: np.ndarray, image_affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Take for every voxel of the image the mask's nearest one, by nibabel's affines; and where it is the only one."""
    out, sure = np.zeros(SHAPE, values.dtype), np.zeros(SHAPE, bool)
    for place in np.ndindex(SHAPE):
        world = nib.affines.apply_affine(image_affine, place)
        exact = nib.affines.apply_affine(np.linalg.inv(affine), world)
        at = np.round(exact).astype(int)
        sure[place] = (np.abs(exact - at) < 0.499).all()
        if all(0 <= one < size for one, size in zip(at, values.shape, strict=True)):
            out[place] = values[tuple(at)]
    return out, sure


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_mask_at_the_same_place_goes_on_without_a_word(tmp_path, suffix):
    image = save(tmp_path / f"image{suffix}", drawn() * 3)
    nearly = AFFINE + np.random.default_rng(0).normal(0, 1e-4, (4, 4)) * (np.arange(4) < 3)[:, None]
    for name, affine in (("exact", AFFINE), ("rounded", nearly)):
        found = paired(image, save(tmp_path / f"{name}{suffix}", drawn(), affine))
        assert found.note is None
        assert_array_equal(found.labels * 3, np.asarray(read_image(image).data))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_mask_stored_the_other_way_round_gives_the_same_pair_and_it_is_said(tmp_path, axis):
    """Its affine is flipped with it: its world positions are the same."""
    image = save(tmp_path / "image.nii.gz", drawn() * 3)
    found = paired(image, save(tmp_path / "mask.nii.gz", *flipped(drawn(), AFFINE, axis)))
    assert_array_equal(found.labels * 3, np.asarray(read_image(image).data))
    assert f"stored the other way round along {'xyz'[axis]}" in found.note


def test_a_mask_with_its_axes_in_another_order_gives_the_same_pair_and_it_is_said(tmp_path):
    image = save(tmp_path / "image.nii.gz", drawn() * 3)
    turned = nib.Nifti1Image(drawn(), AFFINE).as_reoriented(np.array([[2, 1], [0, -1], [1, 1]]))
    found = paired(image, save(tmp_path / "mask.nii.gz", np.asarray(turned.dataobj), turned.affine))
    assert_array_equal(found.labels * 3, np.asarray(read_image(image).data))
    assert "its axes are, in order, the image's" in found.note


def test_a_mask_whose_affine_says_that_it_is_mirrored_is_mirrored_and_it_is_said(tmp_path):
    """The same values by index, and the place says otherwise: the place counts, never in silence."""
    image = save(tmp_path / "image.nii.gz", drawn())
    _, mirrored = flipped(drawn(), AFFINE, 0)
    found = paired(image, save(tmp_path / "mask.nii.gz", drawn(), mirrored))
    assert_array_equal(found.labels, np.flip(np.asarray(read_image(image).data), -1))
    assert "the other way round along x" in found.note


def test_a_mask_whose_affine_lost_its_sign_lies_apart_and_is_refused(tmp_path):
    image = save(tmp_path / "image.nii.gz", drawn())
    mask = save(tmp_path / "mask.nii.gz", drawn(), np.diag([-1.0, 1, 1, 1]) @ AFFINE)
    with pytest.raises(
        ImageError, match=r"lie apart \(it is stored the other way round along x, its middle lies 177 mm"
    ):
        paired(image, mask)


def test_a_part_of_a_scan_that_was_cut_out_and_marked_comes_to_its_place(tmp_path):
    image = save(tmp_path / "image.nii.gz", drawn())
    part = AFFINE @ np.array([[1, 0, 0, 2], [0, 1, 0, 1], [0, 0, 1, 3], [0, 0, 0, 1.0]])
    found = paired(image, save(tmp_path / "mask.nii.gz", drawn()[2:5, 1:4, 3:], part))
    expected = np.zeros(SHAPE, np.int16)
    expected[2:5, 1:4, 3:] = drawn()[2:5, 1:4, 3:]
    assert_array_equal(found.labels, expected.T)
    assert "it has 2 x 3 x 3 voxels, and the image 5 x 6 x 7" in found.note
    assert "no number changed" in found.note
    assert "where the image reaches beyond it, there is background" in found.note


@given(
    angles=st.tuples(*[st.floats(-12, 12)] * 3),
    sizes=st.tuples(*[st.floats(0.8, 1.2)] * 3),
    shift=st.tuples(*[st.floats(-0.5, 0.5)] * 3),
)
@settings(max_examples=25, deadline=None)
def test_a_mask_on_any_other_grid_gives_each_voxel_the_nearest_number(tmp_path_factory, angles, sizes, shift):
    """Against the nearest voxel, one by one, by nibabel."""
    folder = tmp_path_factory.mktemp("pair")
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ AFFINE[:3, :3] @ np.diag(sizes)
    middle = nib.affines.apply_affine(AFFINE, (np.array(SHAPE) - 1) / 2) + shift
    affine[:3, 3] = middle - affine[:3, :3] @ ((np.array(SHAPE) - 1) / 2)
    image, mask = save(folder / "image.nii", drawn()), save(folder / "mask.nii", drawn(), affine)
    found = paired(image, mask)
    expected, sure = nearest_by_hand(drawn(), nib.load(mask).affine, nib.load(image).affine)
    assert_array_equal(found.labels.T[sure], expected[sure])


def test_a_coarser_mask_says_its_size_and_what_it_lost(tmp_path):
    image = save(tmp_path / "image.nii.gz", drawn())
    coarse = AFFINE @ np.diag([3, 1, 1, 1.0])
    found = paired(image, save(tmp_path / "mask.nii.gz", drawn(), coarse))
    assert_array_equal(found.labels.T, drawn()[[0, 0, 1, 1, 1, 2, 2]])
    assert "its voxels are 2.5 x 0.75 x 1.5 mm in size, and the image's 2.5 x 0.75 x 0.5" in found.note
    assert "of what it marks lies outside of the image and was left out" in found.note


def test_a_mask_that_marks_nothing_inside_of_its_image_is_refused(tmp_path):
    image = save(tmp_path / "image.nii.gz", drawn())
    mask = drawn() * 0
    mask[:3] = 1
    before = AFFINE @ np.array([[1, 0, 0, -4], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    with pytest.raises(ImageError, match="nothing of what it marks lies in"):
        paired(image, save(tmp_path / "mask.nii.gz", mask, before))


def test_a_mask_of_more_than_the_image_may_lose_the_most_and_another_may_not(tmp_path):
    """A part of a scan, with the mask of the whole; and a mask mirrored about the first voxel."""
    part = AFFINE @ np.array([[1, 0, 0, 2], [0, 1, 0, 1], [0, 0, 1, 3], [0, 0, 0, 1.0]])
    image = save(tmp_path / "part.nii.gz", drawn()[2:4, 1:3, 3:], part)
    found = paired(image, save(tmp_path / "whole.nii.gz", drawn()))
    assert_array_equal(found.labels, drawn()[2:4, 1:3, 3:].T)
    assert "96 % of what it marks lies outside of the image and was left out" in found.note
    whole = save(tmp_path / "image.nii.gz", drawn())
    mirrored = save(tmp_path / "mirrored.nii.gz", drawn(), AFFINE @ np.diag([-1.0, 1, 1, 1]))
    with pytest.raises(ImageError, match="86 % of what it marks do not lie in"):
        paired(whole, mirrored)


@pytest.mark.parametrize("placed", ["image", "mask"])
def test_where_one_has_no_place_voxels_are_paired_by_index_in_the_files_and_it_is_said(tmp_path, placed):
    """An affine without a code is what a program made up: turning voxels by it would mirror them."""
    _, mirrored = flipped(drawn(), AFFINE, 0)
    codes = {"image": ((2, 0), (0, 0)), "mask": ((0, 0), (2, 0))}[placed]
    image = save(tmp_path / "image.nii.gz", drawn(), mirrored, codes[0])
    mask = save(tmp_path / "mask.nii.gz", drawn(), AFFINE, codes[1])
    found = paired(image, mask)
    assert_array_equal(found.labels, np.asarray(read_image(image).data))
    assert "were paired by their index" in found.note


def test_a_tiff_mask_of_a_scan_is_paired_by_index_and_it_is_said(tmp_path):
    image = save(tmp_path / "image.nii.gz", drawn())
    mask = tmp_path / "mask.tif"
    tifffile.imwrite(mask, drawn().T, imagej=True, metadata={"axes": "ZYX"})
    found = paired(image, mask)
    assert_array_equal(found.labels, drawn().T)
    assert "mask.tif has no place of its own" in found.note


def test_masks_of_pictures_are_paired_without_a_word(tmp_path):
    for name in ("image.tif", "mask.tif"):
        tifffile.imwrite(tmp_path / name, np.eye(6, 8, dtype=np.uint8))
    assert paired(tmp_path / "image.tif", tmp_path / "mask.tif").note is None


def write_calibrated(path: Path, size: float, unit: str) -> Path:
    values = np.eye(6, 8, dtype=np.uint8)
    tifffile.imwrite(path, values, imagej=True, resolution=(1 / size, 1 / size), metadata={"axes": "YX", "unit": unit})
    return path


def test_pixel_sizes_that_contradict_each_other_are_refused_whatever_their_units(tmp_path):
    image = write_calibrated(tmp_path / "image.tif", 0.25, "um")
    same = write_calibrated(tmp_path / "same.tif", 0.00025, "mm")
    assert paired(image, same).note is None
    tifffile.imwrite(tmp_path / "without.tif", np.eye(6, 8, dtype=np.uint8))
    assert paired(image, tmp_path / "without.tif").note is None
    twice = write_calibrated(tmp_path / "twice.tif", 0.5, "um")
    with pytest.raises(ImageError, match=r"its pixels are 0.5 x 0.5 µm in size and those of .* 0.25 x 0.25 µm"):
        paired(image, twice)


def test_a_data_set_gives_the_same_sample_whichever_way_round_a_mask_is_stored(tmp_path, caplog):
    def sample(name: str, mask: np.ndarray, affine: np.ndarray) -> Sample:
        return Sample(
            name, save(tmp_path / "images" / name, drawn() * 3), save(tmp_path / "masks" / name, mask, affine)
        )

    plain = read_sample(sample("a.nii.gz", drawn(), AFFINE))
    assert not caplog.records
    turned = read_sample(sample("b.nii.gz", *flipped(drawn(), AFFINE, 1)))
    for one, other in zip(plain, turned, strict=True):
        assert_array_equal(one, other)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "b.nii.gz has other voxels" in caplog.text


def test_marks_come_onto_the_image_too(tmp_path):
    image, mask = save(tmp_path / "image.nii.gz", drawn()), save(tmp_path / "mask.nii.gz", drawn())
    marks = save(tmp_path / "marks.nii.gz", *flipped((drawn() < 50).astype(np.uint8), AFFINE, 0))
    counts = read_marks(Sample("a", image, mask, marked=marks), SHAPE[::-1])
    assert_array_equal(counts, drawn().T < 50)


def test_a_mask_of_another_size_without_a_place_is_refused(tmp_path):
    image = save(tmp_path / "image.nii.gz", drawn())
    mask = save(tmp_path / "mask.nii.gz", drawn()[1:], AFFINE, (0, 0))
    with pytest.raises(DataSetError, match="must be of equal size"):
        read_sample(Sample("a", image, mask))


def test_grids_of_planes_are_compared_like_those_of_volumes():
    plane = Grid(np.diag([0.5, 0.5, 1.0]), (6, 8))
    assert compare(plane, Grid(np.diag([0.5, 0.5, 1.0]) + 1e-9, (6, 8))).fit == "same"
    shifted = Grid(np.array([[0.5, 0, 1], [0, 0.5, 0], [0, 0, 1]]), (6, 8))
    found = compare(plane, shifted)
    assert (found.fit, found.words) == ("reordered", "its middle lies 1 from the image's")
