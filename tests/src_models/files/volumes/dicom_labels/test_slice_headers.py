"""Headers of slices: in the order of the grid, with what a segmentation needs."""

import numpy as np
import pydicom
import pytest
from dicom_files import change

from src_models.errors import OutputError
from src_models.files.volumes.dicom_labels.slice_headers import read_slice_headers


def test_they_come_in_the_order_of_the_grid(tmp_path, study):
    headers = read_slice_headers(tmp_path / "a.dcm", study.geometry)
    found = np.array([one.ImagePositionPatient for one in headers], dtype=float)
    steps = study.geometry.grid_affine
    wanted = [(steps @ [k, 0, 0, 1])[:3][::-1] for k in range(len(headers))]
    np.testing.assert_allclose(found, wanted, atol=1e-3)


def test_what_may_be_empty_is_there_and_empty(tmp_path, study):
    change(study.geometry.files[0], PatientID=None)
    header = read_slice_headers(tmp_path / "a.dcm", study.geometry)[0]
    assert header.PatientID in (None, "")
    assert "PixelData" not in header


def test_slices_that_belong_nowhere_are_refused(tmp_path, study):
    change(study.geometry.files[3], FrameOfReferenceUID=None)
    with pytest.raises(OutputError, match=f"{study.geometry.files[3].name}: it lacks FrameOfReferenceUID"):
        read_slice_headers(tmp_path / "a.dcm", study.geometry)


def test_a_slice_that_has_gone_is_named(tmp_path, study):
    study.geometry.files[1].unlink()
    with pytest.raises(OutputError, match="cannot be read any more"):
        read_slice_headers(tmp_path / "a.dcm", study.geometry)


def test_nothing_is_said_of_a_person(tmp_path, study, recwarn, caplog):
    one = pydicom.dcmread(study.geometry.files[0])
    one["PatientBirthDate"] = pydicom.DataElement("PatientBirthDate", "DA", "born in May", validation_mode=0)
    one.save_as(study.geometry.files[0])
    read_slice_headers(tmp_path / "a.dcm", study.geometry)
    said = [str(each.message) for each in recwarn] + caplog.messages
    assert not [each for each in said if "born" in each or "Jörg" in each]
