"""The controls of the widget "Correct and learn": what is seen of it. What they do is wired elsewhere."""

from __future__ import annotations

import napari.layers
import napari.viewer
from qtpy.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_medt.controls.folder_row import FolderRow
from napari_medt.controls.labels_combo import LabelsCombo
from napari_medt.controls.layer_combo import ImageLayerCombo
from napari_medt.controls.model_combo import ModelCombo
from napari_medt.controls.reading.channel_combo import ChannelCombo
from napari_medt.controls.reading.grey_panel import GreyPanel
from napari_medt.controls.region_combo import RegionCombo
from napari_medt.controls.run_bar import RunBar
from napari_medt.controls.scrolling_column import ScrollingColumn, section
from napari_medt.correcting.panels.kind_panel import KindPanel
from napari_medt.correcting.panels.learn_panel import LearnPanel
from napari_medt.correcting.panels.mark_panel import MarkPanel
from napari_medt.correcting.panels.marked_panel import MarkedPanel
from napari_medt.correcting.panels.next_panel import NextPanel
from napari_medt.correcting.panels.versions_panel import VersionsPanel
from napari_medt.running.steps_run import StepsRun
from napari_medt.unsaved.recovery_bar import RecoveryBar

__all__ = ["CorrectControls"]


class CorrectControls:
    """Puts the controls into a widget.

    Parameters
    ----------
    parent
        The widget.
    viewer
        The viewer that it works in.
    model
        Name of the model that is chosen at first.
    """

    def __init__(self, parent: QWidget, viewer: napari.viewer.Viewer, model: str) -> None:
        self.images = ImageLayerCombo(viewer)
        self.models = ModelCombo(model)
        self.folder = FolderRow()
        self.recovery = RecoveryBar()
        self.region = RegionCombo()
        self.segment = QPushButton("Segment to correct")
        self.labels = LabelsCombo("none yet")
        self.empty = QPushButton("Begin empty")
        self.marking = MarkPanel()
        self.marked = MarkedPanel()
        self.kind = KindPanel()
        self.learning = LearnPanel()
        self.versions = VersionsPanel()
        self.next = NextPanel()
        self.grey = GreyPanel(self.images)
        self.run = StepsRun(parent)
        self.run_bar = RunBar(self.run)
        self._build(parent)
        self._explain()

    def _build(self, parent: QWidget) -> None:
        content = QWidget()
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Image", self.images)
        self.channels = ChannelCombo(self.images, self.models, form)
        form.addRow("Model", self.models)
        form.addRow("Kept in", self.folder)
        find = QWidget()
        first = QFormLayout(find)
        first.setContentsMargins(0, 0, 0, 0)
        first.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        row = QHBoxLayout()
        row.addWidget(self.segment, 1)
        row.addWidget(self.region, 1)
        first.addRow(row)
        chosen = QHBoxLayout()
        chosen.addWidget(self.labels, 1)
        chosen.addWidget(self.empty)
        first.addRow("Labels", chosen)
        first.addRow(self.next)
        learn = QWidget()
        second = QVBoxLayout(learn)
        second.setContentsMargins(0, 0, 0, 0)
        second.addWidget(self.kind)
        second.addWidget(self.learning)
        column = QVBoxLayout(content)
        column.setContentsMargins(4, 4, 4, 4)
        column.addWidget(self.recovery)
        column.addLayout(form)
        for title, panel, opened in (
            ("Grey values", self.grey, False),
            ("1. Find what to correct", find, True),
            ("2. Mend and mark", self.marking, True),
            ("Marked so far", self.marked, False),
            ("3. Learn", learn, True),
            ("4. Compare and choose", self.versions, True),
        ):
            column.addWidget(section(title, panel, opened=opened))
        column.addStretch()
        outer = QVBoxLayout(parent)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(ScrollingColumn(content), 1)
        outer.addWidget(self.run_bar)
        self.run_bar.status.setContentsMargins(4, 0, 4, 4)

    def _explain(self) -> None:
        self.images.setToolTip("The image that is corrected. Selecting another one in the layer list chooses it.")
        self.region.setToolTip("Which part of the image is segmented.")
        self.segment.setToolTip(
            "Run the model, and get its result as labels that you can paint in. What you painted before is not "
            "overwritten."
        )
        self.labels.setToolTip(
            "The labels that you mend. Objects that you clicked (the widget Click), what the widget Segment found, and "
            "labels of your own can be chosen here too, if they are as large as the image and lie on it."
        )
        self.empty.setToolTip(
            "Begin with labels in which there is nothing yet, and paint every object yourself: where the model finds "
            "nothing that is worth mending."
        )
        self.recovery.go_on.setToolTip("Open the image again where it came from a file, with the labels as they were.")
        self.recovery.delete.setToolTip("Delete these labels for good.")
