"""Histogram and points of measures."""

import numpy as np
import pytest

from napari_medt.measuring.plot_panel import PlotPanel
from src_models.labels.measurements.table import Measurements

AREAS = [1.0, 2.0, 2.5, 9.0, None]


@pytest.fixture
def panel(qtbot):
    widget = PlotPanel()
    qtbot.addWidget(widget)
    columns = {"id": [3, 4, 5, 6, 7], "name": ["a"] * 5, "area": AREAS, "mean": [10, 20, 30, 40, 50]}
    widget.show_table(Measurements(columns, np.zeros((5, 2))))
    widget.show()
    return widget


def test_only_measures_are_drawn(panel):
    assert [panel.across.itemText(at) for at in range(panel.across.count())] == ["area", "mean"]


def test_bars_count_each_object_that_has_the_measure_once(panel):
    assert panel.up.currentIndex() == 0
    assert np.sum(panel.drawn.opts["height"]) == 4


def test_a_point_lies_at_its_measures_and_a_click_tells_its_row(panel):
    panel.up.setCurrentText("mean")
    assert [(point.pos().x(), point.pos().y()) for point in panel.drawn.points()] == [
        (1, 10), (2, 20), (2.5, 30), (9, 40)
    ]  # fmt: skip
    told = []
    panel.chosen.connect(told.append)
    panel.drawn.sigClicked.emit(panel.drawn, panel.drawn.points()[[3]], None)
    assert told == [3]
    panel.choose(3)
    colours = [point.brush().color().name() for point in panel.drawn.points()]
    assert colours[3] not in colours[:3]


def test_without_a_table_nothing_is_drawn(panel):
    panel.show_table(None)
    assert panel.drawn is None
    assert panel.across.count() == 0
