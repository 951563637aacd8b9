"""The name of a file of labels says its format."""

import nibabel as nib
import numpy as np
import pytest

from src_models.errors import OutputError
from src_models.files.volumes.geometry import VolumeGeometry
from src_models.files.volumes.label_files import check_volume_labels, is_scan_labels, write_volume_labels
from src_models.files.volumes.opening import read_volume
from src_models.files.volumes.volume import Segment

GEOMETRY = VolumeGeometry.of_grid(np.diag([2.5, 1.0, 1.0, 1.0]), (3, 4, 5))


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.seg.nrrd", "a.mha"])
def test_labels_are_read_back_from_every_format(tmp_path, name):
    labels = np.random.default_rng(0).integers(0, 3, GEOMETRY.shape)
    path = write_volume_labels(tmp_path / name, labels, GEOMETRY, segments=[Segment(1, "liver"), Segment(2, "kidney")])
    back = read_volume(path)
    np.testing.assert_array_equal(back.data, labels)
    np.testing.assert_allclose(back.geometry.affine, GEOMETRY.affine)
    assert back.labels
    assert [one.name for one in back.segments] == (["liver", "kidney"] if "nrrd" in name else [])
    if "nii" in name:
        assert nib.load(path).header.get_intent()[0] == "label"


def test_other_names_are_refused(tmp_path):
    assert [is_scan_labels(name) for name in ("a.NRRD", "a.nii.gz", "a.DCM", "a.tif", "a.nhdr")] == [1, 1, 1, 0, 0]
    with pytest.raises(OutputError, match=r"written as \.nii\.gz, \.nii, \.seg\.nrrd, \.nrrd, \.mha, \.dcm"):
        write_volume_labels(tmp_path / "a.tif", np.zeros(GEOMETRY.shape, int), GEOMETRY)


def test_what_cannot_be_written_is_refused_before_labels_are_made(tmp_path, monkeypatch):
    from src_models.files.volumes.itk import simple_itk

    for name in ("a.nii.gz", "a.mha", "a.nrrd"):
        check_volume_labels(tmp_path / name, GEOMETRY)
    with pytest.raises(OutputError, match="belongs to the slices of a DICOM series"):
        check_volume_labels(tmp_path / "a.dcm", GEOMETRY)
    monkeypatch.setattr(simple_itk, "find_spec", lambda name: None)
    with pytest.raises(OutputError, match="with SimpleITK, which is not installed"):
        check_volume_labels(tmp_path / "a.mha", GEOMETRY)
