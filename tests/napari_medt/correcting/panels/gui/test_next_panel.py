"""Stepping through what to correct next: it asks for a ranking first, and goes round."""

from __future__ import annotations

import pytest

from napari_medt.correcting.panels.next_panel import NextPanel
from src_models.finetuning.candidates import Candidate

PLACES = [Candidate((2,), ((0, 64), (64, 128)), 1.0, 0.53, 0.2), Candidate((), ((5, 9), (1, 4)), 0.5, 0.1, 0.0)]


@pytest.fixture
def panel(qtbot):
    panel = NextPanel()
    qtbot.addWidget(panel)
    panel.show()
    panel.asked, panel.went = [], []
    panel.ranking_wanted.connect(lambda: panel.asked.append(True))
    panel.shown.connect(panel.went.append)
    return panel


def test_the_first_press_has_places_ranked_and_the_next_ones_go_round(panel):
    panel.next.click()
    assert (panel.asked, panel.went) == ([True], [])
    panel.offer(PLACES)
    assert panel.words.text().startswith("1 of 2: slice 2, rows 0 to 64, columns 64 to 128")
    assert "0.53" in panel.words.toolTip()
    for _ in range(2):
        panel.next.click()
    assert panel.went == [PLACES[0], PLACES[1], PLACES[0]]
    assert panel.asked == [True]


def test_an_image_that_is_corrected_has_no_next_place(panel):
    panel.offer([])
    assert panel.words.text() == "There is nothing left to look at: all of this image is corrected."
    assert panel.went == []


def test_of_another_image_nothing_is_known(panel):
    panel.offer(PLACES)
    panel.forget()
    assert not panel.words.isVisible()
    assert not panel.again.isEnabled()
    panel.next.click()
    assert panel.asked == [True]
