"""The list of what a person marked as corrected: to look at it again, or to take it back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QTreeWidgetItem, QVBoxLayout, QWidget

from napari_medt.controls.short_list import ShortList

if TYPE_CHECKING:
    from src_models.corrections.correction_set import CorrectionItem

__all__ = ["MarkedPanel"]

_PLACE, _COUNTS, _CHANGED = range(3)
_COUNTED = {"slice": "all of it", "region": "a region", "painted": "what was painted"}


class MarkedPanel(QWidget):
    """Corrections, newest first.

    Parameters
    ----------
    parent
        Parent widget.
    """

    shown = Signal(object)  #: go to this correction (a CorrectionItem)
    withdrawn = Signal(object)  #: leave this correction out from now on
    merged = Signal(object)  #: add the corrections of another folder (its path)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._items: tuple[CorrectionItem, ...] = ()
        self.list = ShortList(("Place", "What counts", "You changed"), _PLACE)
        self.empty = QLabel("Nothing is marked yet.")
        self.show_it = QPushButton("Go there")
        self.withdraw = QPushButton("Take it back")
        self.merge = QPushButton("Add those of another folder...")
        self._build()
        self._explain()
        self.list.currentItemChanged.connect(self._on_chosen)
        self.list.itemDoubleClicked.connect(self._on_shown)
        self.show_it.clicked.connect(self._on_shown)
        self.merge.clicked.connect(self._pick)
        self.withdraw.clicked.connect(self._on_withdraw)
        self.set_items(())

    def set_items(self, items: Sequence[CorrectionItem]) -> None:
        """List corrections that count, oldest first as a set gives them; the chosen one stays chosen."""
        chosen = self.chosen()
        self._items = tuple(reversed(items))
        names = [item.name for item in self._items]
        kept = names.index(chosen.name) if chosen is not None and chosen.name in names else 0
        self.list.set_rows([_row(item) for item in self._items], kept)
        self.empty.setVisible(not names)
        self.list.setVisible(bool(names))
        self._on_chosen()

    def chosen(self) -> CorrectionItem | None:
        """Return the chosen correction."""
        row = self.list.row()
        return self._items[row] if 0 <= row < len(self._items) else None

    def _on_chosen(self, *_: Any) -> None:
        for button in (self.show_it, self.withdraw):
            button.setEnabled(self.chosen() is not None)

    def _on_shown(self, *_: Any) -> None:
        if self.chosen() is not None:
            self.shown.emit(self.chosen())

    def _on_withdraw(self) -> None:
        self.withdrawn.emit(self.chosen())

    def _pick(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Folder with corrections, of a colleague or of another image")
        if name:
            self.merged.emit(Path(name))

    def _build(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.show_it)
        row.addWidget(self.withdraw)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.empty)
        column.addWidget(self.list)
        column.addLayout(row)
        column.addWidget(self.merge)

    def _explain(self) -> None:
        self.list.setAccessibleName("What the network learns from")
        self.list.setToolTip(
            "What the network learns from, the newest first: the place, which part of it counts, and how many pixels "
            "you changed. Double-click to go there."
        )
        self.empty.setToolTip("Marked slices and regions are listed here.")
        self.show_it.setToolTip("Show this place in the image.")
        self.withdraw.setToolTip(
            "Leave this correction out when the network learns. Your labels stay as they are, and its files stay in "
            "the folder."
        )
        self.merge.setToolTip(
            "Learn from the corrections of another folder, too, or from images/ and masks/ that any other tool made: "
            "they are copied into this one, and stay there as they are. What is here already is not copied again."
        )


def _row(item: CorrectionItem) -> QTreeWidgetItem:
    record = item.record
    source = record.source
    place = f"slice {', '.join(map(str, source.plane))}" if source.plane else source.layer
    changed = sum(count for maker, count in record.made_by.items() if maker != "network")
    row = QTreeWidgetItem([place, _COUNTED[record.mode], f"{changed:,} px"])
    row.setTextAlignment(_CHANGED, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    when = datetime.fromisoformat(record.time).astimezone()
    row.setToolTip(_PLACE, f"{source.file or source.layer}, marked {when:%d %B %Y, %H:%M}; kept as {item.name}")
    return row
