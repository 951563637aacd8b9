"""Every chart of the plugin in napari's two themes, in a real window: what is drawn has contrast, and follows."""

from __future__ import annotations

import re

import numpy as np
import pytest
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QApplication

from napari_medt.attention.panels.gates_chart import GatesChart
from napari_medt.controls.charts.contrast import GRAPHICS, TEXT, contrast
from napari_medt.correcting.panels.loss_plot import LossPlot
from napari_medt.measuring.plot_panel import PlotPanel
from src_models.attention.gates import GateValues
from src_models.labels.measurements.table import Measurements

GROUNDS = {"dark": "#23242b", "light": "#ebe7e6"}


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer()


def gates_chart():
    chart = GatesChart()
    chart.set_gates([GateValues("global 1.1 height", 0.1, 0.2, 0.3, 0.4)])
    return chart, [chart.plot()], [chart.note]


def loss_plot():
    plot = LossPlot()
    plot.clear()
    return plot, [curve.getViewWidget() for curve in plot._curves.values()], [plot._error_words, plot._dice_words]


def plot_panel(up):
    panel = PlotPanel()
    columns = {"id": [1, 2, 3], "area": [1.0, 2.0, 4.0], "mean": [10.0, 20.0, 30.0]}
    panel.show_table(Measurements(columns, np.zeros((3, 2))))
    panel.up.setCurrentIndex(up)
    panel.choose(1)
    return panel, [panel._plot], []


def drawn_colours(plot):
    """Return the colours of all that a plot shows: lines, points, bars, axes, their numbers and words."""
    from pyqtgraph import BarGraphItem, InfiniteLine, PlotDataItem, ScatterPlotItem, mkBrush, mkPen

    colours = [plot.getAxis(place).pen().color() for place in ("left", "bottom")]
    colours += [plot.getAxis(place).textPen().color() for place in ("left", "bottom")]
    for item in plot.getPlotItem().items:
        if isinstance(item, PlotDataItem):
            colours.append(mkPen(item.opts["pen"]).color())
            if item.opts["symbol"]:
                colours.append(mkBrush(item.opts["symbolBrush"]).color())
        elif isinstance(item, ScatterPlotItem):
            colours += [point.brush().color() for point in item.points()]
        elif isinstance(item, BarGraphItem):
            colours.append(mkBrush(item.opts["brush"]).color())
        elif isinstance(item, InfiniteLine):
            colours += [item.pen.color(), QColor(item.label.color)]
    return [colour.name() for colour in colours]


def settled(viewer, theme):
    viewer.theme = theme
    for _ in range(5):
        QApplication.processEvents()


@pytest.mark.parametrize(
    ("make", "least_drawn"),
    [(gates_chart, 12), (loss_plot, 5), (lambda: plot_panel(0), 5), (lambda: plot_panel(2), 7)],
    ids=["gates", "learning", "histogram", "points"],
)
def test_a_chart_can_be_read_in_both_themes_also_after_a_switch(viewer, make, least_drawn):
    widget, plots, words = make()
    viewer.window.add_dock_widget(widget)
    shown = {}
    for theme in ("light", "dark", "light"):
        settled(viewer, theme)
        ground = widget.palette().window().color().name()
        assert ground == GROUNDS[theme]
        assert {plot.grab().toImage().pixelColor(1, 1).name() for plot in plots} == {ground}
        colours = [colour for plot in plots for colour in drawn_colours(plot)]
        assert len(colours) >= least_drawn
        assert {colour for colour in colours if contrast(colour, ground) < GRAPHICS} == set()
        written = [colour for label in words for colour in re.findall(r"color:(#\w{6})", label.text())]
        assert {colour for colour in written if contrast(colour, ground) < TEXT} == set()
        assert set(written) <= set(colours), "words name a curve by its colour"
        assert shown.setdefault(theme, colours) == colours
    assert shown["light"] != shown["dark"]
