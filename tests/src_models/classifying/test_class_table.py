"""Tables hold what was found, row by row; records say how; neither replaces what is not its own."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from toy_classes import middle_pixel_model

from src_models.classifying.class_table import (
    ClassifiedFile,
    check_class_record,
    class_table_path,
    columns,
    read_class_table,
    rows_of,
    write_class_record,
    write_class_table,
)
from src_models.classifying.classify import classify_objects
from src_models.errors import DataSetError, OutputError
from src_models.files.images import ImageFile
from src_models.images.axes import read_axes


@pytest.fixture(scope="module")
def found():
    stack = np.random.default_rng(0).integers(0, 200, (2, 40, 40), np.uint8)
    labels = np.zeros(stack.shape, np.uint8)
    labels[1, 5:10, 8:12], labels[0, 20:22, 30:33] = 3, 8
    return classify_objects(stack, labels, middle_pixel_model(), axes="ZYX", device="cpu")


def test_the_table_has_a_row_for_each_object(found, tmp_path):
    path = write_class_table(tmp_path / "a.csv", found.classes, rows_of(found, "stack, 1.tif", "ZYX"))
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == columns(found.classes)
    assert [(row["file"], row["id"], row["t"], row["z"], row["y"], row["x"]) for row in rows] == [
        ("stack, 1.tif", "3", "", "1", "7", "9.5"), ("stack, 1.tif", "8", "", "0", "20.5", "31"),
    ]  # fmt: skip
    for row, name, probabilities in zip(rows, found.names, found.probabilities, strict=True):
        assert row["class"] == name
        written = [float(row[f"p {each}"]) for each in found.classes]
        assert np.abs(np.array(written) - probabilities).max() < 1e-6
        assert float(row["probability"]) == max(written)


def test_the_record_says_by_what_and_what_was_found(found, tmp_path):
    image = ImageFile(
        np.zeros((2, 40, 40)), read_axes((2, 40, 40), dtype=np.dtype(np.uint8), axes="ZYX"), Path("s.tif")
    )
    table = class_table_path(tmp_path, "s")
    record = write_class_record(table, [ClassifiedFile(image, found, Path("l.tif"))], seconds=1.5)
    content = json.loads(record.read_text())
    assert (table.name, record.name, content["classes"]) == ("s_classes.csv", "s_classes.json", "s_classes.csv")
    assert content["model"] == {"name": "toy", "sha256": "0" * 64}
    [one] = content["images"]
    assert one["found"] == found.counts
    assert one["image"] == str(Path("s.tif").absolute())
    write_class_record(table, [ClassifiedFile(image, found)], seconds=2)  # a record of ours goes with its table


def test_what_is_not_ours_is_not_replaced(found, tmp_path):
    table = tmp_path / "a.csv"
    table.write_text("mine")
    with pytest.raises(OutputError):
        write_class_table(table, found.classes, [])
    (tmp_path / "a.json").write_text('{"mine": 1}')
    with pytest.raises(OutputError):
        check_class_record(table)
    check_class_record(table, overwrite=True)
    assert table.read_text() == "mine"


def test_long_names_are_shortened(tmp_path):
    assert len(class_table_path(tmp_path, "x" * 300).name.encode()) <= 255


def test_a_table_that_a_person_mended_is_read_back(found, tmp_path):
    rows = rows_of(found, "/data/s.tif", "ZYX") + rows_of(found, "/data/other.tif", "ZYX")
    rows[0][6] = "spiky"
    path = write_class_table(tmp_path / "a.csv", found.classes, rows)
    for name in ("/data/s.tif", "/elsewhere/s.tif"):
        given = read_class_table(path, name, "ZYX")
        assert given.changed == (3,)
        assert given.classes == {3: "spiky", 8: found.names[1]}
        assert (given.found.ids == found.ids).all()
        assert np.abs(given.found.positions - found.positions).max() < 0.01
        assert (given.found.planes == found.planes).all()
        assert np.abs(given.found.probabilities - found.probabilities).max() < 1e-5


def test_a_plain_table_says_all_of_its_classes(tmp_path):
    (tmp_path / "mine.csv").write_text("id,y,x,class\n4,10,20.5,round\n5,1,2,long\n")
    given = read_class_table(tmp_path / "mine.csv", "any.tif", "YX")
    assert (given.changed, given.classes) == ((4, 5), {4: "round", 5: "long"})
    assert given.found.positions.tolist() == [[10, 20.5], [1, 2]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,y,class\n1,2,a\n", "no column 'x'"),
        ("id,y,x,class\n1,2,three,a\n", "holds no number"),
        ("id,y,x,class\n1,2,3,a\n1,4,5,b\n", "has two rows"),
        ("file,id,y,x,class\nother.tif,1,2,3,a\n", "no row is of any.tif"),
        ("id,y,x,class\n", "no row is of any.tif"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataSetError, match=rf"t.csv.*{message}"):
        read_class_table(tmp_path / "t.csv", "any.tif", "YX")
