"""``napari-medt measure``: tables of one or many labels, and what is said when there can be none."""

import csv

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_medt.cli import app
from napari_medt.cli.measure import image_of
from src_models.errors import ImageError


@pytest.fixture
def run():
    runner = CliRunner(env={"COLUMNS": "200"})
    return lambda *arguments: runner.invoke(app, ["measure", *map(str, arguments)])


@pytest.fixture
def plate(tmp_path):
    """Two images and, beside them, labels as `segment` calls them."""
    random = np.random.default_rng(0)
    folder = tmp_path / "plate"
    folder.mkdir()
    for name in ("a", "b"):
        labels = np.zeros((50, 60), np.uint16)
        labels[5:15, 8:20], labels[30:44, 30:50] = 2, 7
        tifffile.imwrite(folder / f"{name}.tif", random.integers(0, 200, (50, 60), np.uint8))
        tifffile.imwrite(folder / f"{name}_labels.tif", labels)
    return folder


def rows_of(path):
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def test_one_table_of_a_folder_has_the_objects_of_all_labels_in_it(run, plate, tmp_path):
    done = run(plate, "--image", plate, "-o", tmp_path / "all.csv")
    assert done.exit_code == 0, done.output
    rows = rows_of(tmp_path / "all.csv")
    assert [(row["file"], row["id"], row["area (px)"]) for row in rows] == [
        (str(plate / f"{name}_labels.tif"), own, size) for name in "ab" for own, size in (("2", "120"), ("7", "280"))
    ]
    image = tifffile.imread(plate / "b.tif")
    assert float(rows[2]["mean"]) == pytest.approx(image[5:15, 8:20].mean())


def test_a_folder_gets_a_table_of_each(run, plate, tmp_path):
    done = run(plate / "*_labels.tif", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a_measurements.csv", "b_measurements.csv"]
    assert "mean" not in rows_of(tmp_path / "out" / "a_measurements.csv")[0]


def test_shapes_that_do_not_match_name_both_files_and_the_others_are_done(run, plate, tmp_path):
    tifffile.imwrite(plate / "a.tif", np.zeros((49, 60), np.uint8))
    done = run(plate, "--image", plate, "-o", tmp_path / "all.csv")
    assert done.exit_code == 1
    line = next(line for line in done.output.splitlines() if line.startswith("Error"))
    assert str(plate / "a_labels.tif") in line
    assert str(plate / "a.tif") in line
    assert "1 of 2 labels measured" in done.output
    assert len(rows_of(tmp_path / "all.csv")) == 2


def test_a_table_that_is_there_is_not_replaced_unless_asked(run, plate, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("mine")
    done = run(plate / "a_labels.tif", "-o", table)
    assert done.exit_code == 1
    assert "exists already" in done.output
    assert table.read_text() == "mine"
    assert run(plate / "a_labels.tif", "-o", table, "--overwrite").exit_code == 0
    assert len(rows_of(table)) == 2


def test_parquet_without_pyarrow_is_refused_before_anything_is_read(run, tmp_path, plate, monkeypatch):
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    done = run(plate / "a_labels.tif", "-o", tmp_path / "t.parquet")
    assert done.exit_code == 1
    assert "pyarrow" in done.output


def test_names_and_classes_become_columns(run, plate, tmp_path):
    (tmp_path / "names.json").write_text('{"2": "spleen"}')
    (tmp_path / "classes.csv").write_text("file,id,class,probability\na.tif,7,long,0.9\n")
    done = run(
        plate / "a_labels.tif", "--names", tmp_path / "names.json", "--classes", tmp_path / "classes.csv",
        "-o", tmp_path / "t.csv",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    told = [(row["name"], row["class"], row["probability"]) for row in rows_of(tmp_path / "t.csv")]
    assert told == [("spleen", "", ""), ("", "long", "0.9")]


def test_one_image_is_not_that_of_many_labels(run, plate, tmp_path):
    done = run(plate, "--image", plate / "a.tif", "-o", tmp_path / "t.csv")
    assert done.exit_code == 1
    assert "name the folder of the images" in done.output


def test_labels_without_an_image_in_the_folder_are_told(plate):
    (plate / "a.tif").unlink()
    with pytest.raises(ImageError, match=r"a_labels\.tif"):
        image_of(plate, plate / "a_labels.tif")
    assert image_of(plate, plate / "b_labels.tif") == plate / "b.tif"
