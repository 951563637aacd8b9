"""Curves of a round of learning: the error on what is learnt and on what is held out, and the agreement."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from src_models.finetuning.progress import LearningUpdate

__all__ = ["LossPlot"]

_TRAINING, _VALIDATION, _DICE = "#ffb74d", "#4fc3f7", "#81c784"
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
        self._error_words = QLabel(
            f'Error: <b style="color:{_TRAINING}">learnt from</b>, '
            f'<b style="color:{_VALIDATION}">held out</b> (down is good)'
        )
        self._dice_words = QLabel(f'<b style="color:{_DICE}">Agreement with you</b> (Dice; 1 is perfect)')
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

        error, dice = (_plot(pyqtgraph) for _ in range(2))
        dice.setYRange(0, 1)
        self._curves = {
            "training": error.plot(pen=pyqtgraph.mkPen(_TRAINING, width=1)),
            "validation": error.plot(pen=pyqtgraph.mkPen(_VALIDATION, width=2), symbol="o", symbolSize=5),
            "dice": dice.plot(pen=pyqtgraph.mkPen(_DICE, width=2), symbol="o", symbolSize=5),
        }
        for name, colour in (("validation", _VALIDATION), ("dice", _DICE)):
            self._curves[name].setSymbolBrush(colour)
            self._curves[name].setSymbolPen(None)
        dashed = pyqtgraph.mkPen("#aaaaaa", style=Qt.PenStyle.DashLine)
        self._start = pyqtgraph.InfiniteLine(angle=0, pen=dashed, label="before", labelOpts={"position": 0.9})
        dice.addItem(self._start)
        for widget in (self._error_words, error, self._dice_words, dice):
            self.layout().addWidget(widget)
            widget.ensurePolished()  # with napari's style, words are higher
        self.setFixedHeight(self.layout().sizeHint().height())


def _plot(pyqtgraph: Any) -> Any:
    plot = pyqtgraph.PlotWidget(background=None)
    plot.setFixedHeight(_HEIGHT)
    plot.showGrid(y=True, alpha=0.3)
    plot.setMenuEnabled(False)
    plot.setMouseEnabled(x=False, y=False)
    plot.hideButtons()
    plot.getAxis("left").setWidth(34)
    return plot
