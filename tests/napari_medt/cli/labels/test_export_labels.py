"""``napari-medt export-labels``: what a person gets, and what is said when it cannot be."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from drawn_labels import drawn_labels
from typer.testing import CliRunner

from napari_medt.cli import app

LABELS = drawn_labels()


@pytest.fixture
def run():
    runner = CliRunner(env={"COLUMNS": "200"})
    return lambda *arguments: runner.invoke(app, ["export-labels", *map(str, arguments)])


@pytest.fixture
def labels(tmp_path):
    tifffile.imwrite(tmp_path / "a_labels.tif", LABELS)
    tifffile.imwrite(tmp_path / "a.tif", np.zeros(LABELS.shape, np.uint8))
    return tmp_path / "a_labels.tif"


def test_classes_and_measurements_of_tables_go_with_the_outlines(run, labels, tmp_path):
    (tmp_path / "classes.csv").write_text("file,id,class,probability\na.tif,2,disc,0.75\nb.tif,3,other,1\n")
    (tmp_path / "measured.csv").write_text("file,id,area (px),name\na_labels.tif,2,197,\na_labels.tif,7,125,x\n")
    done = run(
        labels, "--image", tmp_path / "a.tif", "-o", tmp_path / "a.geojson", "--table", tmp_path / "classes.csv",
        "--table", tmp_path / "measured.csv", "--as", "annotation",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "6 outlines ->" in done.output
    features = json.loads((tmp_path / "a.geojson").read_text(encoding="utf-8"))["features"]
    told = {one["properties"]["metadata"]["label"]: one["properties"] for one in features}
    assert told["2"]["classification"]["name"] == "disc"
    assert told["2"]["measurements"] == {"probability": 0.75, "area (px)": 197}
    assert told["2"]["objectType"] == "annotation"
    assert told["7"]["measurements"] == {"area (px)": 125}
    assert "classification" not in told["3"]  # the row is of another image


def test_names_of_numbers_are_categories_of_coco(run, labels, tmp_path):
    (tmp_path / "names.json").write_text('{"1": "ring", "7": "corner"}')
    done = run(labels, "-o", tmp_path / "a.json", "--names", tmp_path / "names.json")
    assert done.exit_code == 0, done.output
    content = json.loads((tmp_path / "a.json").read_text())
    names = {one["id"]: one["name"] for one in content["categories"]}
    assert {one["label"]: names[one["category_id"]] for one in content["annotations"]} == {
        1: "ring", 7: "corner", **dict.fromkeys((2, 3, 300, 70_000), "object"),
    }  # fmt: skip
    assert run(labels, "-o", tmp_path / "a.json").exit_code == 1
    assert run(labels, "-o", tmp_path / "a.json", "--overwrite").exit_code == 0


def test_labels_of_another_program_are_written_for_a_third(run, labels, tmp_path):
    np.save(tmp_path / "a_seg.npy", {"masks": LABELS})
    assert run(tmp_path / "a_seg.npy", "-o", tmp_path / "one.geojson").exit_code == 0
    assert run(labels, "-o", tmp_path / "two.geojson").exit_code == 0
    one, two = ((tmp_path / f"{name}.geojson").read_text() for name in ("one", "two"))
    assert one == two


def test_another_image_is_refused_with_both_sizes(run, labels, tmp_path):
    tifffile.imwrite(tmp_path / "b.tif", np.zeros((9, 9), np.uint8))
    done = run(labels, "--image", tmp_path / "b.tif", "-o", tmp_path / "a.geojson")
    assert done.exit_code == 1
    assert "60 x 80 pixels" in done.output
    assert "9 x 9" in done.output


def test_a_table_without_numbers_is_refused(run, labels, tmp_path):
    (tmp_path / "t.csv").write_text("object,class\n1,a\n")
    done = run(labels, "-o", tmp_path / "a.geojson", "--table", tmp_path / "t.csv")
    assert done.exit_code == 1
    assert "no column id" in done.output
