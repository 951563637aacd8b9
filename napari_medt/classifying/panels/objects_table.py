"""The table of objects with their classes: the least sure first, a click goes to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QModelIndex, QSignalBlocker, Qt
from qtpy.QtWidgets import QHeaderView, QWidget

from napari_medt.classifying.colours import class_colour
from napari_medt.classifying.panels.swatch import swatch
from napari_medt.controls.objects.objects_table import ObjectRows, ObjectsView

if TYPE_CHECKING:
    from src_models.classifying.layer.object_classes import ObjectClasses

__all__ = ["ObjectsTable"]

_OBJECT, _CLASS, _SURE = range(3)
_TITLES = ("Object", "Class", "Probability")


class ObjectsTable(ObjectsView):
    """Rows that can be sorted by each column; one can be chosen.

    Parameters
    ----------
    parent
        Parent widget.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._classes = _Rows(self, _SURE)
        self.show_rows(self._classes, _SURE)
        header = self.horizontalHeader()
        header.setSectionResizeMode(_OBJECT, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(_CLASS, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(_SURE, QHeaderView.ResizeMode.ResizeToContents)

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
            self._classes.set_table(table, what)
            if own is not None and table is not None and own in table:
                self.choose(own)

    def refresh(self) -> None:
        """Show what a person said meanwhile; rows stay where they are, so that none runs away under the pointer."""
        self._classes.refresh()


class _Rows(ObjectRows):
    """The objects, called by their numbers."""

    _table: ObjectClasses | None = None
    _what = _TITLES[_OBJECT]

    def set_table(self, table: ObjectClasses | None, what: str) -> None:
        self._table, self._what = table, what
        self.arrange()

    def refresh(self) -> None:
        if self._table is not None and self.rowCount():
            self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, _SURE))

    def keys(self) -> NDArray[np.int64]:
        return np.zeros(0, np.int64) if self._table is None else self._table.ids

    def rising(self, column: int) -> NDArray[np.int64]:
        table = self._table
        assert table is not None
        by_sureness = np.array([table.row(own) for own in table.least_sure_first().tolist()], np.int64)
        key = (table.ids, table.class_numbers())[column] if column != _SURE else None
        return by_sureness if key is None else by_sureness[np.argsort(key[by_sureness], kind="stable")]

    def title(self, column: int) -> str:
        return self._what if column == _OBJECT else _TITLES[column]

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        return len(_TITLES)

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
