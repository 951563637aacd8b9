"""Slides that are not read are told by what they are, with what to do."""

import io

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import FileMetaDataset

from src_models.errors import ImageError
from src_models.files.images import looks_like_image, read_image
from src_models.files.slides.foreign_slides import SLIDE_SUFFIXES

WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"


@pytest.mark.parametrize(("name", "maker"), [("a.mrxs", "3DHISTECH"), ("a.VSI", "Olympus"), ("a.czi", "Zeiss")])
def test_a_slide_of_another_kind_is_told_by_its_maker(tmp_path, name, maker):
    picture = io.BytesIO()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(picture, "JPEG")  # as MIRAX begins, with its thumbnail
    (tmp_path / name).write_bytes(picture.getvalue())
    with pytest.raises(ImageError, match=rf"{name}: .*{maker}.*SVS, NDPI.*are read.*convert it with QuPath"):
        read_image(tmp_path / name)


def test_a_whole_slide_in_dicom_is_told_as_one(tmp_path):
    path = tmp_path / "level-0.dcm"
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = meta.MediaStorageSOPInstanceUID = WHOLE_SLIDE
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    slide = pydicom.Dataset()
    slide.file_meta = meta
    slide.SOPClassUID, slide.Modality, slide.SeriesInstanceUID = WHOLE_SLIDE, "SM", "1.2.3"
    slide.Rows = slide.Columns = 16
    slide.NumberOfFrames, slide.SamplesPerPixel, slide.BitsAllocated = 4, 3, 8
    slide.PixelData = bytes(16 * 16 * 3 * 4)
    slide.save_as(path, enforce_file_format=True)
    with pytest.raises(ImageError, match=r"holds a whole slide.*DICOM WSI.*QuPath"):
        read_image(path)


@pytest.mark.parametrize("suffix", SLIDE_SUFFIXES)
def test_a_slide_that_is_read_counts_by_its_name_in_folders(tmp_path, suffix):
    (tmp_path / f"a{suffix}").write_bytes(b"cut off")
    assert looks_like_image(tmp_path / f"a{suffix}")
