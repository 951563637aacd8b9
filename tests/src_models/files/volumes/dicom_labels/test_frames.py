"""Frames of a segmentation: their bits, places and names, as the file has them."""

import numpy as np
import pydicom
import pytest
from dicom_files import change

from src_models.errors import ImageError
from src_models.files.volumes.dicom_labels.frames import read_frames
from src_models.files.volumes.dicom_labels.seg_writing import write_dicom_seg


@pytest.fixture
def written(tmp_path, study, some_labels):
    return write_dicom_seg(tmp_path / "a.dcm", some_labels, study.geometry)


def test_frames_of_bits_are_those_that_pydicom_unpacks_at_once(written):
    frames, content = read_frames(written), pydicom.dcmread(written)
    for number, found, stored in zip(frames.numbers, frames.values(), content.pixel_array, strict=True):
        np.testing.assert_array_equal(found, number * stored)


def test_places_and_directions_are_the_slices(written, study):
    frames = read_frames(written)
    first = pydicom.dcmread(study.geometry.files[0])
    np.testing.assert_allclose([*frames.across, *frames.down], first.ImageOrientationPatient, atol=1e-6)
    np.testing.assert_allclose(frames.spacing, first.PixelSpacing)
    along = np.array([pydicom.dcmread(path).ImagePositionPatient for path in study.geometry.files], dtype=float)
    assert all(np.abs(along - position).sum(axis=1).min() < 1e-4 for position in frames.positions)
    assert (frames.series, frames.reference) == (first.SeriesInstanceUID, first.FrameOfReferenceUID)


def test_frames_of_several_orientations_are_refused(written):
    content = pydicom.dcmread(written)
    shared = content.SharedFunctionalGroupsSequence[0]
    turn = shared.PlaneOrientationSequence
    del shared.PlaneOrientationSequence
    for number, frame in enumerate(content.PerFrameFunctionalGroupsSequence):
        one = pydicom.Dataset()
        values = list(turn[0].ImageOrientationPatient)
        one.ImageOrientationPatient = values if number else values[3:] + values[:3]
        frame.PlaneOrientationSequence = [one]
    content.save_as(written)
    with pytest.raises(ImageError, match="several orientations"):
        read_frames(written)


def test_frames_without_a_place_are_refused(written):
    content = pydicom.dcmread(written)
    for frame in content.PerFrameFunctionalGroupsSequence:
        del frame.PlanePositionSequence
    content.save_as(written)
    with pytest.raises(ImageError, match="do not say where in the patient"):
        read_frames(written)


def test_other_types_are_refused(written):
    change(written, SegmentationType="SURFACE")
    with pytest.raises(ImageError, match="the type SURFACE"):
        read_frames(written)
