"""The controls that say what labels mean: objects, or regions of a kind, and what these are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractScrollArea,
    QComboBox,
    QFormLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from src_models.finetuning.kinds.label_kind import MOST_CLASSES, LabelKind

if TYPE_CHECKING:
    from src_models.finetuning.kinds.guess import Guess

__all__ = ["KindPanel"]

_ROWS = 5  # that are in view at most


class KindPanel(QWidget):
    """What the labels mean, as it is guessed until a person says otherwise.

    Parameters
    ----------
    parent
        Parent widget.
    """

    changed = Signal()  #: a person chose another kind

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._said = False
        self._guess: Guess | None = None
        self.meaning = QComboBox()
        self.meaning.addItem("Objects: each has its own number", "objects")
        self.meaning.addItem("Regions of a kind: numbers are classes", "classes")
        self.names = QTableWidget(0, 1)
        self.more = QPushButton("One more class")
        self.why = QLabel()
        self._build()
        self._explain()
        self._show_names(())
        self.meaning.currentIndexChanged.connect(self._on_meaning)
        self.names.itemChanged.connect(self._on_named)
        self.more.clicked.connect(self._add)

    @property
    def numbers_objects(self) -> bool | None:
        """Whether a person said that each object has a number of its own; None where nobody said anything."""
        return self.meaning.currentData() == "objects" if self._said else None

    def kind(self) -> LabelKind:
        """Return what the labels mean.

        Raises
        ------
        UserError
            If two classes have the same name.
        """
        return LabelKind("classes", self._names()) if self.meaning.currentData() == "classes" else LabelKind("objects")

    def said(self) -> LabelKind | None:
        """Return what a person said that they mean; None where nobody said anything, and a guess is as good."""
        return self.kind() if self._said else None

    def offer(self, guess: Guess) -> None:
        """Show what is guessed; what a person said stays."""
        self._guess = guess
        if self._said:
            if self.meaning.currentData() == "classes":
                self._show_names(self._proposed(self._names()))
            return
        self.why.setText(guess.why)
        with QSignalBlocker(self.meaning):
            self.meaning.setCurrentIndex(self.meaning.findData(guess.kind.meaning))
        self._show_names(guess.kind.names)

    def forget(self) -> None:
        """Go by what is guessed again: the model is another one."""
        self._said = False

    def _proposed(self, names: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return a name for each number that occurs, those that are there already first."""
        if self._guess is None or self._guess.kind.meaning == "objects":  # as one class, all objects are of a kind
            return names or ("class 1",)
        guessed, numbers = self._guess.kind.names, self._guess.numbers
        highest = numbers[-1] if len(numbers) > 1 and numbers[-1] <= MOST_CLASSES else 1
        known = (*names, *guessed[len(names) :])
        return (*known, *LabelKind.classes(highest).names[len(known) :])

    def _names(self) -> tuple[str, ...]:
        return tuple(self._name_in(row) for row in range(self.names.rowCount()))

    def _name_in(self, row: int) -> str:
        item = self.names.item(row, 0)
        return (item.text().strip() if item is not None else "") or f"class {row + 1}"

    def _show_names(self, names: tuple[str, ...]) -> None:
        with QSignalBlocker(self.names):
            self.names.setRowCount(len(names))
            for row, name in enumerate(names):
                item = QTableWidgetItem(name)
                item.setToolTip(f"What number {row + 1} in the labels is called; double-click to change it.")
                self.names.setItem(row, 0, item)
        self.names.setVisible(bool(names))
        self.more.setVisible(bool(names))
        rows = min(len(names), _ROWS)
        self.names.setFixedHeight(rows * self.names.verticalHeader().defaultSectionSize() + 2 * self.names.frameWidth())

    def _on_meaning(self) -> None:
        self._said = True
        self.why.setText("You said so." if self._guess is None else f"You said so. Guessed: {self._guess.why}")
        self._show_names(self._proposed() if self.meaning.currentData() == "classes" else ())
        self.changed.emit()

    def _on_named(self, _item: Any) -> None:
        self._said = True
        self.changed.emit()

    def _add(self) -> None:
        if self.names.rowCount() < MOST_CLASSES:
            names = self._names()
            self._show_names((*names, f"class {len(names) + 1}"))
            self._on_named(None)

    def _build(self) -> None:
        self.meaning.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.names.horizontalHeader().hide()
        self.names.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.names.setSizeAdjustPolicy(QAbstractScrollArea.SizeAdjustPolicy.AdjustIgnored)
        self.names.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.why.setWordWrap(True)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapAllRows)
        form.addRow("What do these labels mean?", self.meaning)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(form)
        for widget in (self.names, self.more, self.why):
            column.addWidget(widget)

    def _explain(self) -> None:
        self.meaning.setToolTip(
            "Objects are told apart, such as cells. Regions of a kind are not: all that is vessel, or each of several "
            "tissues. Where the model finds something else so far, it gets a new last layer and learns this kind."
        )
        self.meaning.setAccessibleName("What the labels mean")
        self.names.setAccessibleName("Names of the classes")
        self.names.setToolTip("What each number in the labels is called; double-click a name to change it.")
        self.more.setToolTip("Name one more class, which you paint with the next number.")
        self.why.setToolTip("Why the labels are taken for what is chosen above.")
