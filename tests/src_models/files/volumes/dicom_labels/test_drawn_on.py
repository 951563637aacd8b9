"""The scan that labels were drawn on: in their folder, beside it, and nowhere else."""

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from src_models.errors import ImageError
from src_models.files.volumes.dicom_labels.drawn_on import check_reference, find_scan


def series_of(volume):
    return pydicom.dcmread(volume.geometry.files[0]).SeriesInstanceUID


@pytest.mark.parametrize("place", ["scan", ".", "labels"])
def test_it_is_found_by_its_uid(tmp_path, write_study, place):
    write_study("another")
    wanted = write_study("scan", first=(1.0, 2.0, 3.0))
    (tmp_path / "labels").mkdir()
    found = find_scan(tmp_path / place / "labels.dcm", series_of(wanted))
    np.testing.assert_allclose(found.affine, wanted.geometry.affine)
    assert found.files == wanted.geometry.files


def test_one_of_two_series_in_a_folder_is_found(tmp_path, write_study):
    first = series_of(write_study("first"))
    write_study("second", first=(1.0, 2.0, 3.0))
    for path in (tmp_path / "second").iterdir():
        path.rename(tmp_path / "first" / f"b{path.name}")
    assert find_scan(tmp_path / "first" / "labels.dcm", first).files[0].name.startswith("x")


def test_what_is_not_there_is_not_found(tmp_path, study):
    assert find_scan(tmp_path / "labels.dcm", generate_uid()) is None
    assert find_scan(tmp_path / "labels.dcm", "") is None
    study.geometry.files[2].unlink()  # a slice is missing: no whole volume
    assert find_scan(tmp_path / "labels.dcm", series_of(study)) is None


def test_frames_of_reference_are_compared_where_both_are_told(tmp_path, study):
    own = pydicom.dcmread(study.geometry.files[0]).FrameOfReferenceUID
    check_reference(tmp_path / "a.dcm", own, study.geometry)
    check_reference(tmp_path / "a.dcm", "", study.geometry)
    with pytest.raises(ImageError, match=r"a\.dcm: it belongs to another frame of reference"):
        check_reference(tmp_path / "a.dcm", generate_uid(), study.geometry)


def test_a_scan_in_images_is_found_from_masks(tmp_path, write_study):
    write_study("images/another")
    wanted = write_study("images/ct", first=(1.0, 2.0, 3.0))
    (tmp_path / "masks").mkdir()
    assert find_scan(tmp_path / "masks" / "ct.dcm", series_of(wanted)).files == wanted.geometry.files
