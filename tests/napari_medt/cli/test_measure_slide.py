"""``napari-medt measure`` on a whole slide and on the labels that ``segment`` writes of one, in square micrometres."""

import csv

import numpy as np
import pytest
import tifffile
import zarr
from slide_files import tissue_slide, write_svs
from typer.testing import CliRunner

from napari_medt.cli import app
from src_models.files.series import lazy_tiff
from src_models.files.slides import slide_tissue
from src_models.prediction import to_file

MICRONS = 0.5


@pytest.fixture
def run():
    runner = CliRunner(env={"COLUMNS": "200"})
    return lambda *arguments: runner.invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def slide(tmp_path, monkeypatch):
    """A slide that is taken for a large one: read lazily, its labels written tile by tile into a zarr."""
    monkeypatch.setattr(lazy_tiff, "LAZY_BYTES", 100_000)
    monkeypatch.setattr(slide_tissue, "LEAST_PIXELS", 10_000)
    monkeypatch.setattr(to_file, "LARGE", 10_000)
    data, tissue = tissue_slide(256, 320, [(90, 100, 60)])
    return write_svs(tmp_path / "case.svs", data, size=MICRONS), data, tissue


def rows_of(path):
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def test_labels_of_a_slide_are_measured_in_its_micrometres(run, slide, tmp_path, tiny_model_path):
    path, data, tissue = slide
    done = run("segment", path, "--model", tiny_model_path, "-o", tmp_path / "results")
    assert done.exit_code == 0, done.output
    (labels,) = (tmp_path / "results").glob("case_labels.*zarr")
    done = run("measure", labels, "--image", path, "-o", tmp_path / "case.csv")
    assert done.exit_code == 0, done.output
    found = np.asarray(zarr.open(labels, mode="r")["0"])
    rows = rows_of(tmp_path / "case.csv")
    assert rows
    assert len(rows) == len(np.unique(found)) - 1
    for row in rows:
        inside = found == int(row["id"])
        assert float(row["area (µm²)"]) == pytest.approx(inside.sum() * MICRONS**2)
        for place, colour in enumerate(("red", "green", "blue")):
            assert float(row[f"mean {colour}"]) == pytest.approx(data[inside][:, place].mean())
        assert tissue[inside].any(), "which glass is not"


def test_labels_beside_a_slide_are_measured_level_by_level_of_none_but_the_finest(run, slide, tmp_path):
    path, data, _ = slide
    labels = np.zeros(data.shape[:2], np.uint16)
    labels[80:100, 90:130], labels[110:118, 60:70] = 3, 9
    tifffile.imwrite(tmp_path / "case_labels.tif", labels)
    done = run("measure", tmp_path / "case_labels.tif", "--image", path, "-o", tmp_path / "case.csv")
    assert done.exit_code == 0, done.output
    rows = {int(row["id"]): row for row in rows_of(tmp_path / "case.csv")}
    assert [float(rows[number]["area (µm²)"]) for number in (3, 9)] == [800 * MICRONS**2, 80 * MICRONS**2]
    assert float(rows[9]["max blue"]) == data[110:118, 60:70, 2].max()
