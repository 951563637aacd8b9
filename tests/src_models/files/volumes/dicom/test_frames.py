"""What frames say of themselves: where they are, and what tells them apart."""

import numpy as np
import pytest
from dicom_files import packaged
from pydicom.dataset import Dataset

from src_models.files.volumes.dicom.frames import concatenation_of, frame_attributes, is_multiframe, traits_of
from src_models.files.volumes.dicom.header import read_header
from src_models.files.volumes.dicom.slices import Concatenation

VALUES = np.zeros((2, 3, 5), "uint16")


def test_frames_have_the_traits_that_their_groups_say(tmp_path, write_frames):
    frames = [
        {"position": (0, 0, 0), "stack": "1", "echo": 4.6, "b": 1000.0, "direction": (0.6, 0.8, 0), "time": 3},
        {"position": (0, 0, 1), "stack": "2", "seconds": 1.5, "trigger": 120.0, "index": [1, 4]},
    ]
    path = write_frames(tmp_path / "a.dcm", VALUES, frames, modality="MR", dimensions=(0x00209056, 0x00189087))
    header = read_header(path)
    assert is_multiframe(header)
    first, second = (traits_of(header, told) for told in frame_attributes(header))
    assert first == {"stack": "1", "echo": "4.6 ms", "b-value": "1000 s/mm²", "direction": "0.6 0.8 0", "time": 3.0}
    assert second == {"stack": "2", "seconds": 1.5, "trigger": "120 ms", "dimension 2": 4}


def test_a_part_of_a_divided_object_says_so(tmp_path, write_frames):
    frames = [{"position": (0, 0, z)} for z in range(2)]
    told = {"ConcatenationUID": "1.2", "InConcatenationNumber": 2, "InConcatenationTotalNumber": 3}
    assert concatenation_of(read_header(write_frames(tmp_path / "a.dcm", VALUES, frames, **told))) == Concatenation(
        "1.2", 2, 3
    )
    assert concatenation_of(read_header(write_frames(tmp_path / "b.dcm", VALUES, frames))) is None
    assert not is_multiframe(read_header(packaged("CT_small.dcm")))


@pytest.mark.parametrize(
    ("offsets", "orientation", "places"),
    [
        pytest.param([0, 2, 5], [1, 0, 0, 0, 1, 0], [(1, 2, -8), (1, 2, -6), (1, 2, -3)], id="from the first"),
        pytest.param([-8, -6, -3], [1, 0, 0, 0, 1, 0], [(1, 2, -8), (1, 2, -6), (1, 2, -3)], id="places"),
        pytest.param([0, 2, 5], [1, 0, 0, 0, -1, 0], [(1, 2, -8), (1, 2, -10), (1, 2, -13)], id="downwards"),
        pytest.param([0, 2, 5], [0, 1, 0, 0, 0, 1], [(1, 2, -8), (3, 2, -8), (6, 2, -8)], id="sagittal"),
    ],
)
def test_the_frames_of_a_dose_lie_at_their_offsets(tmp_path, offsets, orientation, places):
    """PS3.3, C.8.8.3.2: relative along the normal; or, of transverse frames, places along z."""
    header = read_header(packaged("rtdose.dcm"))
    header.content.ImagePositionPatient, header.content.ImageOrientationPatient = [1, 2, -8], orientation
    header.content.NumberOfFrames, header.content.GridFrameOffsetVector = 3, offsets
    found = [told.get("ImagePositionPatient") for told in frame_attributes(header)]
    np.testing.assert_allclose(found, places)


def test_frames_without_groups_or_offsets_lie_nowhere():
    found = list(frame_attributes(read_header(packaged("SC_rgb_rle_2frame.dcm"))))
    assert [told.get("ImagePositionPatient") for told in found] == [None, None]


def test_groups_of_other_frames_than_there_are_is_damage(tmp_path, write_frames):
    path = write_frames(tmp_path / "a.dcm", VALUES, [{"position": (0, 0, 0)}])
    with pytest.raises(ValueError, match="1"):
        list(frame_attributes(read_header(path)))


def test_traits_without_groups_are_none():
    header = read_header(packaged("CT_small.dcm"))
    assert traits_of(header, next(frame_attributes(header), None) or Dataset()) == {"stack": ""}
