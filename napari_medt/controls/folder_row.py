"""The folder that what a person corrected is kept in, with a button to choose another one."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

__all__ = ["FolderRow"]


class FolderRow(QWidget):
    """The folder that corrections are kept in."""

    changed = Signal(object)  #: a person chose another one

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder: Path | None = None
        self.name = QLabel()
        self.name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.change = QPushButton("Change...")
        self.change.setToolTip(
            "Keep corrections, and what is learnt from them, in another folder; or go on with those in it."
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.name, 1)
        row.addWidget(self.change)
        self.change.clicked.connect(self._pick)
        self.set_folder(None)

    def set_folder(self, folder: Path | None) -> None:
        """Show a folder."""
        self._folder = folder
        self.name.setText("" if folder is None else f"{folder.parent.name}/{folder.name}")
        self.name.setToolTip(
            f"{folder}: images, labels and a table that any other tool can train on. Nothing in it is overwritten."
            if folder
            else "Where corrections are kept."
        )
        self.change.setEnabled(folder is not None)

    def _pick(self) -> None:
        start = str(self._folder.parent if self._folder else Path.home())
        name = QFileDialog.getExistingDirectory(self, "Folder for corrections: an empty one, or one with some", start)
        if name:
            self.changed.emit(Path(name))
