"""What is asked at the pointer, and the values found there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from src_models.attention.words import head_words, map_words

if TYPE_CHECKING:
    from src_models.probing.pointer import View

__all__ = ["ProbePanel"]

_ROWS = 5  # in view at once


class ProbePanel(QWidget):
    """Choose how to look at the place under the pointer.

    Parameters
    ----------
    following
        Whether the pointer is followed at first.
    preferred
        Name of the view that is chosen at first, where a network has it.
    parent
        Parent widget.
    """

    followed = Signal(bool)  #: follow the pointer, or stop
    released = Signal()  #: let go of the pinned place
    view_changed = Signal()  #: look in another way

    def __init__(self, *, following: bool, preferred: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._preferred = preferred
        self._views: dict[str, View] = {}
        self.follow = QCheckBox("Follow the pointer")
        self.release = QPushButton("Unpin")
        self.view = QComboBox()
        self.head_of_height = QComboBox()
        self.head_of_width = QComboBox()
        self.place = QLabel()
        self.meaning = QLabel()
        self.values = QTableWidget(0, 3)
        self.follow.setChecked(following)
        self._build()
        self._explain()
        self.follow.toggled.connect(self.followed)
        self.release.clicked.connect(self.released)
        self.view.currentIndexChanged.connect(self._on_view_changed)
        for combo in (self.head_of_height, self.head_of_width):
            combo.currentIndexChanged.connect(self.view_changed)
        self.set_views(())

    def set_views(self, views: Sequence[View]) -> None:
        """Offer the views of a network; the one chosen before is kept where there is one of that name."""
        self._views = {view.name: view for view in views}
        with QSignalBlocker(self.view):
            self.view.clear()
            for view in views:
                self.view.addItem(view.title, view.name)
            self.view.setCurrentIndex(max(0, self.view.findData(self._preferred)) if views else -1)
        self._offer_heads()
        self.set_place(None, {})
        self.setEnabled(bool(views))

    def chosen(self) -> str | None:
        """Return the name of the chosen view."""
        name: str | None = self.view.currentData()
        return name

    def heads(self) -> tuple[int | None, int | None]:
        """Return the chosen heads along height and width; None for the mean over heads."""
        return self.head_of_height.currentData(), self.head_of_width.currentData()

    def set_place(self, place: Sequence[float] | None, values: Mapping[str, float], *, pinned: bool = False) -> None:
        """Show the values at a place (pixels of the image)."""
        self.release.setEnabled(pinned)
        if place is None:
            self.place.setText("Move the pointer over the image; click to pin a place.")
        else:
            what = "Pinned at" if pinned else "At"
            self.place.setText(f"{what} pixel {', '.join(f'{p:.0f}' for p in place)}:")
        if self.values.rowCount() != len(values):
            self.values.setRowCount(len(values))
        for row, (name, value) in enumerate(values.items()):
            words = map_words(name)
            if self._write(row, 0, words.name):
                self.values.item(row, 0).setData(Qt.ItemDataRole.UserRole, name)
                self.values.item(row, 0).setToolTip(f"{words.meaning}\nIn the papers and in files: {words.term}.")
            self._write(row, 1, f"{value:.3f}")
            self._write(row, 2, words.reading(value))

    def set_sentence(self, sentence: str) -> None:
        """Say what the answer says."""
        self.meaning.setText(sentence)

    def _write(self, row: int, column: int, text: str) -> bool:
        """Write into a cell; return whether it said something else."""
        item = self.values.item(row, column)
        if item is not None and item.text() == text:
            return False
        if item is None:
            self.values.setItem(row, column, QTableWidgetItem(text))
        else:
            item.setText(text)
        return True

    def _on_view_changed(self) -> None:
        self._preferred = self.chosen() or self._preferred
        self._offer_heads()
        self.view_changed.emit()

    def _offer_heads(self) -> None:
        view = self._views.get(self.chosen() or "")
        count = view.heads if view else 0
        for combo, axis in ((self.head_of_height, "height"), (self.head_of_width, "width")):
            with QSignalBlocker(combo):
                combo.clear()
                for head in (None, *range(count)):
                    combo.addItem(head_words(axis, head, count), head)
            combo.setVisible(count > 1)

    def _build(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.follow, 1)
        top.addWidget(self.release)
        heads = QHBoxLayout()
        heads.addWidget(self.head_of_height)
        heads.addWidget(self.head_of_width)
        self.values.setHorizontalHeaderLabels(["Map", "Here", "Means"])
        self.values.verticalHeader().hide()
        header = self.values.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for narrow in (1, 2):
            header.setSectionResizeMode(narrow, QHeaderView.ResizeMode.ResizeToContents)
        self.values.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.values.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.values.setFixedHeight(_ROWS * 26 + 30)
        for combo in (self.view, self.head_of_height, self.head_of_width):
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(top)
        column.addWidget(self.view)
        column.addLayout(heads)
        column.addWidget(self.place)
        column.addWidget(self.meaning)
        column.addWidget(self.values)
        self.meaning.setWordWrap(True)

    def _explain(self) -> None:
        self.follow.setToolTip(
            "Show, in a layer of its own, what the network attends to at the place under the pointer. A click pins a "
            "place. The layer goes when this dock is closed; 'Keep' under Save keeps a copy."
        )
        self.release.setToolTip("Let go of the pinned place and follow the pointer again.")
        self.view.setToolTip(
            "What is shown of the place. 'Where it looks': the places from which the network takes what it says there, "
            "at one stage or scale (a block of axial or of position attention) or followed through all of a branch "
            "(attention rollout). 'Detail let through': 0 to 1 (an attention gate)."
        )
        for combo, axis in ((self.head_of_height, "height"), (self.head_of_width, "width")):
            combo.setAccessibleName(f"Heads along the {axis}")
            combo.setToolTip(
                f"The network looks along the {axis} in several ways at once (the heads of its attention): their mean, "
                "or one of them."
            )
        self.view.setAccessibleName("What is shown of the place")
        self.values.setAccessibleName("Maps at the place")
        self.values.setToolTip("The value of every recorded map at that place.")
