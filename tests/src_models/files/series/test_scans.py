"""Several series of slices in a folder of DICOM files."""

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from src_models.errors import ImageError
from src_models.files.images import list_series, read_image
from src_models.files.series.image_series import SeveralImagesError


def write_slices(folder, values, description):
    """Write a series of CT, one file a slice; stored numbers are HU."""
    folder.mkdir(parents=True, exist_ok=True)
    series = generate_uid()
    for number, plane in enumerate(values):
        one = Dataset()
        one.file_meta = FileMetaDataset()
        one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID = CTImageStorage
        one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID = generate_uid()
        one.SeriesInstanceUID, one.SeriesDescription, one.Modality = series, description, "CT"
        one.ImagePositionPatient, one.ImageOrientationPatient = [0, 0, 2 * number], [1, 0, 0, 0, 1, 0]
        one.PixelSpacing, one.RescaleSlope, one.RescaleIntercept = [1, 1], 1, 0
        one.Rows, one.Columns = plane.shape
        one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
        one.BitsAllocated = one.BitsStored = 16
        one.HighBit, one.PixelRepresentation = 15, 1
        one.PixelData = plane.astype("<i2").tobytes()
        pydicom.dcmwrite(folder / f"{description or 'none'}{number}.dcm", one, enforce_file_format=True)


@pytest.fixture
def study(tmp_path):
    """Two series in one folder, as path and values by name."""
    values = {"thin lung": np.full((4, 6, 8), -800), "abdomen": np.full((3, 6, 8), 40)}
    for name, volume in values.items():
        write_slices(tmp_path / "study", volume, name)
    return tmp_path / "study", values


def test_series_of_a_folder_are_listed_and_opened_by_name_and_number(study):
    path, values = study
    listed = {image.name: image for image in list_series(path)}
    assert {name: image.shape for name, image in listed.items()} == {
        "thin lung": (4, 6, 8),
        "abdomen": (3, 6, 8),
    }
    for name, volume in values.items():
        for wanted in (name, listed[name].number):
            image = read_image(path, series=wanted)
            np.testing.assert_array_equal(np.asarray(image.data), volume)
            assert image.geometry is not None
            assert image.name == f"study_{name.replace(' ', '_')}"


def test_a_folder_of_several_series_asks_which(study):
    path, _ = study
    with pytest.raises(SeveralImagesError, match=r"study: it holds 2 images: .*'abdomen' \(Z=3, Y=6, X=8\)"):
        read_image(path)


def test_a_folder_of_one_series_is_one_image(tmp_path):
    write_slices(tmp_path / "scan", np.full((3, 6, 8), 40), "abdomen")
    assert [image.name for image in list_series(tmp_path / "scan")] == ["abdomen"]
    assert read_image(tmp_path / "scan").series is None
    assert read_image(tmp_path / "scan", series=0).data.shape == (3, 6, 8)
    with pytest.raises(ImageError, match="it holds no image '1'"):
        read_image(tmp_path / "scan", series=1)
