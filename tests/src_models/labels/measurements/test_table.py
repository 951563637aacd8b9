"""Tables of measurements: their rows, and the files they become."""

import csv
import importlib.util
import sys

import numpy as np
import pytest

from src_models.errors import OutputError
from src_models.labels.measurements.table import Measurements, check_table_name, joined, write_table


def table(**columns):
    return Measurements({"id": [4, 9, 4], "area (px)": [5, 2, 8], **columns}, np.zeros((3, 3)))


def test_of_a_series_an_object_is_looked_up_where_it_is_largest():
    assert [table().row_of(own) for own in (4, 9)] == [2, 1]
    assert table().largest() == {"id": [4, 9], "area (px)": [8, 2]}
    with pytest.raises(KeyError):
        table().row_of(5)


def test_a_csv_says_what_was_measured(tmp_path):
    written = write_table(tmp_path / "a.csv", table(**{"area (µm²)": [1 / 3, None, 2.0], "name": ["a,b", None, "c"]}))
    with written.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["a,b", "", "c"]
    assert float(rows[0]["area (µm²)"]) == pytest.approx(1 / 3, rel=1e-9)
    assert rows[1]["area (µm²)"] == ""


def test_a_table_that_is_there_stays(tmp_path):
    (tmp_path / "a.csv").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        write_table(tmp_path / "a.csv", table())
    assert (tmp_path / "a.csv").read_text() == "mine"


def test_tables_of_several_images_are_joined_by_the_titles_of_their_columns():
    one, other = Measurements({"id": [1], "area (px)": [3]}, np.zeros((1, 2))), table(name=["a", "b", "c"])
    both = joined([one, other])
    assert both.columns == {"id": [1, 4, 9, 4], "area (px)": [3, 5, 2, 8], "name": [None, "a", "b", "c"]}
    assert both.positions.shape == (4, 4)


def test_a_column_is_added_behind_the_numbers_or_replaced():
    more = table(name=["a", "b", "c"]).with_column("name", ["x", "y", "z"]).with_first("file", ["f"] * 3)
    assert list(more.columns) == ["file", "id", "name", "area (px)"]
    assert more.columns["name"] == ["x", "y", "z"]


def test_parquet_without_pyarrow_is_refused_with_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(OutputError, match="install it"):
        check_table_name(tmp_path / "a.parquet")


def test_parquet_is_what_pyarrow_is_given(tmp_path, monkeypatch):
    class Arrow:
        """Stands for pyarrow, which is no dependency."""

        @staticmethod
        def table(columns):
            return columns

        class parquet:
            @staticmethod
            def write_table(columns, path):
                path.write_text(repr(columns))

    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: object())
    monkeypatch.setitem(sys.modules, "pyarrow", Arrow)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", Arrow.parquet)
    written = write_table(tmp_path / "a.parquet", table())
    assert written.read_text() == "{'id': [4, 9, 4], 'area (px)': [5, 2, 8]}"


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(OutputError, match=r"\.csv or \.parquet"):
        check_table_name(tmp_path / "a.xlsx")


def test_the_equivalent_diameter_is_that_of_a_disc_or_a_ball_of_as_many_pixels():
    flat = Measurements({"id": [1], "area (px)": [np.pi * 7**2]}, np.zeros((1, 2)))
    solid = Measurements({"id": [1], "volume (voxels)": [4 / 3 * np.pi * 5**3]}, np.zeros((1, 3)))
    assert (flat.equivalent_diameter(0), solid.equivalent_diameter(0)) == pytest.approx((14, 10))
