"""Labels come onto their image by both files' places; what a plane is kept with says where it lies."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import tifffile
from nibabel.affines import apply_affine
from scipy.spatial.transform import Rotation

from src_models.errors import ImageError
from src_models.files.images import read_image, read_label_file
from src_models.finetuning.labelled.planes import LabelledImage

SHAPE = (11, 13, 7)
TURN = Rotation.from_euler("xyz", [9, -14, 21], degrees=True).as_matrix()
AFFINES = {
    "RAS": np.diag([1.0, 1.5, 3.0, 1.0]),
    "LAS": np.diag([-1.0, 1.5, 3.0, 1.0]),
    "LPI": np.diag([-1.0, -1.5, -3.0, 1.0]),
    "sagittal": np.array([[0, 0, 3.0, -7], [1.0, 0, 0, 2], [0, 1.5, 0, 5], [0, 0, 0, 1]]),
    "oblique": np.block([[TURN @ np.diag([1.0, 1.5, -3.0]), np.array([[4.0], [-6], [9]])], [np.zeros(3), 1.0]]),
}


def truth(points, middle):
    """Which organ there is at places (right, anterior, superior): two of them, and no symmetry."""
    at = points - middle
    inside = np.linalg.norm(at / np.array([4.0, 6, 8]), axis=-1) < 1
    return np.where(inside, np.where(at[..., 0] + 0.3 * at[..., 1] - 0.2 * at[..., 2] > 0.4, 2, 1), 0)


def voxels(shape):
    return np.moveaxis(np.indices(shape), 0, -1)


def slicer_grid(affine, shape):
    """Reverse the slices, as Slicer does with files of left-handed grids."""
    reverse = np.diag([1.0, 1, -1, 1])
    reverse[2, 3] = shape[2] - 1
    return affine @ reverse


@pytest.mark.parametrize("name", AFFINES)
def test_labels_of_another_grid_lie_where_their_affine_says(tmp_path, name):
    affine = AFFINES[name]
    middle = apply_affine(affine, (np.array(SHAPE) - 1) / 2)
    rng = np.random.default_rng(0)
    nib.save(nib.Nifti1Image(rng.integers(0, 999, SHAPE).astype(np.int16), affine), tmp_path / "scan.nii.gz")
    other = slicer_grid(affine, SHAPE)
    drawn = truth(apply_affine(other, voxels(SHAPE)), middle)
    nib.save(nib.Nifti1Image(drawn.astype(np.int16), other), tmp_path / "drawn.nii.gz")

    image = LabelledImage(read_image(tmp_path / "scan.nii.gz"))
    found = image.on_image(read_label_file(tmp_path / "drawn.nii.gz")).labels
    place = image.image.geometry.affine
    superior, posterior, left = np.moveaxis(apply_affine(place, voxels(found.shape)), -1, 0)
    wanted = truth(np.stack([-left, -posterior, superior], axis=-1), middle)
    np.testing.assert_array_equal(found, wanted)
    assert set(np.unique(found)) == {0, 1, 2}


def test_a_plane_is_kept_as_it_is_with_who_and_when(tmp_path):
    stack = np.random.default_rng(1).integers(0, 255, (3, 8, 9)).astype(np.uint8)
    options = {"imagej": True, "metadata": {"axes": "ZYX", "unit": "um"}, "resolution": (4, 2)}
    tifffile.imwrite(tmp_path / "cells.tif", stack, **options)
    image = LabelledImage(read_image(tmp_path / "cells.tif"), deep=2, layer="of a client")
    labels = np.zeros((3, 8, 9), int)
    labels[1, 2:4] = 5
    assert list(image.holding(labels, None)) == [(1,)]
    kept = image.correction((1,), image.of(labels, (1,)), author="ada", time="2026-01-02T03:04:05+00:00")
    np.testing.assert_array_equal(kept.image, stack[1])
    np.testing.assert_array_equal(kept.labels, labels[1])
    np.testing.assert_array_equal(kept.around.image, stack[[0, 1]])
    record = kept.record
    assert (record.author, record.time, record.slice_at) == ("ada", "2026-01-02T03:04:05+00:00", 1)
    source = record.source
    assert (source.layer, source.file, source.plane) == ("of a client", str(tmp_path / "cells.tif"), (1,))
    assert (source.axes, source.spacing, source.unit) == ("ZYX", (0.5, 0.25), "µm")
    assert type(record).from_json(record.to_json(), "it") == record


def test_a_picture_takes_labels_that_came_as_one_slice(tmp_path):
    tifffile.imwrite(tmp_path / "cell.tif", np.zeros((8, 9), np.uint8))
    drawn = np.zeros((8, 9), np.int16)
    drawn[2, 3] = 1
    nib.save(nib.Nifti1Image(drawn.T[:, :, None], None), tmp_path / "drawn.nii.gz")
    image = LabelledImage(read_image(tmp_path / "cell.tif"))
    np.testing.assert_array_equal(image.on_image(read_label_file(tmp_path / "drawn.nii.gz")).labels, drawn)


def test_labels_elsewhere_and_of_another_shape_are_refused(tmp_path):
    nib.save(nib.Nifti1Image(np.zeros(SHAPE, np.int16), np.eye(4)), tmp_path / "scan.nii.gz")
    away = np.eye(4)
    away[0, 3] = 100
    nib.save(nib.Nifti1Image(np.ones(SHAPE, np.int16), away), tmp_path / "away.nii.gz")
    nib.save(nib.Nifti1Image(np.ones((4, 4, 4), np.int16), None), tmp_path / "small.nii.gz")
    image = LabelledImage(read_image(Path(tmp_path / "scan.nii.gz")))
    with pytest.raises(ImageError, match="lie apart"):
        image.on_image(read_label_file(tmp_path / "away.nii.gz"))
    with pytest.raises(ImageError, match="shape"):
        image.on_image(read_label_file(tmp_path / "small.nii.gz"))


def test_a_3d_model_is_not_taught_by_an_image_without_slices(tmp_path):
    tifffile.imwrite(tmp_path / "cell.tif", np.zeros((8, 9), np.uint8))
    with pytest.raises(ImageError, match="no slices"):
        LabelledImage(read_image(tmp_path / "cell.tif"), deep=4).around(())
