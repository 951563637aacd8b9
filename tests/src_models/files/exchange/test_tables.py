"""Tables of classes and measurements."""

from __future__ import annotations

import pytest

from src_models.errors import DataSetError
from src_models.files.exchange.tables import read_object_table


def test_rows_of_the_image_are_taken_the_first_of_each_object(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "﻿file,id,class,area,word\nx/a.tif,1,cell,3.5,no\na_labels.tif,1,other,9,\nb.tif,2,cell,1,\n", "utf-8"
    )
    assert read_object_table(path, "a") == ({1: "cell"}, {1: {"area": 3.5}})


def test_without_a_column_of_files_all_rows_are_of_the_image(tmp_path):
    (tmp_path / "t.csv").write_text("id,area\n1,2\n3,\n")
    assert read_object_table(tmp_path / "t.csv", "a") == ({}, {1: {"area": 2.0}, 3: {}})


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "id\nx\n"])
def test_other_tables_are_refused(tmp_path, text):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataSetError, match="no column id"):
        read_object_table(tmp_path / "t.csv", "a")
