"""Which file an attention map becomes."""

import dataclasses

import nibabel as nib
import numpy as np
import pytest

from src_models.attention.placed_map import PlacedMap
from src_models.errors import ImageError, OutputError
from src_models.files.images import read_image
from src_models.prediction.maps.map_formats import map_ending, read_map, scan_place, write_placed_map


@pytest.mark.parametrize(
    ("asked", "of_scan", "ending"),
    [
        (None, True, ".nii.gz"),
        (None, False, ".ome.tif"),
        ("nifti", True, ".nii.gz"),
        ("tiff", True, ".ome.tif"),
        ("tiff", False, ".ome.tif"),
    ],
)
def test_maps_of_scans_are_nifti_unless_a_person_says_otherwise(asked, of_scan, ending):
    assert map_ending(asked, of_scan=of_scan, name="x") == ending


def test_what_has_no_place_in_a_patient_has_no_nifti():
    with pytest.raises(OutputError, match=r"cells\.tif is no scan .* leave out the format"):
        map_ending("nifti", of_scan=False, name="cells.tif")


def test_the_name_says_how_a_map_of_a_scan_is_written(tmp_path):
    nib.save(nib.Nifti1Image(np.zeros((8, 6, 4), "i2"), np.diag([-1.0, -2, 3, 1])), tmp_path / "scan.nii.gz")
    scan = read_image(tmp_path / "scan.nii.gz")
    data = np.random.default_rng(0).random((2, 3, 4), np.float32)
    placed = PlacedMap("gate 2", "attention gate", "a gate", 2, data, (2.0,) * 3, (0.5,) * 3)
    for ending in (".nii.gz", ".ome.tif"):
        write_placed_map(tmp_path / f"map{ending}", placed, reading=scan.reading, geometry=scan_place(scan))
        back = read_map(tmp_path / f"map{ending}")
        np.testing.assert_array_equal(back.data, data)
        assert dataclasses.replace(back, data=None) == dataclasses.replace(placed, data=None)
    found = nib.load(tmp_path / "map.nii.gz")
    np.testing.assert_array_equal(found.get_fdata(), data.transpose())
    np.testing.assert_allclose(found.affine, [[-2, 0, 0, -0.5], [0, -4, 0, -1], [0, 0, 6, 1.5], [0, 0, 0, 1]])


def test_where_an_axis_is_channels_there_is_no_place(tmp_path):
    nib.save(nib.Nifti1Image(np.zeros((8, 6, 4), "i2"), np.eye(4)), tmp_path / "scan.nii")
    assert scan_place(read_image(tmp_path / "scan.nii")) is not None
    assert scan_place(read_image(tmp_path / "scan.nii", axes="CYX")) is None


@pytest.mark.parametrize("turn", [np.eye(4)[[1, 2, 0, 3]], np.diag([1.0, -1, -1, 1]), np.eye(4)], ids=str)
def test_a_map_over_time_comes_back_on_the_axes_of_its_scan_whatever_those_of_the_file_are(tmp_path, turn):
    matrix = turn @ np.diag([1.0, 2, 3, 1])
    matrix[:3, :3] += 0.2  # oblique
    nib.save(nib.Nifti1Image(np.zeros((8, 6, 4, 2), "i2"), matrix), tmp_path / "scan.nii.gz")
    scan = read_image(tmp_path / "scan.nii.gz")
    shape = (2, *(size // 2 for size in scan.geometry.shape))
    data = np.random.default_rng(0).random(shape, np.float32)
    placed = PlacedMap("gate 2: é", "attention gate", "a gate", 2, data, (1.0, 2.0, 2.0, 2.0), (0.0, 0.5, 0.5, 0.5))
    path = write_placed_map(tmp_path / "map.nii.gz", placed, reading=scan.reading, geometry=scan.geometry)
    back = read_map(path)
    np.testing.assert_array_equal(back.data, data)
    assert dataclasses.replace(back, data=None) == dataclasses.replace(placed, data=None)
    centre = np.array([*(0.5 + 2 * np.array([1, 1, 1])), 1])  # of cell (1, 1, 1), in voxels of the scan
    world = scan.geometry.affine @ centre
    (at,) = np.argwhere(nib.load(path).get_fdata()[..., 1] == np.float64(data[1, 1, 1, 1]))
    np.testing.assert_allclose((nib.load(path).affine @ [*at, 1])[:3], world[2::-1] * (-1, -1, 1), atol=1e-4)
    np.testing.assert_array_equal(np.asarray(read_image(path).data), data)


def test_other_nifti_files_hold_no_map(tmp_path):
    image = nib.Nifti1Image(np.zeros((2, 2, 2), "f4"), np.eye(4))
    nib.save(image, tmp_path / "values.nii")
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"made by hand"))
    nib.save(image, tmp_path / "comment.nii")
    (tmp_path / "damaged.nii.gz").write_bytes(b"no gzip")
    for name, words in (("values", "does not say what"), ("comment", "does not say what")):
        with pytest.raises(ImageError, match=words):
            read_map(tmp_path / f"{name}.nii")
    for name in ("damaged.nii.gz", "missing.nii.gz"):
        with pytest.raises(ImageError, match=rf"{name}: it cannot be read as NIfTI"):
            read_map(tmp_path / name)
