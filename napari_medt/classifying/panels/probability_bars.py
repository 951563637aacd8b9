"""What a model gives each class of one object, as bars; the likeliest classes come first."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent
from qtpy.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from napari_medt.controls.charts.contrast import FRAME

__all__ = ["ProbabilityBars"]

_MOST = 6  # classes that have a bar of their own
_LEAST = 0.0005  # less is not worth a bar
_GREY = "#8a8a8a"


class ProbabilityBars(QWidget):
    """Names, bars and percentages.

    Parameters
    ----------
    parent
        Parent widget.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(1, 1)
        self._rows: list[tuple[QLabel, _Bar, QLabel]] = []
        self.setToolTip("What the model gives each class; all together they are 100 %.")
        self.hide()

    def show_probabilities(
        self, classes: Sequence[str], probabilities: Sequence[float], colours: Sequence[str]
    ) -> None:
        """Show bars; nothing where there are no classes.

        Parameters
        ----------
        classes, probabilities, colours
            One for each class.
        """
        order = sorted(range(len(classes)), key=lambda place: -probabilities[place])
        shown = [place for at, place in enumerate(order) if at == 0 or probabilities[place] >= _LEAST][:_MOST]
        rest = sum(probabilities[place] for place in order if place not in shown)
        lines = [(classes[place], probabilities[place], colours[place]) for place in shown]
        if len(order) > len(shown) and rest >= _LEAST:
            lines.append((f"{len(order) - len(shown)} other classes", rest, _GREY))
        while len(self._rows) < len(lines):
            self._rows.append(self._new_row())
        for at, row in enumerate(self._rows):
            for widget in row:
                widget.setVisible(at < len(lines))
            if at < len(lines):
                (name, share, colour), (label, bar, percent) = lines[at], row
                label.setText(name)
                bar.show_share(share, colour)
                percent.setText(f"{share:.0%}")
        self.setVisible(bool(lines))

    def texts(self) -> list[tuple[str, str]]:
        """Return what is shown: names and percentages."""
        return [(name.text(), percent.text()) for name, bar, percent in self._rows if not bar.isHidden()]

    def _new_row(self) -> tuple[QLabel, _Bar, QLabel]:
        row = QLabel(), _Bar(), QLabel()
        row[0].setTextFormat(Qt.TextFormat.PlainText)
        row[2].setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for column, widget in enumerate(row):
            self._grid.addWidget(widget, len(self._rows), column)
        return row


class _Bar(QWidget):
    """A share of its width, in a colour."""

    _share = 0.0
    _colour = _GREY

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(max(8, self.fontMetrics().height() * 2 // 3))
        self.setMinimumWidth(60)

    def show_share(self, share: float, colour: str) -> None:
        """Show a share from 0 to 1."""
        self._share, self._colour = share, colour
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the bar."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(128, 128, 128, 50))
        filled = self.rect()
        filled.setWidth(round(filled.width() * self._share))
        painter.fillRect(filled, QColor(self._colour))
        if filled.width() > 0:  # a pale bar ends where its frame does
            painter.setPen(QColor(FRAME))
            painter.drawRect(filled.adjusted(0, 0, -1, -1))
        painter.end()
