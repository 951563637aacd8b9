"""A list in columns that is as high as its rows, within limits, so that a column of controls stays short."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

__all__ = ["ShortList"]

_LEAST_ROWS, _MOST_ROWS = 3, 7


class ShortList(QTreeWidget):
    """A flat list; of more rows than fit, it scrolls.

    Parameters
    ----------
    columns
        Their titles.
    widest
        The column that takes the room that is left.
    parent
        Parent widget.
    """

    def __init__(self, columns: Sequence[str], widest: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setHeaderLabels(list(columns))
        self.setRootIsDecorated(False)
        self.setEditTriggers(QTreeWidget.EditTrigger.NoEditTriggers)
        modes = QHeaderView.ResizeMode
        for column in range(len(columns)):
            mode = modes.Stretch if column == widest else modes.ResizeToContents
            self.header().setSectionResizeMode(column, mode)
        self.header().setStretchLastSection(False)

    def set_rows(self, rows: Sequence[QTreeWidgetItem], current: int) -> None:
        """Show rows in place of those that are there, and choose one, without telling."""
        with QSignalBlocker(self):
            self.clear()
            self.addTopLevelItems(list(rows))
            if rows:
                self.setCurrentItem(rows[current])
        height = self.sizeHintForRow(0) * min(max(len(rows), _LEAST_ROWS), _MOST_ROWS)
        self.setFixedHeight(height + self.header().sizeHint().height() + 2 * self.frameWidth())

    def row(self) -> int:
        """Return the number of the chosen row; -1 where there is none."""
        item = self.currentItem()
        return -1 if item is None else self.indexOfTopLevelItem(item)
