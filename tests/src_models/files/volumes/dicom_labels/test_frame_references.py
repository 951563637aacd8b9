"""Segmentations of a file of many frames lie on it, and name its frames."""

import highdicom
import numpy as np
import pydicom
import pytest

from src_models.errors import OutputError
from src_models.files.volumes.dicom_labels.seg_writing import write_dicom_seg
from src_models.files.volumes.opening import read_volume

SHAPE = (6, 7, 5)  # frames, rows, columns
ACROSS, DOWN = np.array((0.8, 0.6, 0)), np.array((-0.48, 0.64, 0.6))
ORDER = (3, 0, 5, 1, 4, 2)  # where the frames of the file lie along the normal
TOLD = {
    "StudyInstanceUID": "1.2.3", "FrameOfReferenceUID": "1.2.4", "PatientName": "A^B", "PatientID": "1",
    "orientation": (*ACROSS, *DOWN), "spacing": (0.75, 0.5), "rescaling": (1, 0),
}  # fmt: skip


@pytest.fixture
def scan(tmp_path, write_frames):
    """An oblique enhanced CT, its frames in no order, with a folder of its own."""
    values = np.random.default_rng(0).integers(0, 2000, SHAPE).astype("uint16")
    frames = [{"position": 2.5 * at * np.cross(ACROSS, DOWN), "thickness": 2.5} for at in ORDER]
    return write_frames(tmp_path / "scan" / "a.dcm", values, frames, **TOLD)


@pytest.mark.parametrize("labelmap", [False, True])
def test_labels_come_back_on_the_scan_and_each_frame_names_its_own(tmp_path, scan, labelmap):
    volume = read_volume(scan)
    labels = np.random.default_rng(1).choice([0, 0, 2, 5], volume.geometry.shape).astype(np.uint8)
    path = write_dicom_seg(tmp_path / "labels" / "seg.dcm", labels, volume.geometry, labelmap=labelmap)
    back = read_volume(path)
    assert (back.geometry.files, back.geometry.frames) == (volume.geometry.files, volume.geometry.frames)
    np.testing.assert_allclose(back.geometry.affine, volume.geometry.affine, atol=1e-9)
    numbers = {0: 0, 2: 2, 5: 5} if labelmap else {0: 0, 1: 2, 2: 5}
    np.testing.assert_array_equal(np.vectorize(numbers.get)(back.data), labels)

    source, content = pydicom.dcmread(scan), pydicom.dcmread(path)
    (series,) = content.ReferencedSeriesSequence
    (instance,) = series.ReferencedInstanceSequence
    assert (series.SeriesInstanceUID, instance.ReferencedSOPInstanceUID) == (
        source.SeriesInstanceUID,
        source.SOPInstanceUID,
    )
    for group in content.PerFrameFunctionalGroupsSequence:
        (named,) = group.DerivationImageSequence[0].SourceImageSequence
        assert named.ReferencedSOPInstanceUID == source.SOPInstanceUID
        assert named.ReferencedSOPClassUID == instance.ReferencedSOPClassUID == source.SOPClassUID
        own = source.PerFrameFunctionalGroupsSequence[named.ReferencedFrameNumber - 1]
        np.testing.assert_allclose(
            group.PlanePositionSequence[0].ImagePositionPatient, own.PlanePositionSequence[0].ImagePositionPatient
        )
    theirs = highdicom.seg.segread(path).get_volume(combine_segments=True)
    data = volume.geometry.to_grid(np.vectorize({0: 0, 2: 1, 5: 2}.get)(labels)) if not labelmap else None
    if data is not None:  # highdicom's grid runs as ours does or the other way round
        assert any(np.array_equal(theirs.array, each) for each in (data, data[::-1]))


def test_a_dose_has_no_segmentation(tmp_path):
    from dicom_files import change, packaged

    path = tmp_path / "dose.dcm"
    path.write_bytes(packaged("rtdose.dcm").read_bytes())
    change(path, FrameOfReferenceUID="1.2.4")
    dose = read_volume(path)
    with pytest.raises(OutputError, match="those of a dose have none"):
        write_dicom_seg(tmp_path / "a.dcm", np.ones(dose.geometry.shape, int), dose.geometry)
