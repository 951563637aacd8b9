"""The images of a folder in a table, each with how far it is and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

if TYPE_CHECKING:
    from src_models.prediction.batches.folder_run import ImageRow

__all__ = ["ImagesTable"]

_TITLES = ("Image", "State", "What was found")
_LEAST_ROWS = 6  # that are seen
_WIDEST = "working, 100%"  # of states


class _Rows(QAbstractTableModel):
    """The rows; only those that change are drawn anew."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows: list[ImageRow] = []

    def set_rows(self, rows: Sequence[ImageRow]) -> None:
        """Show other images."""
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()

    def set_row(self, number: int, row: ImageRow) -> None:
        """Show what has become of an image."""
        self.rows[number] = row
        self.dataChanged.emit(self.index(number, 0), self.index(number, len(_TITLES) - 1))

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return how many images there are."""
        return len(self.rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return how many columns there are."""
        return len(_TITLES)

    def headerData(self, section: int, orientation: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the title of a column."""
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return _TITLES[section]
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell says, and the whole of it as its tooltip."""
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return (row.image.name, row.words, row.said)[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return (row.image.title, row.words, row.said)[index.column()]
        return None


class ImagesTable(QTableView):
    """Shows rows, and tells of a double click on one.

    Parameters
    ----------
    parent
        Parent widget.
    """

    chosen = Signal(int)  #: a person wants to see the image of this row
    pointed = Signal(int)  #: a person selected this row

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = _Rows(self)
        self.setModel(self._rows)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().lineSpacing() + 6)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        width = self.fontMetrics().averageCharWidth()
        self.setColumnWidth(0, 16 * width)
        self.setColumnWidth(1, self.fontMetrics().horizontalAdvance(_WIDEST) + 2 * width)
        self.setMinimumHeight(_LEAST_ROWS * self.verticalHeader().defaultSectionSize() + header.sizeHint().height())
        self.setAccessibleName("Images")
        self.setToolTip("Each image, and what has become of it. Double-click a row, or press Enter, to see the image.")
        self.doubleClicked.connect(self._on_double_clicked)
        self.selectionModel().currentRowChanged.connect(self._on_current)

    def rows(self) -> list[ImageRow]:
        """Return what is shown."""
        return list(self._rows.rows)

    def set_rows(self, rows: Sequence[ImageRow]) -> None:
        """Show other images."""
        self._rows.set_rows(rows)

    def set_row(self, number: int, row: ImageRow) -> None:
        """Show what has become of an image; one that is begun is brought into sight."""
        begun = row.state == "working" and self._rows.rows[number].state != "working"
        self._rows.set_row(number, row)
        if begun:
            self.scrollTo(self._rows.index(number, 0))

    def keyPressEvent(self, event: Any) -> None:
        """Have Enter do what a double click does."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.chosen.emit(self.currentIndex().row())
            return
        super().keyPressEvent(event)

    def _on_double_clicked(self, index: QModelIndex) -> None:
        self.chosen.emit(index.row())

    def _on_current(self, index: QModelIndex) -> None:
        self.pointed.emit(index.row())
