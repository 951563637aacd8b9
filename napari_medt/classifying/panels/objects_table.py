"""The table of objects with their classes: thousands of rows, the least sure first, a click goes to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from napari_medt.classifying.colours import class_colour
from napari_medt.classifying.panels.swatch import swatch

if TYPE_CHECKING:
    from src_models.classifying.layer.object_classes import ObjectClasses

__all__ = ["ObjectsTable"]

_OBJECT, _CLASS, _SURE = range(3)
_TITLES = ("Object", "Class", "Probability")
_ROWS = 8  # that are seen at a time


class ObjectsTable(QTableView):
    """Rows that can be sorted by each column; one can be chosen.

    Parameters
    ----------
    parent
        Parent widget.
    """

    chosen = Signal(int)  #: a person chose this object

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = _Rows(self)
        self.setModel(self._rows)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSortingEnabled(True)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setSortIndicator(_SURE, Qt.SortOrder.AscendingOrder)
        header.setSectionResizeMode(_OBJECT, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(_CLASS, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(_SURE, QHeaderView.ResizeMode.ResizeToContents)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().lineSpacing() + 6)
        self.setFixedHeight(
            _ROWS * self.verticalHeader().defaultSectionSize() + header.sizeHint().height() + 2 * self.frameWidth()
        )
        self.selectionModel().selectionChanged.connect(self._on_selected)

    def set_table(self, table: ObjectClasses | None, what: str = "Object") -> None:
        """Show a table; None for none.

        Parameters
        ----------
        table
            The objects.
        what
            What each is: the title of the first column.
        """
        own = self.current()
        with QSignalBlocker(self):
            self._rows.set_table(table, what)
            if own is not None and table is not None and own in table:
                self.choose(own)

    def refresh(self) -> None:
        """Show what a person said meanwhile; rows stay where they are, so that none runs away under the pointer."""
        self._rows.refresh()

    def current(self) -> int | None:
        """Return the chosen object; None where there is none."""
        rows = self.selectionModel().selectedRows()
        return self._rows.object_in(rows[0].row()) if rows else None

    def choose(self, own: int | None) -> None:
        """Choose an object, without telling; None for none."""
        row = None if own is None else self._rows.row_of(own)
        with QSignalBlocker(self):
            if row is None:
                self.clearSelection()
            else:
                self.selectRow(row)
                self.scrollTo(self._rows.index(row, 0))

    def next_of(self, own: int | None) -> int | None:
        """Return the object in the row below another one's; the first one's where there is none, None at the end."""
        row = None if own is None else self._rows.row_of(own)
        below = 0 if row is None else row + 1
        return self._rows.object_in(below) if below < self._rows.rowCount() else None

    def _on_selected(self, *_: Any) -> None:
        own = self.current()
        if own is not None and not self.signalsBlocked():
            self.chosen.emit(own)


class _Rows(QAbstractTableModel):
    """The rows, in the order in which they are shown."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._table: ObjectClasses | None = None
        self._what = _TITLES[_OBJECT]
        self._order = np.zeros(0, np.int64)  # rows of the table, as they are shown
        self._shown_at: dict[int, int] = {}
        self._by = (_SURE, Qt.SortOrder.AscendingOrder)

    def set_table(self, table: ObjectClasses | None, what: str) -> None:
        self._table, self._what = table, what
        self._arrange()

    def refresh(self) -> None:
        if self._table is not None and self.rowCount():
            self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, _SURE))

    def object_in(self, row: int) -> int:
        assert self._table is not None
        return int(self._table.ids[self._order[row]])

    def row_of(self, own: int) -> int | None:
        return self._shown_at.get(own)

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return len(self._order)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        return len(_TITLES)

    def headerData(self, section: int, orientation: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role != Qt.ItemDataRole.DisplayRole or orientation != Qt.Orientation.Horizontal:
            return None
        return self._what if section == _OBJECT else _TITLES[section]

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if self._table is None or not index.isValid():
            return None
        own, column = self.object_in(index.row()), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(own, column)
        if role == Qt.ItemDataRole.DecorationRole and column == _CLASS:
            return swatch(class_colour(self._table.classes.index(self._table.class_of(own))))
        if role == Qt.ItemDataRole.TextAlignmentRole and column != _CLASS:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._words(own)
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._by = (column, order)
        self._arrange()

    def _arrange(self) -> None:
        self.layoutAboutToBeChanged.emit()
        self.beginResetModel()
        column, order = self._by
        table = self._table
        if table is None:
            self._order = np.zeros(0, np.int64)
        else:
            by_sureness = np.array([table.row(own) for own in table.least_sure_first().tolist()], np.int64)
            key = (table.ids, table.class_numbers())[column] if column != _SURE else None
            self._order = by_sureness if key is None else by_sureness[np.argsort(key[by_sureness], kind="stable")]
            if order == Qt.SortOrder.DescendingOrder:
                self._order = self._order[::-1]
        objects = [] if table is None else table.ids[self._order].tolist()
        self._shown_at = {own: row for row, own in enumerate(objects)}
        self.endResetModel()
        self.layoutChanged.emit()

    def _text(self, own: int, column: int) -> str:
        assert self._table is not None
        if column == _OBJECT:
            return str(own)
        if column == _CLASS:
            return f"{self._table.class_of(own)} ✓" if own in self._table.given else self._table.class_of(own)
        probability = self._table.probability_of(own)
        return "new class" if np.isnan(probability) else f"{probability:.0%}"

    def _words(self, own: int) -> str:
        assert self._table is not None
        found = self._table.found(own)
        if own in self._table.given:
            return f"You said: {self._table.class_of(own)}. The model had found: {found}."
        return f"The model found: {found}. Click to go there."
