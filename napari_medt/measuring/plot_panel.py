"""How measures are spread, and how two of them go together: a histogram, or a point for each object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QVBoxLayout, QWidget

from napari_medt.measuring.measured_rows import numbers_of

if TYPE_CHECKING:
    from src_models.labels.measurements.table import Measurements

__all__ = ["PlotPanel"]

_COUNT = "how many objects"
_HEIGHT = 220
_BAR, _POINT, _CHOSEN = "#56b4e9", "#56b4e9", "#e69f00"
_SIZE, _CHOSEN_SIZE = 8, 13  # of points (px): a colour alone does not tell the chosen one to everybody
_MOST_BARS = 60
_LEFT_OUT = ("id", "time")


class PlotPanel(QWidget):
    """Draws measures; a click on a point chooses its row.

    Parameters
    ----------
    parent
        Parent widget.
    """

    chosen = Signal(int)  #: a person clicked on the point of this row

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.across = QComboBox()
        self.up = QComboBox()
        self._table: Measurements | None = None
        self._row: int | None = None
        self._plot: Any = None
        self.drawn: Any = None  # bars, or points
        form = QFormLayout()
        form.addRow("Across", self.across)
        form.addRow("Up", self.up)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addLayout(form)
        for combo in (self.across, self.up):
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.setMinimumContentsLength(12)
            combo.currentIndexChanged.connect(self._draw)
        self.across.setToolTip("The measure that is drawn from left to right.")
        self.up.setToolTip("How many objects have each value, or another measure: then click a point to go to it.")

    def show_table(self, table: Measurements | None) -> None:
        """Draw measurements; None for none."""
        self._table, self._row = table, None
        titles = [] if table is None else [title for title in table.columns if self._is_drawn(title)]
        for combo, entries in ((self.across, titles), (self.up, [_COUNT, *titles] if titles else [])):
            before = combo.currentText()
            with QSignalBlocker(combo):
                combo.clear()
                combo.addItems(entries)
                combo.setCurrentIndex(max(0, combo.findText(before)))
        self._draw()

    def choose(self, row: int | None) -> None:
        """Mark the point of a row, without telling."""
        self._row = row
        self._draw()

    def _is_drawn(self, title: str) -> bool:
        assert self._table is not None
        return title not in _LEFT_OUT and numbers_of(self._table.columns[title]) is not None

    def _draw(self) -> None:
        table = self._table
        if table is None or not self.across.currentText():
            if self._plot is not None:
                self._plot.clear()
            self.drawn = None
            return
        import pyqtgraph  # half a second to import

        if self._plot is None:
            self._plot = self._new_plot()
        self._plot.clear()
        across = numbers_of(table.columns[self.across.currentText()])
        assert across is not None
        self._plot.setLabel("bottom", self.across.currentText())
        self._plot.setLabel("left", self.up.currentText())
        if self.up.currentText() == _COUNT:
            self._draw_bars(pyqtgraph, across[np.isfinite(across)])
        else:
            up = numbers_of(table.columns[self.up.currentText()])
            assert up is not None
            self._draw_points(pyqtgraph, across, up)
        self._plot.autoRange()

    def _new_plot(self) -> Any:
        from napari_medt.controls.charts.themed_plot import ThemedPlot

        plot = ThemedPlot(_HEIGHT)
        self._column.addWidget(plot)
        plot.ensurePolished()  # else its colours would be those of a window without napari's style
        plot.themed.connect(self._draw)
        return plot

    def _draw_bars(self, pyqtgraph: Any, values: Any) -> None:
        if not len(values):
            self.drawn = None
            return
        bars = min(_MOST_BARS, max(1, len(np.histogram_bin_edges(values, "auto")) - 1))
        counts, edges = np.histogram(values, bars)
        self.drawn = pyqtgraph.BarGraphItem(x0=edges[:-1], x1=edges[1:], height=counts)
        self.drawn.setOpts(brush=self._plot.colour(_BAR), pen=self._plot.ground())
        self._plot.addItem(self.drawn)

    def _draw_points(self, pyqtgraph: Any, across: Any, up: Any) -> None:
        there = np.flatnonzero(np.isfinite(across) & np.isfinite(up))
        point, chosen = (pyqtgraph.mkBrush(self._plot.colour(colour)) for colour in (_POINT, _CHOSEN))
        marked = [row == self._row for row in there.tolist()]
        self.drawn = pyqtgraph.ScatterPlotItem(
            x=across[there],
            y=up[there],
            data=there.tolist(),
            brush=[chosen if is_marked else point for is_marked in marked],
            size=[_CHOSEN_SIZE if is_marked else _SIZE for is_marked in marked],
            pen=None,
            hoverable=True,
        )
        self.drawn.sigClicked.connect(self._on_clicked)
        self._plot.addItem(self.drawn)

    def _on_clicked(self, _item: Any, points: Any, *_: Any) -> None:
        if len(points):
            self.chosen.emit(int(points[0].data()))
