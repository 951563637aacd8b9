"""DICOM slices for tests of the command line."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file


@pytest.fixture
def write_slices():
    """Return a function that writes DICOM slices of a patient, turned about two axes, their files in no order."""
    from pydicom.uid import generate_uid

    def write(folder, values):
        folder.mkdir()
        across, down = np.array([0.8, 0.6, 0]), np.array([-0.48, 0.64, 0.6])
        study, series, frame = generate_uid(), generate_uid(), generate_uid()
        template = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
        for number, plane in enumerate(values):
            one = template.copy()
            one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            one.StudyInstanceUID, one.SeriesInstanceUID, one.FrameOfReferenceUID = study, series, frame
            one.SpecificCharacterSet, one.PatientName, one.PatientID = "ISO_IR 192", "Müller^Jörg", "PAT-4711"
            one.InstitutionName = "Moabit"
            one.ImagePositionPatient = [f"{part:.6f}" for part in np.cross(across, down) * 2.5 * number]
            one.ImageOrientationPatient = [*across.tolist(), *down.tolist()]
            one.PixelSpacing, (one.Rows, one.Columns) = [1.5, 1.0], plane.shape
            one.RescaleIntercept, one.PixelRepresentation, one.BitsStored, one.HighBit = 0, 0, 16, 15
            if "PixelPaddingValue" in one:
                del one.PixelPaddingValue
            one.PixelData = plane.astype("<u2").tobytes()
            one.save_as(folder / f"{(number * 2 + 1) % 3}.dcm")
        return folder

    return write
