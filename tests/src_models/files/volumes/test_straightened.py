"""What ITK makes of a sheared grid when it writes NIfTI is known again, and nothing else is taken for it."""

import itertools

import numpy as np
import pytest
import SimpleITK as sitk

from src_models.files.images import read_image, read_label_file
from src_models.files.pairs import pair
from src_models.files.volumes.geometry import VolumeGeometry
from src_models.files.volumes.nifti import read_nifti
from src_models.files.volumes.nrrd import lps_to_world, read_nrrd
from src_models.files.volumes.straightened import leaning_again

SHAPE = (6, 20, 24)  # k, j, i
SHEAR = np.array([[1, 0, 0], [0, 1, np.sin(0.25)], [0, 0, np.cos(0.25)]])
LABELS = np.random.default_rng(0).integers(0, 5, SHAPE).astype("uint8")


def written(folder, directions, name, values=LABELS, reverse=False):
    """A grid as SimpleITK writes it in both formats: NRRD keeps its shear. Reversed as 3D Slicer reverses slices."""
    image = sitk.GetImageFromArray(values[::-1] if reverse else values)
    image.SetSpacing((1.0, 1.25, 3.0))
    first = np.array([4.0, -5.0, 6.0]) + (3.0 * (SHAPE[0] - 1) * directions[:, 2] if reverse else 0)
    image.SetOrigin(first.tolist())
    image.SetDirection((directions * [1, 1, -1 if reverse else 1]).ravel().tolist())
    for suffix in (".nrrd", ".nii.gz"):
        sitk.WriteImage(image, str(folder / f"{name}{suffix}"))
    return folder / f"{name}.nrrd", folder / f"{name}.nii.gz"


@pytest.mark.parametrize("signs", list(itertools.product((1, -1), repeat=3)))
@pytest.mark.parametrize("columns", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("reverse", [False, True])
def test_straightened_labels_get_their_voxels_back(tmp_path, signs, columns, reverse):
    directions = SHEAR[:, columns] * signs
    scan, _ = written(tmp_path, directions, "scan", np.arange(LABELS.size, dtype="int16").reshape(SHAPE))
    leaning, straight = written(tmp_path, directions, "mask", reverse=reverse)
    wanted = pair(read_image(scan), read_label_file(leaning)).labels
    paired = pair(read_image(scan), read_label_file(straight))
    np.testing.assert_array_equal(paired.labels, wanted)
    assert "Each voxel was taken as the one it was drawn on" in paired.note
    assert leaning_again(read_nrrd(leaning).geometry, read_nrrd(scan).geometry) is None


def test_straight_scans_and_labels_of_other_grids_are_left_as_they_are(tmp_path):
    scan = read_nrrd(written(tmp_path, SHEAR, "scan")[0]).geometry
    straight = read_nifti(written(tmp_path, SHEAR, "mask")[1]).geometry
    assert leaning_again(straight, scan) is not None
    plain = read_nifti(written(tmp_path, np.eye(3), "plain")[1]).geometry
    assert leaning_again(plain, plain) is None
    assert leaning_again(plain, scan) is None
    moved = straight.grid_affine.copy()
    moved[0, 3] += 0.1
    assert leaning_again(VolumeGeometry.of_grid(moved, SHAPE), scan) is None
    assert leaning_again(VolumeGeometry.of_grid(straight.grid_affine, (5, 20, 24)), scan) is None


def test_the_place_that_is_found_is_the_scans(tmp_path):
    straight = read_nifti(written(tmp_path, SHEAR, "mask")[1]).geometry
    lps = np.eye(4)
    lps[:3] = np.column_stack([SHEAR * (1.0, 1.25, 3.0), (4.0, -5.0, 6.0)])
    scan = VolumeGeometry.of_grid(lps_to_world(lps), SHAPE)
    np.testing.assert_allclose(leaning_again(straight, scan).grid_affine, scan.grid_affine, atol=1e-9)
