"""A list as high as its rows, within limits."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QTreeWidgetItem

from napari_medt.controls.short_list import ShortList


@pytest.fixture
def short(qtbot):
    short = ShortList(("Place", "Size"), 0)
    qtbot.addWidget(short)
    short.resize(300, 100)
    short.show()
    return short


def rows(count):
    return [QTreeWidgetItem([f"place {number}", str(number)]) for number in range(count)]


def heights(short, counts):
    found = []
    for count in counts:
        short.set_rows(rows(count), 0)
        found.append(short.height())
    return found


def test_it_grows_with_its_rows_from_three_to_seven(short):
    three, one, five, seven, forty = heights(short, (3, 1, 5, 7, 40))
    assert one == three
    assert five - three == seven - five > 0
    assert forty == seven
    assert short.verticalScrollBar().maximum() > 0  # the rest is reached by scrolling


def test_all_rows_up_to_seven_are_seen_without_scrolling(short):
    for count in (3, 7):
        short.set_rows(rows(count), 0)
        assert short.verticalScrollBar().maximum() == 0


def test_a_row_is_chosen_without_telling_and_what_a_person_chooses_is_told(short):
    told = []
    short.currentItemChanged.connect(lambda *_: told.append(short.row()))
    assert short.row() == -1
    short.set_rows(rows(4), 2)
    assert (short.row(), told) == (2, [])
    short.setCurrentItem(short.topLevelItem(3))
    assert (short.row(), told) == (3, [3])
    short.set_rows([], 0)
    assert short.row() == -1
