"""``napari-medt series``: what the series in a folder are, as a table, as JSON and as pictures."""

import json
import shutil

import numpy as np
import pydicom
import pytest
from dicom_files import packaged
from PIL import Image
from typer.testing import CliRunner

from napari_medt.cli import app


@pytest.fixture
def run():
    runner = CliRunner(env={"COLUMNS": "300"})
    return lambda *arguments: runner.invoke(app, ["series", *map(str, arguments)])


@pytest.fixture
def cd(tmp_path):
    """The scans of two patients, in folders as on a CD."""
    source = packaged("dicomdirtests/77654033/CT2/17136").parents[2]
    for name in ("77654033/CT2", "98892001/CT5N", "98892001/CT2N"):
        shutil.copytree(source / name, tmp_path / "cd" / name)
    return tmp_path / "cd"


def test_each_series_has_a_row_and_why_one_cannot_be_opened_is_said(run, cd):
    done = run(cd)
    assert done.exit_code == 0, done.output
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.stdout.splitlines() if "│" in line]
    assert {row[1]: row for row in rows} == {
        "Routine Brain": [
            "0", "Routine Brain", "CT", "head", "4", "16 x 16", "", "1995-09-03 17:30", "resampled", "1",
        ],
        "Scout": ["1", "Scout", "CT", "", "2", "16 x 16", "", "2001-01-01 00:00", "no", "2"],
        "SmartScore - Gated 0.5 sec": [
            "2", "SmartScore - Gated 0.5 sec", "CT", "", "5", "16 x 16", "0.488 x 0.488 x 2.5 mm", "2001-01-01 00:00",
            "yes", "2",
        ],
    }  # fmt: skip
    assert "0 'Routine Brain' opens only with --uneven resample: 161 slices are missing between 17106" in done.stdout
    assert "1 'Scout' cannot be opened: 6293 and 6924 are of one series but of different orientations" in done.stdout


def test_json_and_pictures_tell_the_same(run, cd, tmp_path):
    done = run(cd, "--json", tmp_path / "series.json", "--thumbnails", tmp_path / "pictures")
    assert done.exit_code == 0, done.output
    listed = json.loads((tmp_path / "series.json").read_text())
    heart = listed[2]
    assert heart["shape"] == [5, 16, 16]
    assert heart["spacing_mm"] == pytest.approx([2.5, 0.488281, 0.488281])
    assert heart["windows"] == [{"name": "as scanned", "low": -160.0, "high": 239.0}]
    assert (heart["opens"], heart["why_not"], heart["patient"]) == (True, "", 2)
    assert [one["opens"] for one in listed] == ["resampled", False, True]
    assert [one["thumbnail"] for one in listed] == [str(tmp_path / "pictures" / f"series_{n}.png") for n in range(3)]
    slices = [pydicom.dcmread(path) for path in (cd / "98892001" / "CT5N").iterdir()]
    middle = sorted(slices, key=lambda one: one.ImagePositionPatient[2])[2]
    with Image.open(heart["thumbnail"]) as picture:
        drawn = np.asarray(picture)
    values = middle.pixel_array * float(middle.RescaleSlope) + float(middle.RescaleIntercept)
    shown = np.clip((values + 160) / 399, 0, 1)
    places = [5 + 16 * n for n in range(16)]
    np.testing.assert_allclose(drawn[np.ix_(places, places)], (255 * shown).astype(int), atol=1)


def test_nothing_of_a_patient_is_told(run, cd, tmp_path):
    done = run(cd, "--json", tmp_path / "series.json")
    told = (done.stdout + (tmp_path / "series.json").read_text()).replace(str(cd), "")
    for path in cd.rglob("*"):
        if path.is_file():
            header = pydicom.dcmread(path, stop_before_pixels=True)
            for name in (header.PatientName, header.get("PatientBirthDate", ""), header.StudyInstanceUID):
                assert not name or str(name) not in told
    assert "Patient" in told  # a column of numbers


def test_files_that_are_there_are_replaced_only_if_allowed(run, cd, tmp_path):
    (tmp_path / "series.json").write_text("mine")
    done = run(cd, "--json", tmp_path / "series.json")
    assert done.exit_code == 1
    assert "series.json exists already" in done.stderr
    assert (tmp_path / "series.json").read_text() == "mine"
    assert run(cd, "--json", tmp_path / "series.json", "--overwrite").exit_code == 0
    assert json.loads((tmp_path / "series.json").read_text())


def test_a_folder_without_series_is_refused(run, tmp_path):
    done = run(tmp_path)
    assert done.exit_code == 1
    assert "it holds no DICOM slices" in done.stderr
