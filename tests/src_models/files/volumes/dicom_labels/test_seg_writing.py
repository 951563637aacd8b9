"""Segmentations that are written, as highdicom, pydicom and SimpleITK read them, voxel by voxel."""

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from src_models.errors import OutputError
from src_models.files.volumes.dicom_labels.seg_writing import check_dicom_seg, write_dicom_seg
from src_models.files.volumes.dicom_volume import read_dicom
from src_models.files.volumes.nifti import read_nifti
from src_models.files.volumes.nifti_labels import write_nifti_labels
from src_models.files.volumes.volume import Maker, Segment

NAMED = [Segment(5, "Läppchen der Leber", (1.0, 0.5, 0.0)), Segment(2, "left kidney")]


@pytest.mark.parametrize("labelmap", [False, True])
@pytest.mark.parametrize("straight", [False, True])
def test_highdicom_finds_every_voxel_where_it_was_drawn(tmp_path, write_study, places, labelmap, straight):
    study = write_study(straight=straight)
    labels = np.random.default_rng(2).choice([0, 0, 2, 5], study.geometry.shape).astype(np.uint16)
    labels[[0, 3]] = 0
    path = write_dicom_seg(tmp_path / "a.dcm", labels, study.geometry, segments=NAMED, labelmap=labelmap)
    volume = hd.seg.segread(path).get_volume(combine_segments=True)
    numbers = {2: 2, 5: 5} if labelmap else {2: 1, 5: 2}
    for ours, theirs in numbers.items():
        at = np.argwhere(volume.array == theirs)
        found = places.in_order(at @ volume.affine[:3, :3].T + volume.affine[:3, 3])
        np.testing.assert_allclose(found, places.of(labels, study.geometry, ours), atol=2e-3)


def test_simpleitk_finds_the_slices_where_the_frames_are(tmp_path, study, some_labels, places):
    path = write_dicom_seg(tmp_path / "a.dcm", some_labels, study.geometry, segments=NAMED)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "scan")))
    image = reader.Execute()
    content = pydicom.dcmread(path)
    found = []
    for frame, pixels in zip(content.PerFrameFunctionalGroupsSequence, content.pixel_array, strict=True):
        if frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber == 1:
            position = [float(one) for one in frame.PlanePositionSequence[0].ImagePositionPatient]
            i, j, k = image.TransformPhysicalPointToIndex(position)
            assert (i, j) == (0, 0)
            rows, columns = np.nonzero(pixels)
            found += [
                image.TransformIndexToPhysicalPoint((int(x), int(y), k)) for y, x in zip(rows, columns, strict=True)
            ]
    np.testing.assert_allclose(places.in_order(found), places.of(some_labels, study.geometry, 2), atol=2e-3)


def test_it_belongs_to_the_study_of_the_scan(tmp_path, study, some_labels):
    content = pydicom.dcmread(write_dicom_seg(tmp_path / "a.dcm", some_labels, study.geometry))
    slices = [pydicom.dcmread(path) for path in study.geometry.files]
    for name in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID"):
        assert content[name].value == slices[0][name].value
    assert str(content.PatientName) == "Müller^Jörg"
    assert content.SeriesInstanceUID != slices[0].SeriesInstanceUID
    (series,) = content.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == slices[0].SeriesInstanceUID
    referenced = {one.ReferencedSOPInstanceUID for one in series.ReferencedInstanceSequence}
    assert referenced == {one.SOPInstanceUID for one in slices}


def test_each_frame_names_the_slice_that_it_lies_on(tmp_path, study, some_labels):
    content = pydicom.dcmread(write_dicom_seg(tmp_path / "a.dcm", some_labels, study.geometry))
    positions = {one.SOPInstanceUID: one.ImagePositionPatient for one in map(pydicom.dcmread, study.geometry.files)}
    for frame in content.PerFrameFunctionalGroupsSequence:
        source = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        assert frame.PlanePositionSequence[0].ImagePositionPatient == positions[source]


def test_segments_are_named_coded_and_coloured(tmp_path, study, some_labels):
    content = hd.seg.segread(write_dicom_seg(tmp_path / "a.dcm", some_labels, study.geometry, segments=NAMED))
    kidney, other = (content.get_segment_description(number) for number in (1, 2))
    assert (kidney.segment_label, other.segment_label) == ("left kidney", "Läppchen der Leber")
    assert (kidney.segmented_property_type.value, kidney.segmented_property_category.value) == ("64033007", "91723000")
    side = kidney.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence[0]
    assert side.CodeMeaning == "Left"
    assert other.segmented_property_type.meaning == "Tissue"
    np.testing.assert_allclose(
        hd.color.CIELabColor.from_dicom_value(other.RecommendedDisplayCIELabValue).to_rgb(True), (255, 128, 0), atol=1
    )


@pytest.mark.parametrize(
    ("maker", "kind"),
    [
        (None, "MANUAL"),
        (Maker("organs", "SHA-256 12ab"), "AUTOMATIC"),
        (Maker("organs", "SHA-256 12ab", edited=True), "SEMIAUTOMATIC"),
    ],
)
def test_who_made_the_labels_is_said(tmp_path, study, some_labels, maker, kind):
    content = hd.seg.segread(write_dicom_seg(tmp_path / "a.dcm", some_labels, study.geometry, maker=maker))
    described = content.get_segment_description(1)
    assert described.algorithm_type.value == kind
    if maker is None:
        assert described.algorithm_identification is None
    else:
        told = described.algorithm_identification
        assert (told.name, told.version) == ("organs", "SHA-256 12ab")


def test_long_names_and_backslashes_are_kept_as_far_as_dicom_can(tmp_path, study, some_labels):
    name = "a very long name " * 5 + "\\end"
    path = write_dicom_seg(tmp_path / "a.dcm", some_labels, study.geometry, segments=[Segment(2, name)])
    item = pydicom.dcmread(path).SegmentSequence[0]
    assert item.SegmentLabel == name[:64]
    assert item.SegmentDescription == name


@pytest.mark.parametrize("labelmap", [False, True])
def test_files_are_as_the_standard_has_them(tmp_path, study, some_labels, labelmap):
    content = pydicom.dcmread(write_dicom_seg(tmp_path / "a.dcm", some_labels, study.geometry, labelmap=labelmap))
    assert content.SegmentationType == ("LABELMAP" if labelmap else "BINARY")
    assert content.BitsAllocated == (8 if labelmap else 1)
    assert content.SOPClassUID.endswith(".66.7" if labelmap else ".66.4")
    assert content.NumberOfFrames == len(content.PerFrameFunctionalGroupsSequence) == (3 if labelmap else 6)


def test_what_slices_say_wrongly_is_taken_over_and_not_told(tmp_path, study, some_labels, caplog, recwarn):
    for path in study.geometry.files:
        one = pydicom.dcmread(path)
        for name, kind, value in (("PatientBirthDate", "DA", "born in May"), ("PatientID", "LO", "4711 " * 20)):
            one[name] = pydicom.DataElement(name, kind, value, validation_mode=0)
        one.save_as(path)
    caplog.clear()
    recwarn.clear()
    path = write_dicom_seg(tmp_path / "a.dcm", some_labels, study.geometry)
    said = caplog.messages + [str(each.message) for each in recwarn]
    assert not [each for each in said if "4711" in each or "born" in each or "Jörg" in each]
    content = pydicom.dcmread(path)
    assert content.PatientID == ("4711 " * 20).strip()
    assert not content.PatientBirthDate


def test_headers_that_highdicom_refuses_are_refused_without_their_words(tmp_path, study, some_labels, monkeypatch):
    def refuse(*arguments, **options):
        raise ValueError("Müller^Jörg is no name")

    monkeypatch.setattr(hd.seg, "Segmentation", refuse)
    with pytest.raises(OutputError, match="ValueError in highdicom") as caught:
        write_dicom_seg(tmp_path / "a.dcm", some_labels, study.geometry)
    assert "Jörg" not in str(caught.value)


def test_what_cannot_be_one_is_refused(tmp_path, study, some_labels):
    place = study.geometry
    with pytest.raises(OutputError, match=r"end its name with \.dcm"):
        write_dicom_seg(tmp_path / "a.nii", some_labels, place)
    with pytest.raises(OutputError, match="nothing is marked"):
        write_dicom_seg(tmp_path / "a.dcm", np.zeros_like(some_labels), place)
    with pytest.raises(OutputError, match="has no time"):
        write_dicom_seg(tmp_path / "a.dcm", some_labels[None], place)
    with pytest.raises(OutputError, match="numbers up to 70000"):
        write_dicom_seg(tmp_path / "a.dcm", np.where(some_labels == 5, 70_000, 0), place)
    with pytest.raises(ValueError, match="negative"):
        write_dicom_seg(tmp_path / "a.dcm", some_labels.astype(int) - 1, place)
    with pytest.raises(OutputError, match="is a slice of the scan"):
        write_dicom_seg(place.files[2], some_labels, place, overwrite=True)
    path = write_dicom_seg(tmp_path / "a.dcm", some_labels, place)
    before = path.read_bytes()
    with pytest.raises(OutputError, match="exists"):
        write_dicom_seg(path, some_labels, place)
    assert path.read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.dcm", "scan"]


def test_nothing_marked_of_named_classes_is_an_empty_segmentation(tmp_path, study, some_labels):
    path = write_dicom_seg(tmp_path / "a.dcm", np.zeros_like(some_labels), study.geometry, segments=NAMED)
    content = hd.seg.segread(path)
    assert [one.segment_label for one in map(content.get_segment_description, content.segment_numbers)] == [
        "left kidney",
        "Läppchen der Leber",
    ]
    assert not content.pixel_array.any()


def test_a_scan_of_another_format_has_none(tmp_path, study, some_labels):
    scan = read_nifti(write_nifti_labels(tmp_path / "a.nii", some_labels, study.geometry))
    with pytest.raises(OutputError, match="no scan that was read from one"):
        check_dicom_seg(tmp_path / "a.dcm", scan.geometry)
    check_dicom_seg(tmp_path / "a.dcm", study.geometry)


def test_resampled_slices_have_none(tmp_path, write_study):
    places = [0.0, 2.5, 5.0, 8.0, 10.0, 12.5]
    write_study(straight=True)
    from dicom_files import change

    for path in (tmp_path / "scan").iterdir():
        z = round((float(pydicom.dcmread(path).ImagePositionPatient[2]) - 40) / 2.5)
        change(path, ImagePositionPatient=[0, 0, places[z]])
    scan = read_dicom(tmp_path / "scan", uneven="resample")
    with pytest.raises(OutputError, match="resampled"):
        check_dicom_seg(tmp_path / "a.dcm", scan.geometry)


def test_without_highdicom_it_says_what_to_install(tmp_path, study, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(OutputError, match=r'pip install "napari-medt\[dicom\]"'):
        check_dicom_seg(tmp_path / "a.dcm", study.geometry)
