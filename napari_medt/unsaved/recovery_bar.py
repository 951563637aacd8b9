"""Offers to go on with objects that were not saved when napari ended unexpectedly."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QMessageBox, QPushButton, QVBoxLayout, QWidget

from napari_medt.unsaved.unfinished_labels import UnfinishedLabels

__all__ = ["RecoveryBar"]


class RecoveryBar(QWidget):
    """Says what there is, and lets a person go on with it or delete it; hidden where there is nothing.

    Parameters
    ----------
    parent
        Parent widget.
    """

    wanted = Signal(object)  #: go on with this unfinished work
    unwanted = Signal(object)  #: delete this unfinished work

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._works: list[UnfinishedLabels] = []
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.go_on = QPushButton("Go on with it")
        self.go_on.setToolTip("Open the image again where it came from a file, with its objects and clicks.")
        self.delete = QPushButton("Delete it...")
        self.delete.setToolTip("Delete these objects for good.")
        self.later = QPushButton("Later")
        self.later.setToolTip("Keep them; they are offered again at the next start.")
        row = QHBoxLayout()
        for button in (self.go_on, self.delete, self.later):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.text)
        column.addLayout(row)
        self.go_on.clicked.connect(self._on_go_on)
        self.delete.clicked.connect(self._on_delete)
        self.later.clicked.connect(self._next)
        self.offer([])

    def offer(self, works: Sequence[UnfinishedLabels]) -> None:
        """Offer unfinished work, one after the other."""
        self._works = list(works)
        self.setVisible(bool(self._works))
        if self._works:
            more = f" (and {len(self._works) - 1} more)" if len(self._works) > 1 else ""
            self.text.setText(f"<b>Not saved last time:</b> {escape(self._works[0].words, quote=False)}{more}.")

    def _on_go_on(self) -> None:
        self.wanted.emit(self._works[0])
        self._next()

    def _on_delete(self) -> None:
        question = f"Delete {self._works[0].words} for good?"
        if QMessageBox.question(self, "Delete unsaved objects", question) == QMessageBox.StandardButton.Yes:
            self.unwanted.emit(self._works[0])
            self._next()

    def _next(self) -> None:
        self.offer(self._works[1:])
