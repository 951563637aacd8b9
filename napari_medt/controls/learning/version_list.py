"""The list of what was learnt: a row a version, whose note a person can edit."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QTreeWidgetItem, QWidget

from napari_medt.controls.short_list import ShortList

__all__ = ["NAME", "NOTE", "VersionList", "name_of", "version_row"]

NAME, GAIN, NOTE = range(3)


class VersionList(ShortList):
    """Versions, oldest first below the model that they began with.

    Parameters
    ----------
    gain
        Title of the column that tells what each version gained.
    parent
        Parent widget.
    """

    noted = Signal(str, str)  #: a version's name, and a person's words on it

    def __init__(self, gain: str, parent: QWidget | None = None) -> None:
        super().__init__(("Version", gain, "Note"), NOTE, parent)
        self.setAccessibleName("Versions")
        self.itemChanged.connect(self._on_edited)
        self.itemDoubleClicked.connect(self._on_double_click)

    def set_versions(self, rows: Sequence[QTreeWidgetItem], chosen: str | None) -> None:
        """Show rows of :func:`version_row`, the first model's first, and choose one by its version's name."""
        names = [name_of(row) for row in rows]
        self.set_rows(rows, names.index(chosen) if chosen in names else 0)

    def chosen_name(self) -> str | None:
        """Return the name of the chosen version; None for the model that everything began with."""
        item = self.currentItem()
        return None if item is None else name_of(item)

    def _on_edited(self, item: QTreeWidgetItem, column: int) -> None:
        name = name_of(item)
        if column == NOTE and name is not None:
            self.noted.emit(name, item.text(NOTE))

    def _on_double_click(self, item: QTreeWidgetItem, _column: int) -> None:
        if name_of(item) is not None:
            self.editItem(item, NOTE)


def version_row(name: str | None, title: str, gain: str, note: str) -> QTreeWidgetItem:
    """Return the row of a version.

    Parameters
    ----------
    name
        Its name; None for the model that everything began with.
    title, gain, note
        What is shown of it.
    """
    row = QTreeWidgetItem([title, gain, note])
    row.setData(NAME, Qt.ItemDataRole.UserRole, name)
    if name is not None:
        row.setFlags(row.flags() | Qt.ItemFlag.ItemIsEditable)
    return row


def name_of(row: QTreeWidgetItem) -> str | None:
    """Return the name of a row's version; None of the model that everything began with."""
    name: str | None = row.data(NAME, Qt.ItemDataRole.UserRole)
    return name
