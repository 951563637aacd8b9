"""The controls of the widget Measure: what is seen of it. What they do is wired elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_medt.controls.labels_combo import LabelsCombo
from napari_medt.controls.run_bar import RunBar
from napari_medt.controls.scrolling_column import ScrollingColumn, section
from napari_medt.measuring.measured_rows import MeasuredTable
from napari_medt.measuring.plot_panel import PlotPanel
from napari_medt.running.steps_run import StepsRun

if TYPE_CHECKING:
    import napari.layers

    from src_models.labels.measurements.table import Measurements

__all__ = ["MeasureControls"]

_NO_IMAGE = "none: sizes alone"


class MeasureControls:
    """Puts the controls into a widget.

    Parameters
    ----------
    parent
        The widget.
    """

    def __init__(self, parent: QWidget) -> None:
        self.labels = LabelsCombo("none yet")
        self.images = QComboBox()
        self._images: list[napari.layers.Image] = []
        self.words = QLabel()
        self.measure = QPushButton("Measure")
        self.run = StepsRun(parent)
        self.run_bar = RunBar(self.run, self.measure)
        self.advice = QLabel()
        self.table = MeasuredTable()
        self.table_words = QLabel("Click a row to go to its object, a title to sort.")
        self.save = QPushButton("Save as CSV...")
        self.plot = PlotPanel()
        self.plot_section = section("Plot", self.plot, opened=True)
        self._build(parent)
        self._explain()
        self.show_table(None)

    def image(self) -> napari.layers.Image | None:
        """Return the chosen image."""
        place = self.images.currentIndex() - 1
        return self._images[place] if 0 <= place < len(self._images) else None

    def listed_images(self) -> list[napari.layers.Image]:
        """Return the images that are listed."""
        return list(self._images)

    def offer_images(self, images: Sequence[napari.layers.Image], chosen: napari.layers.Image | None) -> None:
        """List images, and choose one without telling."""
        self._images = list(images)
        with QSignalBlocker(self.images):
            self.images.clear()
            self.images.addItem(_NO_IMAGE)
            self.images.addItems([layer.name for layer in self._images])
            self.images.setCurrentIndex(self._images.index(chosen) + 1 if chosen in self._images else 0)

    def show_table(self, table: Measurements | None) -> None:
        """Show measurements; None for none."""
        self.table.set_table(table)
        self.plot.show_table(table)
        for widget in (self.table, self.table_words, self.save, self.plot_section):
            widget.setVisible(table is not None)
        self.advise(() if table is None else table.notes)

    def advise(self, notes: Sequence[str]) -> None:
        """Tell what a person should know."""
        self.advice.setText("\n".join(f"• {note}" for note in notes))
        self.advice.setVisible(bool(notes))

    def set_running(self, running: bool) -> None:
        """Show whether a run is under way."""
        self.run_bar.set_running(running)
        self.measure.setEnabled(not running and self.labels.layer() is not None)

    def _build(self, parent: QWidget) -> None:
        self.images.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.images.setMinimumContentsLength(10)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Labels", self.labels)
        form.addRow("Image", self.images)
        row = QHBoxLayout()
        row.addWidget(self.table_words, 1)
        row.addWidget(self.save)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(4, 4, 4, 4)
        column.addLayout(form)
        for widget in (self.words, self.run_bar, self.advice):
            column.addWidget(widget)
        column.addLayout(row)
        column.addWidget(self.table)
        column.addWidget(self.plot_section)
        column.addStretch()
        outer = QVBoxLayout(parent)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(ScrollingColumn(content), 1)
        for label in (self.words, self.advice, self.table_words):
            label.setWordWrap(True)
        self.advice.setTextFormat(Qt.TextFormat.PlainText)

    def _explain(self) -> None:
        self.labels.setToolTip("The labels whose objects, or classes, are measured.")
        self.images.setToolTip("The image whose grey values are measured in each object; it must lie under the labels.")
        self.measure.setToolTip("Measure each object; the measures go into the features of the labels, too.")
        self.table.setAccessibleName("Measures of each object")
        self.table.setToolTip("Click a row to go to the object; click a title to sort.")
        self.save.setToolTip("Save the table as a CSV file, which any spreadsheet opens.")
