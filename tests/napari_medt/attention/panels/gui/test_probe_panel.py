"""What is asked at the pointer: the view and the heads that a network has, and the values that were found."""

from __future__ import annotations

import pytest

from napari_medt.attention.panels.probe_panel import ProbePanel
from src_models.attention.words import map_words
from src_models.probing.pointer import View

GATE = View("gate 2", "gate", "Fine detail let through")
BLOCK = View("global 2.1", "block", "Where it looks", 4)
OTHER = View("global 1.1", "block", "Where it looks first", 2)


@pytest.fixture
def panel(qtbot):
    panel = ProbePanel(following=True, preferred="global 2.1")
    qtbot.addWidget(panel)
    panel.show()
    panel.told = []
    panel.view_changed.connect(lambda: panel.told.append((panel.chosen(), panel.heads())))
    return panel


def test_without_a_network_nothing_can_be_asked(panel):
    assert not panel.isEnabled()
    assert (panel.chosen(), panel.heads()) == (None, (None, None))


def test_the_preferred_view_is_chosen_where_there_is_one_of_that_name(panel):
    panel.set_views([GATE, BLOCK])
    assert panel.chosen() == "global 2.1"
    panel.set_views([GATE, OTHER])
    assert panel.chosen() == "gate 2"
    panel.set_views([OTHER, GATE, BLOCK])
    assert panel.chosen() == "global 2.1"
    assert panel.told == []  # nobody chose


def test_what_a_person_chooses_is_told_and_preferred_from_now_on(panel):
    panel.set_views([GATE, BLOCK])
    panel.view.setCurrentIndex(0)
    assert panel.told == [("gate 2", (None, None))]
    panel.set_views([BLOCK, GATE])
    assert panel.chosen() == "gate 2"


def test_heads_are_asked_for_one_by_one_where_there_are_several(panel):
    panel.set_views([BLOCK, GATE])
    assert panel.head_of_height.isVisible()
    assert [panel.head_of_height.itemData(row) for row in range(panel.head_of_height.count())] == [None, 0, 1, 2, 3]
    panel.head_of_width.setCurrentIndex(3)
    assert panel.told == [("global 2.1", (None, 2))]
    panel.view.setCurrentIndex(1)
    assert not panel.head_of_height.isVisible()
    assert panel.heads() == (None, None)


def test_the_values_of_a_place_are_told_in_figures_and_words(panel):
    panel.set_views([GATE])
    panel.set_place((3.6, 12.2), {"gate 1": 0.91234, "gate 2": 0.05})
    assert panel.place.text() == "At pixel 4, 12:"
    assert not panel.release.isEnabled()
    texts = [[panel.values.item(row, column).text() for column in range(3)] for row in range(2)]
    assert texts == [
        [map_words(name).name, figure, map_words(name).reading(value)]
        for name, figure, value in (("gate 1", "0.912", 0.91234), ("gate 2", "0.050", 0.05))
    ]
    panel.set_place((3, 12), {"gate 2": 0.5}, pinned=True)
    assert panel.place.text() == "Pinned at pixel 3, 12:"
    assert panel.release.isEnabled()
    assert panel.values.rowCount() == 1
    panel.set_place(None, {})
    assert panel.place.text().startswith("Move the pointer")
