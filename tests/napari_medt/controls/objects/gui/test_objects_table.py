"""The table of objects that features share: sorting, choosing, and which row is next."""

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_medt.controls.objects.objects_table import ObjectRows, ObjectsView


class Rows(ObjectRows):
    """Three objects with a weight each."""

    ids, weights = np.array([4, 7, 9]), np.array([2.0, 3.0, 1.0])

    def keys(self):
        return self.ids

    def rising(self, column):
        return np.argsort((self.ids, self.weights)[column], kind="stable")

    def title(self, column):
        return ("Object", "Weight")[column]

    def columnCount(self, parent=None):
        return 2

    def data(self, index, role=Qt.ItemDataRole.DisplayRole):
        return str(self.object_in(index.row())) if role == Qt.ItemDataRole.DisplayRole else None


@pytest.fixture
def table(qtbot):
    view = ObjectsView()
    qtbot.addWidget(view)
    view.show_rows(Rows(view, 1), 1)
    view.model().arrange()
    return view


def shown(table):
    rows = table.model()
    return [rows.data(rows.index(row, 0)) for row in range(rows.rowCount())]


def test_rows_are_sorted_by_the_column_that_is_chosen(table):
    assert shown(table) == ["9", "4", "7"]
    table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    assert shown(table) == ["9", "7", "4"]


def test_a_chosen_row_is_told_by_its_key_and_one_chosen_by_the_program_is_not(table, qtbot):
    told = []
    table.chosen.connect(told.append)
    table.selectRow(1)
    assert told == [4]
    table.choose(7)
    assert (told, table.current()) == ([4], 7)
    table.choose(None)
    assert table.current() is None


def test_the_next_row_is_the_one_below_as_shown(table):
    assert [table.next_of(key) for key in (None, 9, 4, 7)] == [9, 4, 7, None]
