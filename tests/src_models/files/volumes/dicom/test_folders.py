"""Where in a folder of folders DICOM slices are."""

import shutil

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from src_models.files.volumes.dicom.folders import first_slices, has_dicom, has_dicom_below

STORED = np.arange(30, dtype="uint16").reshape(2, 3, 5)
DEEP = ("DICOM", "PAT0", "ST0", "SE0")


def test_slices_are_found_at_any_depth_that_occurs(tmp_path, write_series):
    write_series(tmp_path.joinpath(*DEEP), STORED, series="1.2.3")
    assert has_dicom_below(tmp_path)
    assert not has_dicom(tmp_path)
    assert {path: one.series for path, one in first_slices(tmp_path).items()} == {tmp_path.joinpath(*DEEP): "1.2.3"}


def test_files_without_an_ending_and_with_numbers_for_one_count(tmp_path, write_series):
    for name, ending in (("a", ""), ("b", ".1024"), ("c", ".IMA")):
        for number, path in enumerate(write_series(tmp_path / name, STORED)):
            path.rename(path.with_name(f"I{number}{ending}"))
    assert [path.name for path in first_slices(tmp_path)] == ["a", "b", "c"]


def test_a_folder_s_own_files_hidden_ones_and_zarr_are_not_looked_at(tmp_path, write_series):
    for name in (".", ".hidden", "cells.zarr"):
        write_series(tmp_path / name, STORED)
    assert has_dicom(tmp_path)
    assert not has_dicom_below(tmp_path)
    assert first_slices(tmp_path) == {}


def test_a_directory_of_files_and_reports_lead_nowhere(tmp_path, write_series):
    plan, listing = (get_testdata_file(name, download=False) for name in ("rtplan.dcm", "dicomdirtests/DICOMDIR"))
    if plan is None or listing is None:
        pytest.skip("this pydicom comes without its test files")
    (tmp_path / "a" / "b").mkdir(parents=True)
    shutil.copy(listing, tmp_path / "a" / "DICOMDIR")
    assert not has_dicom_below(tmp_path)
    shutil.copy(plan, tmp_path / "a" / "b" / "plan.dcm")
    assert has_dicom_below(tmp_path)
    assert first_slices(tmp_path) == {}


def test_a_damaged_file_does_not_hide_the_slices_beside_it(tmp_path, write_series):
    paths = write_series(tmp_path / "a", STORED, series="1.2.3")
    paths[0].write_bytes(paths[0].read_bytes()[:600])
    (found,) = first_slices(tmp_path).values()
    assert found.path == paths[1]
    assert found.position[2] == pydicom.dcmread(paths[1]).ImagePositionPatient[2]


def test_slices_behind_many_other_dicom_files_are_found(tmp_path, write_series):
    plan = get_testdata_file("rtplan.dcm", download=False)
    if plan is None:
        pytest.skip("this pydicom comes without its test files")
    paths = write_series(tmp_path / "a", STORED, prefix="Z")
    for number in range(15):
        shutil.copy(plan, tmp_path / "a" / f"A{number}.dcm")
    (found,) = first_slices(tmp_path).values()
    assert found.path == paths[0]
