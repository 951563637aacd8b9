"""What was found: how many objects there are of each class, each object, and the file that all goes into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton, QTreeWidgetItem, QVBoxLayout, QWidget

from napari_medt.classifying.colours import class_colour
from napari_medt.classifying.panels.objects_table import ObjectsTable
from napari_medt.classifying.panels.probability_bars import ProbabilityBars
from napari_medt.classifying.panels.swatch import swatch
from napari_medt.controls.short_list import ShortList

if TYPE_CHECKING:
    from src_models.classifying.layer.layer_run import LookedAt
    from src_models.classifying.layer.object_classes import ObjectClasses

__all__ = ["ResultPanel"]

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_ONE: dict[LookedAt, str] = {"objects": "Object", "tiles": "Tile", "image": "Plane"}
_MANY: dict[LookedAt, str] = {"objects": "Objects", "tiles": "Tiles", "image": "Planes"}


class ResultPanel(QWidget):
    """Counts, the table of objects, probabilities of the chosen one, colours, and saving.

    Parameters
    ----------
    parent
        Parent widget.
    """

    coloured = Signal(bool)  #: give objects the colours of their classes, or one each

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.empty = QLabel("Nothing was classified yet.")
        self.counts = ShortList(("Class", "Objects", "Share"), 0)
        self.by_class = QCheckBox("Colour by class")
        self.sort_words = QLabel("The least sure first. Click a row to go there.")
        self.objects = ObjectsTable()
        self.chosen = QLabel()
        self.bars = ProbabilityBars()
        self.save = QPushButton("Save the table...")
        self._table: ObjectClasses | None = None
        self._looked_at: LookedAt = "objects"
        self._build()
        self._explain()
        self.by_class.toggled.connect(self.coloured)
        self.show_table(None, "objects")

    def show_table(self, table: ObjectClasses | None, looked_at: LookedAt) -> None:
        """Show what was found; None for nothing yet."""
        self._table, self._looked_at = table, looked_at
        several = table is not None and len(table.ids) > 1
        self.counts.headerItem().setText(1, _MANY[looked_at])
        self.objects.set_table(table, _ONE[looked_at])
        self.empty.setVisible(table is None)
        for widget in (self.counts, self.objects, self.sort_words):
            widget.setVisible(several or (table is not None and looked_at != "image"))
        self.by_class.setVisible(table is not None and looked_at != "image")
        self.save.setVisible(table is not None)
        self._show_counts()
        self.show_object(int(table.ids[0]) if table is not None and len(table.ids) == 1 else None)

    def refresh(self, own: int | None) -> None:
        """Show what a person said meanwhile."""
        self._show_counts()
        self.objects.refresh()
        self.show_object(own)

    def show_object(self, own: int | None) -> None:
        """Show what the model gives the classes of an object; None for none."""
        table = self._table
        if table is None or own is None or own not in table:
            self.chosen.hide()
            self.bars.show_probabilities((), (), ())
            return
        said = f", as you said (the model found {table.found(own)})" if own in table.given else ""
        name = "" if len(table.ids) == 1 else f"{_ONE[self._looked_at]} {own}: "
        sentence = f"{name}{table.class_of(own)}{said}"
        self.chosen.setText(sentence[:1].upper() + sentence[1:])
        self.chosen.show()
        colours = [class_colour(place) for place in range(len(table.of_model))]
        self.bars.show_probabilities(table.of_model, table.probabilities[table.row(own)].tolist(), colours)

    def set_by_class(self, by_class: bool) -> None:
        """Show which colours there are, without telling."""
        with QSignalBlocker(self.by_class):
            self.by_class.setChecked(by_class)

    def _show_counts(self) -> None:
        table = self._table
        if table is None:
            self.counts.set_rows([], 0)
            return
        total = max(1, len(table.ids))
        rows = []
        counted = sorted(enumerate(table.counts().items()), key=lambda each: -each[1][1])  # of equal ones, in order
        for place, (name, count) in counted:
            row = QTreeWidgetItem([name, f"{count:,}", f"{count / total:.0%}"])
            row.setIcon(0, swatch(class_colour(place)))
            for column in (1, 2):
                row.setTextAlignment(column, _RIGHT)
            rows.append(row)
        self.counts.set_rows(rows, 0)
        self.counts.clearSelection()

    def _build(self) -> None:
        self.by_class.setChecked(True)
        row = QHBoxLayout()
        row.addWidget(self.by_class)
        row.addStretch()
        row.addWidget(self.save)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.empty, self.counts):
            column.addWidget(widget)
        column.addLayout(row)
        for widget in (self.sort_words, self.objects, self.chosen, self.bars):
            column.addWidget(widget)
        for label in (self.empty, self.sort_words, self.chosen):
            label.setWordWrap(True)

    def _explain(self) -> None:
        self.counts.setAccessibleName("Objects of each class")
        self.objects.setAccessibleName("Objects and their classes")
        self.counts.setToolTip("How many there are of each class, what you corrected included, and their colours.")
        self.by_class.setToolTip(
            "Give each object the colour of its class. Without it, objects have the colours again that they had before."
        )
        self.objects.setToolTip(
            "Click a row to go to the object; click a title to sort. Where the probability is low, the model was "
            "unsure: look at these first. What you corrected has a tick."
        )
        self.save.setToolTip(
            "Save the table as a CSV file, which any spreadsheet opens: class, probabilities, what you corrected, "
            "middle and area of each object."
        )
