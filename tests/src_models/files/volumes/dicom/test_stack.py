"""From slices to a stack: what is left out and said, what is remarked, and planes between slices."""

import numpy as np
import pydicom
import pytest
from dicom_files import change

from src_models.errors import ImageError
from src_models.files.volumes.dicom.series import find_series
from src_models.files.volumes.dicom.stack import stacked

STORED = np.zeros((6, 3, 5), "uint16")


def stack(folder, **options):
    return stacked(find_series(folder), folder, **options)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"Rows": 5, "Columns": 3}, "is of another size (5 x 3 pixels)"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}, "is of another orientation"),
        ({"PixelSpacing": [0.75, 0.6]}, "has pixels of another size (0.75 x 0.6 mm)"),
        ({"Modality": "PT"}, "is of another modality (PT)"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "is in colour"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "is a localizer"),
    ],
)
def test_a_slice_of_another_form_is_left_out_and_that_is_said(tmp_path, write_series, fields, words):
    paths = write_series(tmp_path, STORED)
    change(paths[5], **fields)
    found = stack(tmp_path)
    assert [one.path for one in found.slices] == paths[:5]
    assert found.notes == (f"left out: IM0005.dcm, which {words}",)


def test_localizers_alone_are_a_scan(tmp_path, write_series):
    write_series(tmp_path, STORED, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    found = stack(tmp_path)
    assert (len(found.slices), found.notes) == (6, ())


def test_no_half_is_chosen_of_two(tmp_path, write_series):
    paths = write_series(tmp_path, STORED)
    for path in paths[:3]:
        change(path, Rows=5, Columns=3)
    with pytest.raises(
        ImageError, match=r"different sizes \(5 x 3 and 3 x 5 pixels\), and most slices are like neither"
    ):
        stack(tmp_path)


def test_a_remark_is_made_once_for_all_files(tmp_path, write_series):
    write_series(tmp_path, STORED, rescaling=((0, -1024),))
    (note,) = stack(tmp_path).notes
    assert note.startswith("IM0000.dcm and 5 more: its RescaleSlope is 0")


def test_planes_lie_evenly_between_slices(tmp_path, write_series):
    places = (0, 2, 4, 8, 12, 13)
    paths = write_series(tmp_path, STORED, places=places)
    with pytest.raises(ImageError, match="2 slices are missing, 1 of them between IM0002"):
        stack(tmp_path)
    found = stack(tmp_path, uneven="resample")
    assert [one.path for one in found.slices] == paths
    even = np.linspace(0, 13, len(found.between))
    np.testing.assert_allclose(np.interp(found.between, np.arange(6), places), even)
    step = found.affine[:3, 0]
    np.testing.assert_allclose(step, (even[1], 0, 0))
    (note,) = found.notes
    assert note.startswith(f"resampled from 6 slices, 1 to 4 mm apart, to {len(even)} slices {even[1]:.4g} mm apart")


def test_even_slices_stay_as_they_are_when_resampling_is_allowed(tmp_path, write_series):
    write_series(tmp_path, STORED)
    found = stack(tmp_path, uneven="resample")
    assert found.between.tolist() == [0, 1, 2, 3, 4, 5]
    assert found.notes == ()


def test_slices_that_are_rounded_sideways_are_on_a_line(tmp_path, write_series):
    paths = write_series(tmp_path, STORED, step=(0, 0.33, 2.5))
    for path in paths:
        change(path, ImagePositionPatient=[round(float(at), 1) for at in pydicom.dcmread(path).ImagePositionPatient])
    assert len(stack(tmp_path).slices) == 6


@pytest.mark.parametrize("uneven", ["refuse", "resample"])
def test_what_is_there_twice_is_not_resampled(tmp_path, write_series, uneven):
    write_series(tmp_path, STORED, places=(0, 2, 4, 4, 6, 8))
    with pytest.raises(ImageError, match="are at the same place"):
        stack(tmp_path, uneven=uneven)
