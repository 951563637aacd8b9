"""Segmentations that are read: those of highdicom, laid by their places, on the scan's grid or on their own."""

import highdicom as hd
import numpy as np
import pydicom
import pytest
from dicom_files import change
from highdicom.seg import SegmentDescription
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from src_models.errors import DataSetError, ImageError
from src_models.files.dataset import DataSet
from src_models.files.images import read_image, read_label_file
from src_models.files.pairs import pair
from src_models.files.samples import open_sample
from src_models.files.volumes.dicom_labels.seg_reading import read_dicom_seg
from src_models.files.volumes.dicom_labels.seg_writing import write_dicom_seg
from src_models.files.volumes.nifti_labels import write_nifti_labels
from src_models.files.volumes.opening import is_volume, read_volume
from src_models.files.volumes.volume import Segment


@pytest.fixture
def make(tmp_path, study):
    """Return a function that writes what highdicom makes of an array (slice, row, column[, segment])."""

    def write(array, kind, names, *, name="theirs.dcm", folder=None, **options):
        described = [
            SegmentDescription(number, label, codes.cid7150.Tissue, codes.cid7150.Tissue, "MANUAL")
            for number, label in enumerate(names, start=1)
        ]
        headers = []
        for path in study.geometry.files:
            header = pydicom.dcmread(path)
            for tag in ("PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate", "StudyTime"):
                setattr(header, tag, None)
            headers.append(header)
        content = hd.seg.Segmentation(
            headers, array, kind, described, generate_uid(), 9, generate_uid(), 1, "a", "b", "c", "d", **options
        )
        path = (folder or tmp_path) / name
        content.save_as(path)
        return path

    return write


def shuffled(path, seed=3):
    """Bring the frames of a segmentation into another order."""
    content = pydicom.dcmread(path)
    order = np.random.default_rng(seed).permutation(int(content.NumberOfFrames))
    pixels = content.pixel_array[order]
    groups = content.PerFrameFunctionalGroupsSequence
    content.PerFrameFunctionalGroupsSequence = [groups[int(one)] for one in order]
    if content.BitsAllocated == 1:
        packed = np.packbits(pixels.ravel(), bitorder="little").tobytes()
        content.PixelData = packed + b"\0" * (len(packed) % 2)
    else:
        content.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    content.save_as(path)


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_labels_come_back_on_the_scan_whatever_the_order_of_frames(study, make, kind):
    grid = np.random.default_rng(5).choice([0, 0, 1, 2], (6, 7, 5)).astype(np.uint8)
    grid[[0, 3]] = 0
    path = make(grid, kind, ["liver", "Gefäß"])
    shuffled(path)
    volume = read_dicom_seg(path)
    np.testing.assert_array_equal(volume.data, study.geometry.to_data(grid))
    np.testing.assert_allclose(volume.geometry.affine, study.geometry.affine)
    assert [(one.value, one.name) for one in volume.segments] == [(1, "liver"), (2, "Gefäß")]
    assert volume.labels
    assert volume.notes == ()


def test_what_was_written_comes_back(tmp_path, study, some_labels):
    named = [Segment(2, "left kidney", (0.2, 0.4, 0.6)), Segment(5, "x" * 70)]
    path = write_dicom_seg(tmp_path / "a.dcm", some_labels, study.geometry, segments=named, labelmap=True)
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.data, some_labels)
    assert [one[:2] for one in volume.segments] == [one[:2] for one in named]
    np.testing.assert_allclose(volume.segments[0].colour, (0.2, 0.4, 0.6), atol=0.01)
    binary = read_volume(write_dicom_seg(tmp_path / "b.dcm", some_labels, study.geometry, segments=named))
    np.testing.assert_array_equal(binary.data, np.searchsorted([0, 2, 5], some_labels))
    assert [one.name for one in binary.segments] == ["left kidney", "x" * 70]


def test_a_fractional_one_is_taken_from_half_on_and_that_is_said(study, make):
    shares = np.random.default_rng(6).random((6, 7, 5)).astype(np.float32)
    shares[0, 0, :3] = 0.5, 127 / 255, 128 / 255
    path = make(shares[..., None], "FRACTIONAL", ["cyst"], max_fractional_value=200)
    volume = read_dicom_seg(path)
    stored = np.round(shares * 200) / 200
    np.testing.assert_array_equal(volume.data, study.geometry.to_data(stored >= 0.5))
    assert "50 % or more" in volume.notes[0]


def test_overlapping_segments_are_laid_over_each_other_and_said(study, make):
    both = np.zeros((6, 7, 5, 3), np.uint8)
    both[1, 1:5, 1:4, 0] = 1
    both[1, 2:4, 1:3, 2] = 1
    path = make(both, "BINARY", ["liver", "nothing", "tumour"])
    shuffled(path, seed=1)
    volume = read_dicom_seg(path)
    wanted = both[..., 0].copy()
    wanted[both[..., 2] == 1] = 3
    np.testing.assert_array_equal(volume.data, study.geometry.to_data(wanted))
    (note,) = volume.notes
    assert note.startswith("4 voxels are of more than one segment")
    assert note.endswith("tumour on liver")


def test_without_its_scan_it_lies_on_a_grid_of_its_own(tmp_path, study, make, places):
    grid = np.zeros((6, 7, 5), np.uint8)
    grid[1, 2:4, 1], grid[3, 5, 2:], grid[4, 0, 0] = 1, 2, 1  # nothing in the slices between
    (tmp_path / "alone" / "here").mkdir(parents=True)
    path = make(grid, "BINARY", ["a", "b"], folder=tmp_path / "alone" / "here")
    volume = read_dicom_seg(path)
    assert volume.data.shape != study.geometry.shape
    for number in (1, 2):
        found = places.of(volume.data, volume.geometry, number)
        wanted = places.of(study.geometry.to_data(grid), study.geometry, number)
        np.testing.assert_allclose(found, wanted, atol=2e-3)
    assert "is not beside it" in volume.notes[0]
    given = read_dicom_seg(path, scan=study.geometry)
    np.testing.assert_array_equal(given.data, study.geometry.to_data(grid))
    assert given.notes == ()


def test_a_mask_is_paired_with_its_image(tmp_path, study, make):
    grid = np.zeros((6, 7, 5), np.uint8)
    grid[1, 2:4, 1] = grid[3, 5, 2:] = 1
    (tmp_path / "alone" / "here").mkdir(parents=True)
    path = make(grid, "BINARY", ["a"], folder=tmp_path / "alone" / "here")
    image = read_image(tmp_path / "scan")
    wanted = study.geometry.to_data(grid)
    direct = pair(image, read_label_file(path, like=image.reading, scan=image.geometry))
    np.testing.assert_array_equal(direct.labels, wanted)
    assert direct.note is None
    np.testing.assert_array_equal(pair(image, read_label_file(path)).labels, wanted)


def test_a_scan_with_uneven_slices_needs_to_be_there(tmp_path, study, make):
    grid = np.ones((6, 7, 5), np.uint8)
    (tmp_path / "alone" / "here").mkdir(parents=True)
    path = make(grid, "BINARY", ["a"], folder=tmp_path / "alone" / "here")
    content = pydicom.dcmread(path)
    moved = content.PerFrameFunctionalGroupsSequence[2].PlanePositionSequence[0]
    moved.ImagePositionPatient = [float(one) + 0.9 for one in moved.ImagePositionPatient]
    content.save_as(path)
    with pytest.raises(ImageError, match="uneven distances, or not in a row"):
        read_dicom_seg(path)


def test_another_frame_of_reference_is_refused(tmp_path, study, make):
    path = make(np.ones((6, 7, 5), np.uint8), "BINARY", ["a"])
    change(path, FrameOfReferenceUID=generate_uid())
    with pytest.raises(ImageError, match="another frame of reference"):
        read_dicom_seg(path, scan=study.geometry)


def test_frames_beside_a_smaller_scan_are_left_out_and_said(tmp_path, study, make):
    path = make(np.ones((6, 7, 5), np.uint8), "BINARY", ["a"])
    for file in study.geometry.files[4:]:
        file.unlink()
    scan = read_image(tmp_path / "scan")
    volume = read_dicom_seg(path, scan=scan.geometry)
    assert volume.data.shape == scan.data.shape
    assert volume.data.all()
    assert volume.notes == ("70 voxels of it lie outside of the scan and were left out",)


def test_it_is_a_scan_to_who_opens_it_and_no_slice_of_the_series_beside_it(tmp_path, study, make):
    path = make(np.ones((6, 7, 5), np.uint8), "BINARY", ["a"], folder=tmp_path / "scan")
    assert is_volume(path)
    assert read_volume(path).data.all()
    scan = read_volume(tmp_path / "scan")
    assert scan.data.shape == study.data.shape
    assert scan.notes == ("left out: theirs.dcm, which holds labels (a segmentation); open it by itself",)


def test_damaged_files_are_refused(tmp_path, study, make):
    path = make(np.ones((6, 7, 5), np.uint8), "BINARY", ["a"])
    change(path, PixelData=b"\1\0")
    with pytest.raises(ImageError, match="cut off, damaged"):
        read_dicom_seg(path)
    change(path, PerFrameFunctionalGroupsSequence=None)
    with pytest.raises(ImageError, match="cut off or damaged"):
        read_dicom_seg(path)


def test_nothing_is_said_of_the_patient(tmp_path, study, make, caplog, recwarn):
    volume = read_volume(make(np.ones((6, 7, 5), np.uint8), "BINARY", ["a"]))
    said = [*volume.notes, volume.description, repr(volume.geometry), repr(volume.reading), *caplog.messages]
    said += [str(each.message) for each in recwarn]
    assert not [one for one in said if "Jörg" in one or "4711" in one or str(study.geometry.files[0]) == one]


def test_a_folder_of_slices_and_its_segmentation_are_a_sample_of_a_data_set(tmp_path, write_study):
    study = write_study("set/images/case.1")
    write_study("set/images/case2", first=(1.0, 2.0, 3.0))
    (tmp_path / "set" / "masks").mkdir()
    labels = np.random.default_rng(2).choice([0, 1, 2], study.geometry.shape).astype(np.uint8)
    write_dicom_seg(tmp_path / "set" / "masks" / "case.1.dcm", labels, study.geometry)
    with pytest.raises(DataSetError, match="case2"):
        DataSet.open(tmp_path / "set")
    write_nifti_labels(tmp_path / "set" / "masks" / "case2.nii.gz", labels, study.geometry)
    data = DataSet.open(tmp_path / "set")
    assert [(one.name, one.mask.name) for one in data.samples] == [("case.1", "case.1.dcm"), ("case2", "case2.nii.gz")]
    opened = open_sample(data.samples[0])
    np.testing.assert_array_equal(opened.mask, labels)
    np.testing.assert_array_equal(opened.image, np.asarray(study.data))
