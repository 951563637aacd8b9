"""The header of a file: whose word counts for a frame, and where pixels begin."""

import numpy as np
import pydicom
import pytest
from dicom_files import packaged
from pydicom.dataset import Dataset

from src_models.files.volumes.dicom.header import Attributes, read_header


def group(**values):
    item = Dataset()
    for name, value in values.items():
        setattr(item, name, value)
    return [item]


def test_the_word_of_a_frame_counts_before_the_shared_one_and_that_before_the_files():
    content = Dataset()
    content.SliceThickness, content.PixelSpacing, content.RescaleSlope = 1, [3, 3], 5
    own, shared = Dataset(), Dataset()
    own.PixelMeasuresSequence = group(SliceThickness=9)
    shared.PixelMeasuresSequence = group(SliceThickness=7, PixelSpacing=[2, 2])
    told = Attributes(content, own, shared)
    assert (told.get("SliceThickness"), told.get("PixelSpacing"), told.get("RescaleSlope")) == (9, [2, 2], 5)
    assert (told.get("RescaleIntercept"), told.get("Modality")) == (None, None)
    own.FrameContentSequence = group(StackID="2")
    assert told.of_group("FrameContentSequence", "StackID") == "2"
    assert told.of_group("MREchoSequence", "EffectiveEchoTime") is None


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm", "rtdose.dcm", "MR_small_RLE.dcm"]
)
def test_pixels_begin_where_the_file_has_them(name):
    header = read_header(packaged(name))
    data = pydicom.dcmread(packaged(name)).PixelData
    assert packaged(name).read_bytes()[header.begin :][: len(data)] == data
    assert header.pixels().frames == header.frames


def test_of_the_patient_nothing_is_kept(tmp_path, write_series):
    stored = np.zeros((1, 3, 5), "uint16")
    (path,) = write_series(tmp_path, stored, PatientName="A^B", PatientID="1", AccessionNumber="2", StudyID="3")
    assert not {"PatientName", "PatientID", "AccessionNumber", "StudyID"} & set(read_header(path).content.dir())
