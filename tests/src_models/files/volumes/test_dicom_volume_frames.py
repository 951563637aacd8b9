"""Scans of many frames in one file: each voxel where its own frame says, each part of them apart, frame by frame."""

import gzip
from pathlib import Path

import dask.array as da
import nibabel
import numpy as np
import pydicom
import pytest
from dicom_files import packaged
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import RLELossless
from scipy.spatial.transform import Rotation

from src_models.errors import ImageError
from src_models.files.images import list_series, read_image
from src_models.files.volumes.dicom_volume import read_dicom, read_dicom_series

SHAPE = (4, 3, 5)  # frames, rows, columns
VALUES = np.arange(60, dtype="uint16").reshape(SHAPE)
UPWARDS = [{"position": (-120.5, -90.25, 40 + 2.5 * number)} for number in range(4)]


def check_places(path, volume):
    """Compare the place of each value, which is another in each voxel, with the equation of the standard."""
    content = pydicom.dcmread(path)
    shared = content.SharedFunctionalGroupsSequence[0]
    data, stored = np.asarray(volume.data), content.pixel_array
    for number, own in enumerate(content.PerFrameFunctionalGroupsSequence):
        turned, sized = (
            (own if name in own else shared)[name][0] for name in ("PlaneOrientationSequence", "PixelMeasuresSequence")
        )
        orientation = np.array(turned.ImageOrientationPatient, float)
        position = np.array(own.PlanePositionSequence[0].ImagePositionPatient, float)
        down, across = sized.PixelSpacing
        for row, column in np.ndindex(stored.shape[1:]):
            (place,) = np.argwhere(data == int(stored[number, row, column]) - 1024)
            left, posterior, superior = position + orientation[:3] * across * column + orientation[3:] * down * row
            ours = (volume.geometry.affine @ [*place, 1])[:3]
            np.testing.assert_allclose(ours, (superior, posterior, left), atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    tilt=st.floats(-0.4, 0.4),
    order=st.permutations(range(4)),
    own=st.booleans(),
)
def test_every_pixel_lies_where_its_frame_puts_it(tmp_path_factory, write_frames, angles, tilt, order, own):
    axes = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    step = (axes[2] + tilt * axes[1]) * 2.5
    turn = {"orientation": (*axes[0], *axes[1])}
    frames = [{"position": np.array((10, -20, 30)) + number * step, **(turn if own else {})} for number in order]
    path = write_frames(tmp_path_factory.mktemp("scans") / "a.dcm", VALUES, frames, **({} if own else turn))
    check_places(path, read_dicom(path))


@pytest.mark.parametrize("syntax", [None, RLELossless], ids=["as they are", "compressed"])
def test_a_frame_is_read_when_it_is_looked_at(tmp_path, write_frames, syntax):
    path = write_frames(tmp_path / "a.dcm", VALUES, UPWARDS[::-1], syntax=syntax)
    volume = read_dicom(path)
    assert isinstance(volume.data, da.Array)
    assert volume.data.chunks == ((1, 1, 1, 1), (3,), (5,))
    np.testing.assert_array_equal(np.asarray(volume.data), VALUES[::-1].astype(int) - 1024)
    path.write_bytes(path.read_bytes()[: -(60 if syntax is None else 100)])  # the last two frames, which lie lowest
    np.testing.assert_array_equal(np.asarray(volume.data[3]), VALUES[0].astype(int) - 1024)
    with pytest.raises(ImageError, match=r"a\.dcm: the pixels are cut off or damaged"):
        np.asarray(volume.data[0])
    if syntax is None:
        with pytest.raises(ImageError, match=r"the file is cut off \(60 bytes of pixels, and its header asks for 120"):
            read_dicom(path)


def test_each_frame_has_its_own_rescaling(tmp_path, write_frames):
    frames = [{**one, "rescaling": (1 + number / 2, number)} for number, one in enumerate(UPWARDS)]
    volume = read_dicom(write_frames(tmp_path / "a.dcm", VALUES, frames, modality="MR"))
    expected = VALUES * (1 + np.arange(4) / 2)[:, None, None] + np.arange(4)[:, None, None]
    np.testing.assert_allclose(np.asarray(volume.data), expected, rtol=1e-6)
    assert (volume.modality, volume.reading.value_unit) == ("MR", "a.u.")


def test_echoes_are_series_of_their_own_and_each_can_be_chosen(tmp_path, write_frames):
    stored = np.concatenate([VALUES, VALUES + 100])
    frames = [{**one, "echo": echo} for echo in (30.0, 4.6) for one in UPWARDS]
    path = write_frames(tmp_path / "a.dcm", stored, frames, modality="MR", rescaling=(1, 0))
    with pytest.raises(ImageError, match=r"it holds 2 images: 0 'Abdomen 2.5, echo 4.6 ms' \(Z=4, Y=3, X=5\), 1 '.*30"):
        read_image(path)
    with pytest.raises(ImageError, match=r"its frames are 2 series; say which one .* 'echo 4.6 ms' \(4 slices\)"):
        read_dicom(path)
    assert [one.name for one in list_series(path)] == ["Abdomen 2.5, echo 4.6 ms", "Abdomen 2.5, echo 30 ms"]
    np.testing.assert_array_equal(read_image(path, series=0).data, VALUES + 100)
    np.testing.assert_array_equal(read_image(path, series="abdomen 2.5, echo 30 ms").data, VALUES)
    np.testing.assert_array_equal(read_image(tmp_path, series=1).data, VALUES)  # of the folder, too
    found = read_dicom_series(path)
    assert [one.description for one in found] == ["Abdomen 2.5, echo 4.6 ms", "Abdomen 2.5, echo 30 ms"]


def test_times_are_an_axis_with_its_step_in_seconds(tmp_path, write_frames):
    stored = np.stack([VALUES + 100 * time for time in range(3)])
    frames = [{**one, "time": time + 1, "seconds": 2.5 * time} for one in UPWARDS for time in (2, 0, 1)]
    shuffled = np.array([stored[time, number] for number in range(4) for time in (2, 0, 1)])
    volume = read_dicom(write_frames(tmp_path / "a.dcm", shuffled, frames, modality="MR", rescaling=(1, 0)))
    assert (volume.reading.axes, volume.frame_seconds) == ("TZYX", 2.5)
    np.testing.assert_array_equal(np.asarray(volume.data), stored)
    np.testing.assert_array_equal(np.asarray(volume.data[1, 2]), stored[1, 2])
    assert volume.geometry.shape == SHAPE
    assert (volume.geometry.files, volume.geometry.frames) == ((), ())  # a segmentation has no time


def test_parts_of_a_divided_object_are_one_scan_and_a_missing_part_is_said(tmp_path, write_frames):
    for number in range(2):
        cut = slice(2 * number, 2 * number + 2)
        told = {"ConcatenationUID": "1.2.7", "InConcatenationNumber": number + 1, "InConcatenationTotalNumber": 2}
        write_frames(tmp_path / f"{1 - number}.dcm", VALUES[cut], UPWARDS[cut], series="1.2", **told)
    for path in (tmp_path, tmp_path / "0.dcm"):
        np.testing.assert_array_equal(np.asarray(read_dicom(path).data), VALUES.astype(int) - 1024)
    (tmp_path / "0.dcm").unlink()
    words = "is a part of an object in 2 files, of which number 2 is missing"
    with pytest.raises(ImageError, match=rf"1\.dcm: it {words}"):
        read_dicom(tmp_path / "1.dcm")
    with pytest.raises(ImageError, match=words):
        read_dicom(tmp_path)


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (UPWARDS[:2] + UPWARDS[3:], r"1 slice seems to be missing between a\.dcm \(frame 2\)"),
        ([*UPWARDS[:3], UPWARDS[2]], r"a\.dcm \(frame 3\) and a\.dcm \(frame 4\) are at the same place"),
        ([*UPWARDS[:3], {}], r"a\.dcm: it holds frames of a scan, one of which lacks ImagePositionPatient"),
    ],
)
def test_frames_that_make_no_volume_are_refused_by_their_numbers(tmp_path, write_frames, frames, words):
    frames = frames if len(frames) == 4 else [*frames, {"position": (-120.5, -90.25, 50)}]
    with pytest.raises(ImageError, match=words):
        read_dicom(write_frames(tmp_path / "a.dcm", VALUES, frames))


def test_frames_that_lie_nowhere_are_refused_with_what_to_do(tmp_path):
    with pytest.raises(ImageError, match="it holds many frames without saying where in the patient each lies; if it"):
        read_dicom(packaged("SC_rgb_rle_2frame.dcm"))
    with pytest.raises(ImageError, match="without saying where"):
        read_dicom(packaged("examples_ybr_color.dcm"))


@pytest.mark.parametrize("name", ["rtdose.dcm", "rtdose_expb.dcm", "rtdose_rle.dcm"])
def test_a_real_dose_lies_where_its_offsets_put_it(name):
    volume = read_dicom(packaged(name))
    one = pydicom.dcmread(packaged(name))
    assert (volume.modality, volume.reading.value_unit) == ("RTDOSE", "a.u.")  # of these, DoseUnits is RELATIVE
    offsets = np.array(one.GridFrameOffsetVector, float)
    assert volume.geometry.spacing[0] == pytest.approx(offsets[1] - offsets[0])
    np.testing.assert_allclose(volume.geometry.affine[:3, 3], np.array(one.ImagePositionPatient, float)[::-1])
    np.testing.assert_allclose(np.asarray(volume.data), one.pixel_array * float(one.DoseGridScaling), rtol=1e-6)


def test_a_dose_beside_a_scan_is_opened_by_itself_alone(tmp_path, write_series):
    write_series(tmp_path, VALUES)
    (tmp_path / "dose.dcm").write_bytes(packaged("rtdose.dcm").read_bytes())
    volume = read_dicom(tmp_path)
    assert volume.modality == "CT"
    assert volume.notes == ("left out: dose.dcm, which holds a dose; open it by itself",)
    assert read_dicom(tmp_path / "dose.dcm").modality == "RTDOSE"


def test_an_enhanced_mr_of_a_real_scanner_lies_where_nibabel_has_it(tmp_path):
    packed = Path(nibabel.__file__).parent / "nicom" / "tests" / "data" / "philips_mprage.dcm.gz"
    if not packed.is_file():
        pytest.skip("this nibabel comes without its test files")
    path = tmp_path / "mprage.dcm"
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    volume = read_dicom(path)
    content = pydicom.dcmread(path, stop_before_pixels=True)
    first = content.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0].ImagePositionPatient
    last = content.PerFrameFunctionalGroupsSequence[-1].PlanePositionSequence[0].ImagePositionPatient
    corners = [(volume.geometry.grid_affine @ [plane, 0, 0, 1])[2::-1] for plane in (0, 175)]
    np.testing.assert_allclose(corners, [first, last], atol=1e-3)
    assert volume.data.shape == (256, 256, 176)
    np.testing.assert_allclose(volume.geometry.spacing, (1, 1, 1), atol=1e-5)
