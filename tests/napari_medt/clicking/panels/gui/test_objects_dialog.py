"""Asking for the file that objects are saved to."""

from __future__ import annotations

from pathlib import Path

import pytest
from qtpy.QtWidgets import QFileDialog

from napari_medt.clicking.panels.objects_dialog import ask_where_to

TIFF, NIFTI = "TIFF (*.tif *.tiff)", "NIfTI, for scans (*.nii.gz *.nii)"
NRRD, SLICER = "NRRD, for scans (*.nrrd)", "Segmentation of 3D Slicer, for scans (*.seg.nrrd)"
DICOM = "DICOM segmentation, for DICOM slices (*.dcm)"


@pytest.mark.parametrize(
    ("chosen", "kind", "path", "may_replace"),
    [
        ("/a/cells.tif", TIFF, "/a/cells.tif", True),
        ("/a/cells", TIFF, "/a/cells.tif", False),
        ("/a/cells", NIFTI, "/a/cells.nii.gz", False),
        ("/a/cells", NRRD, "/a/cells.nrrd", False),
        ("/a/cells.seg.nrrd", NRRD, "/a/cells.seg.nrrd", True),
        ("/a/cells", SLICER, "/a/cells.seg.nrrd", False),
        ("/a/cells", DICOM, "/a/cells.dcm", False),
        ("/a/cells.tif", NIFTI, "/a/cells.tif", True),
        ("/a/cells.gz", NIFTI, "/a/cells.nii.gz", False),
    ],
)
def test_a_person_agreed_to_replace_the_name_that_was_asked_about_and_no_other(
    monkeypatch, chosen, kind, path, may_replace
):
    asked = []
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *what: (asked.append(what), (chosen, kind))[1])
    assert ask_where_to(None, "cells - objects") == (Path(path), may_replace)
    ((_, _, proposed, kinds),) = asked
    assert proposed == "cells - objects.tif"
    assert kinds == ";;".join((TIFF, NIFTI, NRRD, SLICER, DICOM))


def test_nothing_is_saved_where_nothing_is_chosen(monkeypatch):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    assert ask_where_to(None, "cells") is None
