"""Curves of a round of learning: the error on what is learnt and on what is held out, and the agreement."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from src_models.finetuning.progress import LearningUpdate

__all__ = ["LossPlot"]

_TRAINING, _VALIDATION, _DICE, _START = "#ffb74d", "#4fc3f7", "#81c784", "#aaaaaa"
_HEIGHT = 105


class LossPlot(QWidget):
    """Two charts over the steps of a round; they are made when the first round begins.

    Parameters
    ----------
    parent
        Parent widget.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.steps: dict[str, list[float]] = {"training": [], "validation": []}
        self.values: dict[str, list[float]] = {"training": [], "validation": [], "dice": []}
        self._curves: dict[str, Any] = {}
        self._start: Any = None
        self._dice: Any = None
        self._error_words = QLabel()
        self._dice_words = QLabel()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 10)
        column.setSpacing(2)
        self.setToolTip(
            "A part of your corrections is held out: the network does not learn from it, and is judged by it. Where "
            "the error on what it learns falls and that on what is held out rises, it learns by heart; the best "
            "network so far is kept in any case."
        )
        self.hide()

    def clear(self) -> None:
        """Begin a new round."""
        self._make()
        for values in (*self.steps.values(), *self.values.values()):
            values.clear()
        self._draw()
        self.show()

    def add(self, update: LearningUpdate) -> None:
        """Add what there is to tell after a step."""
        if math.isfinite(update.loss):
            self.steps["training"].append(update.step)
            self.values["training"].append(update.loss)
        if update.validation is not None:
            self.steps["validation"].append(update.step)
            self.values["validation"].append(update.validation.loss)
            self.values["dice"].append(update.validation.dice)
        self._start.setValue(update.start_dice)
        self._draw()

    def _draw(self) -> None:
        for name, curve in self._curves.items():
            curve.setData(self.steps["training" if name == "training" else "validation"], self.values[name])

    def _make(self) -> None:
        if self._curves:
            return
        import pyqtgraph  # half a second to import

        from napari_medt.controls.charts.themed_plot import ThemedPlot

        error, dice = (_plain(ThemedPlot(_HEIGHT)) for _ in range(2))
        dice.setYRange(0, 1)
        self._curves = {
            "training": error.plot(),
            "validation": error.plot(symbol="o", symbolSize=5, symbolPen=None),
            "dice": dice.plot(symbol="o", symbolSize=5, symbolPen=None),
        }
        self._start = pyqtgraph.InfiniteLine(angle=0, label="before", labelOpts={"position": 0.9})
        dice.addItem(self._start)
        self._dice = dice
        self._recolour()
        dice.themed.connect(self._recolour)
        for widget in (self._error_words, error, self._dice_words, dice):
            self.layout().addWidget(widget)
            widget.ensurePolished()  # with napari's style, words are higher
        self.setFixedHeight(self.layout().sizeHint().height())

    def _recolour(self) -> None:
        """Draw curves, and the words that name them, in shades that can be read in the window's theme."""
        import pyqtgraph

        training, validation, agreement, start = map(self._dice.colour, (_TRAINING, _VALIDATION, _DICE, _START))
        self._curves["training"].setPen(pyqtgraph.mkPen(training, width=1))
        for name, colour in (("validation", validation), ("dice", agreement)):
            self._curves[name].setPen(pyqtgraph.mkPen(colour, width=2))
            self._curves[name].setSymbolBrush(colour)
        self._start.setPen(pyqtgraph.mkPen(start, style=Qt.PenStyle.DashLine))
        self._start.label.setColor(start)
        self._error_words.setText(
            f'Error: <b style="color:{training}">learnt from</b>, '
            f'<b style="color:{validation}">held out</b> (down is good)'
        )
        self._dice_words.setText(f'<b style="color:{agreement}">Agreement with you</b> (Dice; 1 is perfect)')


def _plain(plot: Any) -> Any:
    plot.showGrid(y=True, alpha=0.3)
    plot.setMenuEnabled(False)
    plot.setMouseEnabled(x=False, y=False)
    plot.hideButtons()
    plot.getAxis("left").setWidth(34)
    return plot
