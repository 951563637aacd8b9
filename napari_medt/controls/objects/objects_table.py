"""A table of objects: thousands of rows, sorted by any column, a click goes to one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QTableView, QWidget

__all__ = ["ObjectRows", "ObjectsView"]

_ROWS = 8  # that are seen at a time


class ObjectRows(QAbstractTableModel):
    """Rows in the order in which they are shown; what is in them is said by who derives from it.

    Parameters
    ----------
    parent
        The table.
    column
        The column that they are sorted by at first, rising.
    """

    def __init__(self, parent: QWidget, column: int = 0) -> None:
        super().__init__(parent)
        self._order = np.zeros(0, np.int64)  # rows of the objects' own table, as they are shown
        self._shown_at: dict[int, int] = {}
        self._by = (column, Qt.SortOrder.AscendingOrder)

    def keys(self) -> NDArray[np.int64]:
        """Return what each row of the objects' own table is called by: the object's number, or the row's."""
        raise NotImplementedError

    def rising(self, column: int) -> NDArray[np.int64]:
        """Return the rows of the objects' own table, sorted by a column."""
        raise NotImplementedError

    def title(self, column: int) -> str:
        """Return the title of a column."""
        raise NotImplementedError

    def object_in(self, row: int) -> int:
        """Return the key of the row that is shown there."""
        return int(self.keys()[self._order[row]])

    def row_of(self, key: int) -> int | None:
        """Return where a row is shown; None for one that there is not."""
        return self._shown_at.get(key)

    def arrange(self) -> None:
        """Sort what is shown anew: it changed."""
        self.layoutAboutToBeChanged.emit()
        self.beginResetModel()
        column, order = self._by
        keys = self.keys()
        self._order = self.rising(column) if len(keys) else np.zeros(0, np.int64)
        if order == Qt.SortOrder.DescendingOrder:
            self._order = self._order[::-1]
        self._shown_at = {key: row for row, key in enumerate(keys[self._order].tolist())}
        self.endResetModel()
        self.layoutChanged.emit()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return how many rows there are."""
        return len(self._order)

    def headerData(self, section: int, orientation: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the title of a column."""
        if role != Qt.ItemDataRole.DisplayRole or orientation != Qt.Orientation.Horizontal:
            return None
        return self.title(section)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column."""
        self._by = (column, order)
        self.arrange()


class ObjectsView(QTableView):
    """Rows of which one can be chosen.

    Parameters
    ----------
    parent
        Parent widget.
    """

    chosen = Signal(int)  #: a person chose the row of this key

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: ObjectRows | None = None
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.verticalHeader().hide()

    def show_rows(self, rows: ObjectRows, column: int = 0) -> None:
        """Show rows, sorted by a column that rises; called once."""
        self._rows = rows
        self.setModel(rows)
        self.setSortingEnabled(True)
        header = self.horizontalHeader()
        header.setSortIndicator(column, Qt.SortOrder.AscendingOrder)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().lineSpacing() + 6)
        self.setFixedHeight(
            _ROWS * self.verticalHeader().defaultSectionSize() + header.sizeHint().height() + 2 * self.frameWidth()
        )
        self.selectionModel().selectionChanged.connect(self._on_selected)

    def current(self) -> int | None:
        """Return the key of the chosen row; None where there is none."""
        rows = self.selectionModel().selectedRows()
        return self._shown.object_in(rows[0].row()) if rows else None

    def choose(self, key: int | None) -> None:
        """Choose a row, without telling; None for none."""
        row = None if key is None else self._shown.row_of(key)
        with QSignalBlocker(self):
            if row is None:
                self.clearSelection()
            else:
                self.selectRow(row)
                self.scrollTo(self._shown.index(row, 0))

    def next_of(self, key: int | None) -> int | None:
        """Return the key of the row below another one; of the first where there is none, None at the end."""
        row = None if key is None else self._shown.row_of(key)
        below = 0 if row is None else row + 1
        return self._shown.object_in(below) if below < self._shown.rowCount() else None

    @property
    def _shown(self) -> ObjectRows:
        assert self._rows is not None
        return self._rows

    def _on_selected(self, *_: Any) -> None:
        key = self.current()
        if key is not None and not self.signalsBlocked():
            self.chosen.emit(key)
