"""Which file an attention map becomes."""

import nibabel as nib
import numpy as np
import pytest

from src_models.attention.map_files import read_map
from src_models.attention.placed_map import PlacedMap
from src_models.errors import OutputError
from src_models.files.images import read_image
from src_models.prediction.maps.map_formats import map_ending, scan_place, write_placed_map


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
    np.testing.assert_array_equal(read_map(tmp_path / "map.ome.tif").data, data)
    found = nib.load(tmp_path / "map.nii.gz")
    np.testing.assert_array_equal(found.get_fdata(), data.transpose())
    np.testing.assert_allclose(found.affine, [[-2, 0, 0, -0.5], [0, -4, 0, -1], [0, 0, 6, 1.5], [0, 0, 0, 1]])


def test_where_an_axis_is_channels_there_is_no_place(tmp_path):
    nib.save(nib.Nifti1Image(np.zeros((8, 6, 4), "i2"), np.eye(4)), tmp_path / "scan.nii")
    assert scan_place(read_image(tmp_path / "scan.nii")) is not None
    assert scan_place(read_image(tmp_path / "scan.nii", axes="CYX")) is None
