"""Measurements as rows of a table in the window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QModelIndex, Qt
from qtpy.QtWidgets import QWidget

from napari_medt.controls.objects.objects_table import ObjectRows, ObjectsView

if TYPE_CHECKING:
    from src_models.labels.measurements.table import Measurements

__all__ = ["MeasuredTable", "numbers_of"]


def numbers_of(column: list[Any]) -> NDArray[np.float64] | None:
    """Return a column as numbers, NaN where there is none; None for one of words."""
    if any(isinstance(value, str) for value in column):
        return None
    return np.array([np.nan if value is None else value for value in column], np.float64)


class MeasuredTable(ObjectsView):
    """A row for each object, a column for each measure; a row is called by its place in the measurements.

    Parameters
    ----------
    parent
        Parent widget.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._measured = _Rows(self)
        self.show_rows(self._measured)

    def set_table(self, table: Measurements | None) -> None:
        """Show measurements; None for none."""
        self._measured.set_table(table)
        if table is not None:
            self.resizeColumnsToContents()


class _Rows(ObjectRows):
    """The rows of measurements."""

    _table: Measurements | None = None
    _titles: tuple[str, ...] = ()

    def set_table(self, table: Measurements | None) -> None:
        self._table = table
        self._titles = () if table is None else tuple(table.columns)
        self._by = (0, Qt.SortOrder.AscendingOrder)
        self.arrange()

    def keys(self) -> NDArray[np.int64]:
        return np.arange(0 if self._table is None else len(self._table))

    def rising(self, column: int) -> NDArray[np.int64]:
        values = self._column(column)
        numbers = numbers_of(values)
        key = np.array([str(value or "") for value in values]) if numbers is None else numbers
        return np.argsort(key, kind="stable")

    def title(self, column: int) -> str:
        return self._titles[column]

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        return len(self._titles)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if self._table is None or not index.isValid():
            return None
        value = self._column(index.column())[self.object_in(index.row())]
        if role == Qt.ItemDataRole.DisplayRole:
            return "" if value is None else f"{value:.5g}" if isinstance(value, float) else str(value)
        if role == Qt.ItemDataRole.TextAlignmentRole and not isinstance(value, str):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def _column(self, column: int) -> list[Any]:
        assert self._table is not None
        return self._table.columns[self._titles[column]] if self._titles else []
