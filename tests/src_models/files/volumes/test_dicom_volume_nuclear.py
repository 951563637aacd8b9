"""Reconstructed slices of nuclear medicine in one file: each where its vectors put it, or refused."""

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import NuclearMedicineImageStorage
from scipy.spatial.transform import Rotation

from src_models.errors import ImageError
from src_models.files.volumes.dicom_volume import read_dicom

SHAPE = (4, 3, 5)
VALUES = np.arange(60, dtype="uint16").reshape(SHAPE)
FIRST = (-120.5, -90.25, 40.0)
UPRIGHT = (1, 0, 0, 0, 1, 0)


@pytest.fixture
def write_nuclear(tmp_path, write_series):
    """Write slices as one file; `place` is what the detector says, and None takes attributes away."""

    def write(values=VALUES, *, kind="RECON TOMO", place=(FIRST, UPRIGHT), spacing=-2.5, at_top=False, **fields):
        (path,) = write_series(tmp_path, values[:1], rescaling=((1, 0),), Modality="NM")
        one = pydicom.dcmread(path)
        one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID = NuclearMedicineImageStorage
        one.ImageType = ["ORIGINAL", "PRIMARY", kind, "EMISSION"]
        one.NumberOfFrames, one.PixelData = len(values), values.tobytes()
        del one.ImagePositionPatient
        del one.ImageOrientationPatient
        detector = Dataset()
        if place is not None:
            told = one if at_top else detector
            told.ImagePositionPatient, told.ImageOrientationPatient = list(place[0]), list(place[1])
        one.DetectorInformationSequence = [detector]
        one.SliceVector = list(range(1, len(values) + 1))
        one.EnergyWindowVector = one.DetectorVector = [1] * len(values)
        if spacing is not None:
            one.SpacingBetweenSlices = spacing
        for name, value in fields.items():
            if value is None:
                delattr(one, name)
            else:
                setattr(one, name, value)
        one.save_as(path, enforce_file_format=True)
        return path

    return write


@pytest.mark.parametrize("at_top", [False, True], ids=["of the detector", "of the file"])
@pytest.mark.parametrize("spacing", [2.5, -2.5])
@pytest.mark.parametrize("turn", [(0, 0, 0), (12, -9, 25)])
def test_slices_follow_the_normal_or_against_it(write_nuclear, spacing, turn, at_top):
    """PS3.3, C.8.4.15.1: a positive spacing goes along the cross product, a negative one against it."""
    axes = Rotation.from_euler("xyz", turn, degrees=True).as_matrix().round(6)
    orientation = (*axes[0], *axes[1])
    numbers = [3, 1, 4, 2]
    path = write_nuclear(place=(FIRST, orientation), spacing=spacing, at_top=at_top, SliceVector=numbers)
    volume = read_dicom(path)
    assert (volume.modality, volume.reading.axes, volume.reading.value_unit) == ("NM", "ZYX", "")
    data, normal = np.asarray(volume.data), np.cross(axes[0], axes[1])
    for frame, row, column in np.ndindex(SHAPE):
        (at,) = np.argwhere(data == VALUES[frame, row, column])
        wanted = FIRST + (numbers[frame] - 1) * spacing * normal + 0.5 * column * axes[0] + 0.75 * row * axes[1]
        np.testing.assert_allclose((volume.geometry.affine @ [*at, 1])[:3][::-1], wanted, atol=1e-4)


def test_gates_of_the_heart_are_times(write_nuclear):
    values = np.stack([VALUES, VALUES + 100])
    path = write_nuclear(
        values.reshape(8, 3, 5), kind="RECON GATED TOMO", SliceVector=[1, 2, 3, 4] * 2, TimeSlotVector=[1] * 4 + [2] * 4
    )
    volume = read_dicom(path)
    assert volume.reading.axes == "TZYX"
    np.testing.assert_array_equal(np.asarray(volume.data), values[:, ::-1])


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"kind": "STATIC"}, r"is no reconstruction \(STATIC\)"),
        ({"kind": "TOMO"}, "is no reconstruction"),
        ({"spacing": None}, "does not say which way its slices follow each other"),
        ({"place": None}, "does not say where it lies"),
        ({"SliceVector": None}, "does not number its slices"),
        ({"SliceVector": [1, 2, 3]}, "does not number its slices"),
        ({"kind": "RECON GATED TOMO"}, "does not number its slices"),
        ({"EnergyWindowVector": [1, 1, 2, 2]}, r"is of several volumes \(EnergyWindowVector\)"),
    ],
)
def test_what_does_not_say_where_each_slice_lies_is_refused(write_nuclear, told, words):
    with pytest.raises(ImageError, match=f"holds many frames of nuclear medicine and {words}"):
        read_dicom(write_nuclear(**told))


def test_two_detectors_at_different_places_are_refused(write_nuclear):
    detectors = [Dataset(), Dataset()]
    for number, one in enumerate(detectors):
        one.ImagePositionPatient, one.ImageOrientationPatient = [0, 0, number], list(UPRIGHT)
    with pytest.raises(ImageError, match="or says so twice"):
        read_dicom(write_nuclear(DetectorInformationSequence=detectors))


def test_one_slice_too_few_is_noticed(write_nuclear):
    with pytest.raises(ImageError, match="missing"):
        read_dicom(write_nuclear(SliceVector=[1, 2, 4, 5]))
