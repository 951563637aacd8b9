"""The list of maps: a row each, ticked where it is shown, with what it means of this image."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QIcon

from napari_medt.attention.panels.map_panel import MapPanel
from napari_medt.attention.panels.thumbnails import thumbnail
from src_models.attention.placed_map import PlacedMap
from src_models.attention.words import map_words


def placed(name, data=None, step=2.0):
    data = np.random.default_rng(1).random((8, 8), np.float32) if data is None else data
    return PlacedMap(name, "attention gate", "", 2, data, (step, step), (0.5, 0.5))


MAPS = [placed("gate 1"), placed("gate 2", step=4.0)]


@pytest.fixture
def panel(qtbot):
    panel = MapPanel()
    qtbot.addWidget(panel)
    panel.show()
    panel.told = []
    panel.ticked.connect(lambda *what: panel.told.append(what))
    return panel


def test_without_maps_there_is_nothing_to_lay_out(panel):
    assert not any(button.isEnabled() for button in (panel.overlay, panel.grid, panel.animate))
    assert (panel.names(), panel.meaning.text()) == ([], "")


def test_maps_that_are_shown_are_ticked_without_telling(panel):
    panel.set_maps(MAPS, {"gate 2"})
    assert panel.names() == ["gate 2"]
    assert panel.told == []
    assert panel.list.item(0).text() == f"{map_words('gate 1').name}\ncells of 2 px"
    assert all(button.isEnabled() for button in (panel.overlay, panel.grid, panel.animate))


def test_a_tick_of_a_person_is_told_and_explains_that_map_and_one_that_came_from_elsewhere_is_not(panel):
    panel.set_maps(MAPS, ())
    panel.list.item(1).setCheckState(Qt.CheckState.Checked)
    assert panel.told == [("gate 2", True)]
    assert panel.list.currentRow() == 1
    assert panel.meaning.text() == map_words("gate 2").meaning
    panel.tick("gate 1", True)
    panel.tick("gone", True)
    assert (panel.names(), panel.told) == (["gate 1", "gate 2"], [("gate 2", True)])


def test_what_a_map_says_of_the_objects_is_added_to_what_it_means(panel):
    labels = np.zeros((16, 16), int)
    labels[:8] = 1
    data = np.where(np.arange(8)[:, None] < 4, 0.9, 0.1) * np.ones((8, 8))
    panel.set_maps([placed("gate 2", data.astype(np.float32))], (), labels)
    meaning = map_words("gate 2").meaning
    assert panel.meaning.text().startswith(meaning)
    assert "0.9" in panel.meaning.text()[len(meaning) :]
    panel.set_maps([placed("gate 2", data.astype(np.float32))], ())
    assert panel.meaning.text() == meaning


@pytest.mark.parametrize("mode", [QIcon.Mode.Normal, QIcon.Mode.Selected])
def test_a_small_picture_has_a_pixel_for_each_of_a_fine_screen_s(panel, mode):
    """A map of 112 cells a side: every second one on a screen of old, each of them on one that is twice as fine."""
    cells = np.random.default_rng(2).random((112, 112), np.float32)
    panel.set_maps([placed("gate 2", cells)], ())
    icon = panel.list.item(0).icon()
    for ratio, side in ((1.0, 56), (2.0, 112)):
        drawn = icon.pixmap(QSize(56, 56), ratio, mode)
        assert (drawn.width(), drawn.height(), drawn.devicePixelRatio()) == (side, side, ratio)
        colours = {drawn.toImage().pixelColor(x, y).name() for x in range(side) for y in range(side)}
        wanted = thumbnail(placed("gate 2", cells), 56 * int(ratio))
        assert colours == {f"#{bytes(pixel[:3]).hex()}" for row in wanted.tolist() for pixel in row}
