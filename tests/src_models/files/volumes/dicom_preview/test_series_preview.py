"""What is told of the series in a folder before one is opened."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_files import packaged

from src_models.errors import ImageError
from src_models.files.images import list_series, read_image
from src_models.files.volumes.dicom_preview.series_preview import no_series, preview_series
from src_models.files.volumes.dicom_preview.thumbnail import thumbnail


@pytest.fixture
def study(tmp_path, write_series):
    """A folder with a thin lung, an abdomen with a localizer in the same series, and copies of one slice."""
    folder = tmp_path / "study"
    lung, abdomen = np.zeros((7, 6, 8), np.uint16), np.zeros((5, 10, 8), np.uint16)
    told = {"StudyDate": "20240131", "StudyTime": "081500", "BodyPartExamined": "CHEST"}
    lungs = {"SeriesDescription": "Lung  thin", "SeriesNumber": 3, **told}
    write_series(folder, lung, prefix="L", step=(0, 0, 1.25), spacing=(0.75, 0.75), **lungs)
    paths = write_series(folder, abdomen, prefix="A", SeriesDescription="Abdomen", SeriesNumber=4)
    localizer = pydicom.dcmread(paths[0])
    localizer.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    localizer.save_as(folder / "localizer.dcm")
    write_series(folder, np.zeros((2, 6, 8), np.uint16), prefix="C", step=(0, 0, 0), SeriesDescription="Copies")
    return folder


def test_a_series_is_told_in_words_and_numbers(study):
    told = {one.title: one for one in preview_series(study)}
    assert set(told) == {"3: Lung thin", "4: Abdomen", "Copies"}
    lung = told["3: Lung thin"]
    assert lung.facts() == ("CT, chest, 7 slices", "8 x 6 px, 0.75 x 0.75 x 1.25 mm", "2024-01-31 08:15")
    assert lung.opens
    assert lung.refusal == ""
    assert lung.spacing == pytest.approx((1.25, 0.75, 0.75))
    assert lung.middle.path.name == "L0003.dcm"
    assert lung.patient is None


def test_what_is_left_out_of_a_series_is_told_of_it_alone(study):
    told = {one.title: one for one in preview_series(study)}
    assert told["4: Abdomen"].notes == ("left out: localizer.dcm, which is a localizer",)
    assert told["3: Lung thin"].notes == ()


def test_a_series_that_is_no_volume_says_why(study):
    copies = next(one for one in preview_series(study) if one.title == "Copies")
    assert not copies.opens
    assert copies.refusal.startswith("C0000.dcm and C0001.dcm are at the same place")
    assert str(study) not in copies.refusal
    assert copies.spacing is None
    with pytest.raises(ImageError, match=r"C0000\.dcm and C0001\.dcm are at the same place"):
        read_image(study, series=copies.image.name)


def test_numbers_and_names_are_those_with_which_a_series_is_chosen(study):
    told = preview_series(study)
    assert [(one.image.number, one.image.name) for one in told] == [
        (one.number, one.name) for one in list_series(study)
    ]
    for one in told:
        if one.opens:
            for wanted in (one.image.number, one.image.name):
                scan = read_image(study, series=wanted)
                used = one.slices - (one.title == "4: Abdomen")
                assert scan.data.shape == (used, *one.middle.shape)
                assert [scan.reading.spacing[axis] for axis in "ZYX"] == pytest.approx(one.spacing)


def test_uneven_slices_open_resampled(tmp_path, write_series):
    values = np.zeros((4, 6, 8), np.uint16)
    write_series(tmp_path, values, places=(0, 2, 4, 8), thickness=(2, 2, 2, 2))
    (one,) = preview_series(tmp_path)
    assert one.uneven
    assert one.opens
    assert one.refusal.startswith("1 slice is missing between IM0002.dcm")
    assert "--uneven" not in one.refusal
    assert read_image(tmp_path, uneven="resample").data.shape == (5, 6, 8)


def test_the_series_of_a_cd_are_all_told_with_patients_by_number_alone():
    folder = packaged("dicomdirtests/77654033/CT2/17136").parents[2]
    told = preview_series(folder)
    names = {pydicom.dcmread(one.middle.path, stop_before_pixels=True).PatientID: one.patient for one in told}
    assert names == {"77654033": 1, "98890234": 2}
    said = repr(told) + repr([one.facts() for one in told])
    assert not any(str(who) in said.replace(str(folder), "") for who in ("Doe", "98890234"))
    assert {one.facts()[-1].rpartition(", ")[2] for one in told} == {"patient 1", "patient 2"}
    by_folder = {str(path.parent.relative_to(folder)) for one in told for path in [one.middle.path]}
    assert {"77654033/CT2", "98892001/CT5N", "98892003/MR700"} <= {Path(name).as_posix() for name in by_folder}
    assert [one.image.number for one in told] == list(range(len(told)))
    heart = next(one for one in told if "SmartScore" in one.title)
    assert read_image(folder, series=heart.image.name).data.shape == (5, 16, 16)


def test_a_series_whose_slices_lie_in_several_folders_is_opened_whole(tmp_path, write_series, stored):
    paths = write_series(tmp_path / "a", stored, SeriesDescription="split")
    (tmp_path / "b").mkdir()
    paths[0].rename(tmp_path / "b" / paths[0].name)
    write_series(tmp_path / "c", stored, SeriesDescription="other")
    assert {one.title: one.slices for one in preview_series(tmp_path)} == {"split": len(stored), "other": len(stored)}
    assert read_image(tmp_path, series="split").data.shape == stored.shape


def test_files_beside_series_are_named_once(tmp_path, write_series, stored):
    for name in ("one", "two"):
        write_series(tmp_path, stored, prefix=name, SeriesDescription=name)
    (tmp_path / "report.dcm").write_bytes(packaged("test-SR.dcm").read_bytes())
    told = preview_series(tmp_path)
    assert no_series(told) == "left out: report.dcm, which is of another kind (SR)"
    assert all(one.notes == () for one in told)


@pytest.mark.parametrize("name", ["none", "empty"])
def test_a_folder_without_slices_is_refused(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match=rf"{name}: (there is no such folder|it holds no DICOM slices)"):
        preview_series(tmp_path / name)


def test_the_parts_of_a_file_of_many_frames_are_told_each(tmp_path, write_frames):
    """Two echoes at the same places, of which the second one is three times as bright."""
    stored = np.concatenate([np.full((4, 3, 5), 100, np.uint16), np.full((4, 3, 5), 300, np.uint16)])
    places = [{"position": (0, 0, 2.0 * number)} for number in range(4)]
    frames = [{**one, "echo": echo} for echo in (4.6, 30.0) for one in places]
    path = write_frames(
        tmp_path / "a.dcm", stored, frames, modality="MR", rescaling=(1, 0), WindowCenter=200, WindowWidth=401
    )
    for named in (path, tmp_path):
        told = preview_series(named)
        assert [one.title for one in told] == ["Abdomen 2.5, echo 4.6 ms", "Abdomen 2.5, echo 30 ms"]
        assert [one.facts()[0] for one in told] == ["MR, 4 slices"] * 2
        assert [thumbnail(one).mean() for one in told] == pytest.approx([255 * 100 / 400, 255 * 300 / 400], abs=1.5)
        for one in told:
            assert read_image(named, series=one.image.name).data.shape == (4, 3, 5)
