"""A folder of several series."""

import numpy as np
import pydicom
import pytest


@pytest.fixture
def study(dicom_folder):
    """Three series: the scan of three slices, "Lung" of five, and "Copies", which is no volume; and a report."""
    source = pydicom.dcmread(dicom_folder / "9.dcm")
    for name, uid, places in (("Lung", "1.2.3", range(5)), ("Copies", "1.2.4", (0, 0))):
        source.SeriesInstanceUID, source.SeriesDescription, source.SeriesNumber = uid, name, len(places)
        source.PatientName, source.BodyPartExamined = "Doe^Jane", "CHEST"
        for number, place in enumerate(places):
            source.ImagePositionPatient = [0, 0, 2 * place]
            source.PixelData = np.full((128, 128), 974 + number, np.int16).tobytes()
            source.SOPInstanceUID = source.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
            source.save_as(dicom_folder / f"{name}{number}.dcm")
    return dicom_folder
