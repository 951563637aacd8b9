"""DICOM files of pydicom's own, and files that are changed after they were written."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file

from src_models.files.volumes.dicom.reading import read_slices
from src_models.files.volumes.dicom.slices import NoSlice


def packaged(name):
    """Return a test file that comes with pydicom."""
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip(f"this pydicom comes without its test file {name}")
    return Path(path)


def slice_in(path):
    """Return the first slice in a file, or what it is instead."""
    found = read_slices(path)
    return found if isinstance(found, NoSlice) else found[0]


def change(path, **fields):
    """Change attributes of a file; None removes one."""
    one = pydicom.dcmread(path)
    for name, value in fields.items():
        if value is None:
            delattr(one, name)
        else:
            setattr(one, name, value)
    one.save_as(path)


def shift(path, *offset):
    """Move a slice (mm)."""
    position = pydicom.dcmread(path).ImagePositionPatient
    change(path, ImagePositionPatient=[p + o for p, o in zip(position, offset, strict=True)])
