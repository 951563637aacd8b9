"""What a file says of its series; damage there keeps nothing from opening."""

import pydicom
import pytest
from dicom_files import change, packaged
from pydicom.dataset import Dataset

from src_models.files.volumes.dicom_preview.series_header import SeriesHeader, read_series_header, windows_of
from src_models.files.volumes.dicom_volume import read_dicom


def of(**fields):
    header = Dataset()
    for name, value in fields.items():
        setattr(header, name, value)
    return header


def limits(header):
    return [(window.low, window.high) for window in windows_of(header)]


def test_a_real_slice_tells_of_study_and_series():
    told = read_series_header(packaged("dicomdirtests/77654033/CT2/17136"))
    assert (told.number, told.study, told.body_part) == (2, "CT, HEAD/BRAIN WO CONTRAST", "head")
    assert (told.date, told.time) == ("1995-09-03", "17:30")
    assert [window.name for window in told.windows] == ["as scanned"]


def test_a_linear_window_ends_where_the_standard_has_it():
    """Equation C.11.2.1.2.1: of a window of 40 and 80, the first value that is all white is 79, and black ends at 0."""
    assert limits(of(WindowCenter=40, WindowWidth=80)) == [(0.0, 79.0)]
    assert limits(of(WindowCenter="2048", WindowWidth="4096")) == [(0.0, 4095.0)]  # the standard's own example
    for function in ("LINEAR_EXACT", "SIGMOID"):
        assert limits(of(WindowCenter=40, WindowWidth=80, VOILUTFunction=function)) == [(0.0, 80.0)]


def test_several_windows_have_their_names_and_each_is_told_once():
    header = of(
        WindowCenter=[40, 40, 300, 300],
        WindowWidth=[401, 401, 1501, 2001],
        WindowCenterWidthExplanation=["SOFT", "SOFT"],
    )
    assert windows_of(header) == (
        ("as scanned: SOFT", -160.5, 239.5), ("as scanned 1", -450.5, 1049.5), ("as scanned 2", -700.5, 1299.5),
    )  # fmt: skip


@pytest.mark.parametrize("width", [1, 0, -5])
def test_a_window_without_a_width_is_none(width):
    assert limits(of(WindowCenter=40, WindowWidth=width)) == []


def test_windows_of_frames_are_found_where_they_stand():
    shared, frame = Dataset(), Dataset()
    shared.FrameVOILUTSequence = [of(WindowCenter=40, WindowWidth=401)]
    frame.FrameVOILUTSequence = [of(WindowCenter=50, WindowWidth=351)]
    both = of(SharedFunctionalGroupsSequence=[shared], PerFrameFunctionalGroupsSequence=[frame] * 3)
    assert limits(both) == [(-160.5, 239.5)]
    assert limits(of(PerFrameFunctionalGroupsSequence=[Dataset(), frame, Dataset()])) == [(-125.5, 224.5)]
    assert limits(of(SharedFunctionalGroupsSequence=[])) == []


def test_a_scan_brings_its_windows_along(tmp_path, write_series, stored):
    write_series(tmp_path, stored, WindowCenter=[40, -600], WindowWidth=[401, 1501])
    assert read_dicom(tmp_path).windows == (("as scanned 1", -160.5, 239.5), ("as scanned 2", -1350.5, 149.5))


def test_patients_are_told_apart_and_nobody_can_tell_who_they_are(tmp_path, write_series, stored):
    kinds = {
        "a": {"PatientID": "77", "PatientName": "Doe^Jane"},
        "b": {"PatientID": "77", "PatientName": "Doe^Jane^^Dr"},
        "c": {"PatientID": "78", "PatientName": "Doe^Jane"},
        "d": {"PatientID": "", "PatientName": "Doe^Jane"},
        "e": {"PatientID": "", "PatientName": "DOE^JANE"},
        "f": {},
    }
    told = {name: read_series_header(write_series(tmp_path / name, stored, **of)[0]) for name, of in kinds.items()}
    who = {name: one.patient for name, one in told.items()}
    assert who["a"] == who["b"]
    assert who["d"] == who["e"]
    assert who["f"] == ""
    assert len(set(who.values())) == 4
    for one in told.values():
        assert "Doe" not in repr(one) + one.patient
        assert not one.patient or one.patient not in repr(one)


@pytest.mark.parametrize(
    ("fields", "name", "expected"),
    [
        ({"StudyDate": "1997.04.24"}, "date", "1997-04-24"),
        ({"StudyDate": ""}, "date", ""),
        ({"StudyTime": "072730.5"}, "time", "07:27"),
        ({"SeriesNumber": None}, "number", None),
        ({"StudyDescription": "", "ProtocolName": "Liver  3 phases"}, "study", "Liver 3 phases"),
    ],
)
def test_what_is_odd_or_missing_is_read_as_far_as_it_goes(tmp_path, write_series, stored, fields, name, expected):
    with pydicom.config.disable_value_validation():
        (path, *_) = write_series(tmp_path, stored, **fields)
        assert getattr(read_series_header(path), name) == expected


def test_damage_is_left_to_who_opens_the_series(tmp_path):
    (tmp_path / "cut.dcm").write_bytes(packaged("CT_small.dcm").read_bytes()[:400])
    assert read_series_header(tmp_path / "cut.dcm").windows == ()
    assert read_series_header(tmp_path / "none.dcm") == SeriesHeader()
    damaged = tmp_path / "damaged.dcm"
    damaged.write_bytes(packaged("CT_small.dcm").read_bytes())
    change(damaged, WindowCenter="40", WindowWidth="400")
    damaged.write_bytes(damaged.read_bytes().replace(b"DS\x04\x00400 ", b"DS\x04\x00odd "))
    assert read_series_header(damaged).windows == ()
    assert read_series_header(damaged).date == "2004-01-19"
