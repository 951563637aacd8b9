"""The table of measures in the window."""

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_medt.measuring.measured_rows import MeasuredTable, numbers_of
from src_models.labels.measurements.table import Measurements


@pytest.fixture
def table(qtbot):
    view = MeasuredTable()
    qtbot.addWidget(view)
    columns = {"id": [2, 5, 7], "name": ["b", None, "a"], "area (px)": [30, 9, 100], "border": [1.5, None, 0.25]}
    view.set_table(Measurements(columns, np.zeros((3, 2))))
    return view


def shown(table, column):
    rows = table.model()
    return [rows.data(rows.index(row, column)) for row in range(rows.rowCount())]


def test_numbers_are_sorted_as_numbers_and_words_as_words(table):
    table.sortByColumn(2, Qt.SortOrder.AscendingOrder)
    assert shown(table, 0) == ["5", "2", "7"]
    table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    assert shown(table, 1) == ["", "a", "b"]
    table.sortByColumn(3, Qt.SortOrder.AscendingOrder)
    assert shown(table, 3) == ["0.25", "1.5", ""]


def test_a_row_is_called_by_its_place_in_the_measurements(table):
    table.sortByColumn(2, Qt.SortOrder.DescendingOrder)
    told = []
    table.chosen.connect(told.append)
    table.selectRow(0)
    assert told == [2]


def test_another_table_takes_the_place_of_the_first(table):
    table.set_table(Measurements({"id": [1]}, np.zeros((1, 2))))
    assert (table.model().columnCount(), shown(table, 0)) == (1, ["1"])
    table.set_table(None)
    assert table.model().rowCount() == 0


def test_columns_of_words_are_no_numbers():
    assert numbers_of(["a", None]) is None
    np.testing.assert_array_equal(numbers_of([1, None, 2.5]), [1, np.nan, 2.5])
