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
    rows_of,
    write_class_record,
    write_class_table,
)
from src_models.classifying.classify import classify_objects
from src_models.errors import OutputError
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
