"""The table of objects: its order, what it shows, and choosing."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_medt.classifying.panels.objects_table import ObjectsTable
from src_models.classifying.layer.object_classes import ObjectClasses

IDS = (4, 9, 2, 30)
SURE = (0.9, 0.55, 0.7, 0.6)


@pytest.fixture
def objects():
    shares = np.array(
        [(share, 1 - share) if number != 9 else (1 - share, share) for number, share in zip(IDS, SURE, strict=True)]
    )
    empty = {"positions": np.zeros((4, 2)), "boxes": np.zeros((4, 4), int), "areas": np.ones(4, int)}
    return ObjectClasses(("round", "long"), np.array(IDS), shares, **empty)


@pytest.fixture
def table(qtbot, objects):
    made = ObjectsTable()
    qtbot.addWidget(made)
    made.show()
    made.told = []
    made.chosen.connect(made.told.append)
    made.set_table(objects)
    return made


def cells(table, column):
    model = table.model()
    return [model.data(model.index(row, column)) for row in range(model.rowCount())]


def test_the_least_sure_come_first_and_titles_sort(table):
    assert cells(table, 0) == ["9", "30", "2", "4"]
    assert cells(table, 2) == ["55%", "60%", "70%", "90%"]
    table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    assert cells(table, 0) == ["2", "4", "9", "30"]
    table.sortByColumn(1, Qt.SortOrder.DescendingOrder)
    assert cells(table, 1) == ["long", "round", "round", "round"]


def test_choosing_by_hand_is_told_and_by_program_is_not(table):
    table.selectRow(1)
    assert table.told == [30]
    table.choose(4)
    assert (table.current(), table.told) == (4, [30])
    table.choose(None)
    assert (table.current(), table.told) == (None, [30])


def test_what_a_person_said_has_a_tick_and_rows_stay_where_they_are(table, objects):
    objects.give(9, "round")
    objects.give(30, "odd")
    table.refresh()
    assert cells(table, 0) == ["9", "30", "2", "4"]
    assert cells(table, 1)[:2] == ["round ✓", "odd ✓"]
    assert cells(table, 2)[:2] == ["45%", "new class"]
    words = table.model().data(table.model().index(0, 0), Qt.ItemDataRole.ToolTipRole)
    assert words == "You said: round. The model had found: long."
    table.choose(9)
    table.set_table(objects, "Tile")  # shown anew, those that were looked at are at the end
    assert cells(table, 0)[-2:] == ["9", "30"]
    assert table.current() == 9
    assert table.model().headerData(0, Qt.Orientation.Horizontal) == "Tile"


def test_without_objects_it_is_empty(table):
    table.set_table(None)
    assert table.model().rowCount() == 0
    assert table.current() is None
