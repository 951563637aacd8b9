"""The controls of the widget Segment a folder: what is seen of it. What they do is wired elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QFormLayout, QLabel, QLineEdit, QPushButton, QSpinBox, QVBoxLayout, QWidget

from napari_medt.controls.model_combo import ModelCombo
from napari_medt.controls.run_bar import RunBar
from napari_medt.controls.scrolling_column import ScrollingColumn, beside
from napari_medt.preferences import Preferences
from napari_medt.running.steps_run import StepsRun
from napari_medt.segmenting.folder.images_table import ImagesTable
from napari_medt.segmenting.options import AttentionList, DeviceCombo, DiameterBox, LeftOut, SensitivitySlider
from src_models.models.header import ModelHeader

__all__ = ["FolderControls"]

_FORMATS = {
    "nifti": "TIFF; of scans NIfTI",
    "nrrd": "TIFF; of scans NRRD",
    "seg.nrrd": "TIFF; of scans a segmentation of 3D Slicer",
    "mha": "TIFF; of scans MetaImage",
    "dicom-seg": "TIFF; of DICOM a DICOM segmentation",
    "tiff": "TIFF, of scans too",
    "roi": "also regions for ImageJ",
    "geojson": "also objects for QuPath",
    "coco": "also COCO JSON",
}
_EXISTING = {False: "skip: pass over their images", True: "replace them, after a question"}


class FolderControls:
    """Puts the controls into a widget.

    Parameters
    ----------
    parent
        The widget.
    preferences
        What is chosen at first.
    """

    def __init__(self, parent: QWidget, preferences: Preferences) -> None:
        self.images = QLineEdit()
        self.folder = QPushButton("Folder...")
        self.files = QPushButton("Files...")
        self.models = ModelCombo(preferences.model)
        self.diameter = DiameterBox()
        self.sensitivity = SensitivitySlider()
        self.left_out = LeftOut()
        self.device = DeviceCombo(preferences.device)
        self.more = QPushButton()
        self.channels = QLineEdit()
        self.attention = AttentionList()
        self.workers = QSpinBox()
        self.results = QLineEdit()
        self.change = QPushButton("Change...")
        self.format = QComboBox()
        self.existing = QComboBox()
        self.start = QPushButton("Start")
        self.run = StepsRun(parent)
        self.run_bar = RunBar(self.run, self.start)
        self.table = ImagesTable()
        self.words = QLabel()
        self.report = QPushButton("Open report")
        self.settings = QWidget()
        self._build(parent)
        self._explain()
        self.show_row(-1)

    def show_row(self, number: int) -> None:
        """Say under the table all that there is to say of a row, for which it has no room; -1 for none."""
        rows = self.table.rows()
        row = rows[number] if 0 <= number < len(rows) else None
        told = "" if row is None or not row.said else f"{row.image.name}: {row.said}\n"
        self.words.setText(f"{told}Double-click a row to see the image with its labels.")

    def chosen_channels(self) -> tuple[int, ...] | None:
        """Return the channels that are looked at; None for all.

        Raises
        ------
        UserError
            If what was typed is no list of numbers.
        """
        from src_models.images.channels import parse_channels

        text = self.channels.text().strip()
        return parse_channels(text) if text else None

    def show_more(self, shown: bool) -> None:
        """Show or hide the settings that are rarely needed."""
        self._rare_settings.setVisible(shown)
        self.more.setText("Fewer settings" if shown else "More settings...")

    def set_model(self, header: ModelHeader | None) -> None:
        """Offer what a model can be asked for; no map is ticked, since each is a file of each image."""
        self.diameter.set_model(header)
        self.form.setRowVisible(self.diameter, bool(header and header.object_diameter))
        self.attention.set_model(header)
        self.attention.tick(())
        self.rare.setRowVisible(self.attention, self.attention.count() > 0)

    def output(self) -> Path | None:
        """Return the folder for the results; None where none is given."""
        text = self.results.text().strip()
        return Path(text).expanduser() if text else None

    def scan_format(self) -> str:
        """Return the format of the labels."""
        return str(self.format.currentData())

    def replaces(self) -> bool:
        """Return whether results that are there are to be replaced."""
        return bool(self.existing.currentData())

    def set_running(self, running: bool) -> None:
        """Show whether a run is under way; what it was begun with cannot be changed then."""
        self.run_bar.set_running(running)
        self.settings.setEnabled(not running)
        self.offer_start(not running)

    def offer_start(self, wanted: bool) -> None:
        """Let Start be pressed, if there is something to start with."""
        ready = bool(self.table.rows()) and self.models.header() is not None
        self.start.setEnabled(wanted and ready and not self.run.running)

    def _build(self, parent: QWidget) -> None:
        self.images.setReadOnly(True)
        self.images.setPlaceholderText("none chosen yet")
        self.results.setPlaceholderText("beside the images")
        for key, text in _FORMATS.items():
            self.format.addItem(text, key)
        for replaces, text in _EXISTING.items():
            self.existing.addItem(text, replaces)
        for combo in (self.format, self.existing, self.device):
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.setMinimumContentsLength(10)
        form = QFormLayout(self.settings)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Images", beside(self.images, self.folder, self.files))
        form.addRow("Model", self.models)
        form.addRow("Object size", self.diameter)
        form.addRow("Sensitivity", self.sensitivity)
        form.addRow("Leave out", self.left_out)
        form.addRow("Compute on", self.device)
        form.addRow("Results in", beside(self.results, self.change))
        form.addRow("Labels are", self.format)
        form.addRow("Results\nthat exist", self.existing)
        self.form = form
        self.channels.setPlaceholderText("all")
        self.workers.setRange(1, max(1, os.cpu_count() or 1))
        self._rare_settings = QWidget()
        self.rare = QFormLayout(self._rare_settings)
        self.rare.setContentsMargins(0, 0, 0, 0)
        self.rare.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.rare.addRow("Channels", self.channels)
        self.rare.addRow("Attention\nmaps", self.attention)
        self.rare.addRow("Images\nat a time", self.workers)
        form.addRow(self.more)
        form.addRow(self._rare_settings)
        self.more.setCheckable(True)
        self.more.setFlat(True)
        self.more.toggled.connect(self.show_more)
        self.show_more(False)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(4, 4, 4, 4)
        column.addWidget(self.settings)
        column.addWidget(self.run_bar)
        column.addWidget(self.table, 1)
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        column.addWidget(self.words)
        column.addWidget(self.report)
        outer = QVBoxLayout(parent)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(ScrollingColumn(content), 1)
        self.run_bar.status.setTextFormat(Qt.TextFormat.PlainText)
        self.report.setEnabled(False)

    def _explain(self) -> None:
        self.images.setAccessibleName("Images")
        self.images.setToolTip("The images that are segmented: a folder, or files.")
        self.folder.setToolTip("Choose a folder. The images that lie in it are segmented, not those of folders in it.")
        self.files.setToolTip("Choose some files instead of a folder.")
        self.results.setAccessibleName("Results in")
        self.results.setToolTip("The folder that labels, their records and the report go to. It is made if missing.")
        self.change.setToolTip("Choose another folder for the results.")
        self.format.setAccessibleName("Labels are")
        self.format.setToolTip(
            "What labels are written as: TIFF, scans in a format that keeps their place in the patient; outlines for "
            "another program besides, if wanted."
        )
        self.existing.setAccessibleName("Results that exist")
        self.existing.setToolTip(
            "Skip goes on where an earlier run was stopped. Replace asks once before it begins, and then segments all."
        )
        self.device.setAccessibleName("Compute on")
        self.more.setToolTip("Settings that are rarely needed: channels, attention maps, several images at a time.")
        self.channels.setAccessibleName("Channels")
        self.channels.setToolTip(
            "Which channels of every image are looked at, counted from 0: one, such as 0 for the first, or several in "
            "the order of the model's, such as 2,0,1. Left empty, all are."
        )
        self.attention.setAccessibleName("Attention maps")
        self.attention.setToolTip(
            "What the network attended to: each ticked map is written as a file beside the labels."
        )
        self.workers.setAccessibleName("Images at a time")
        self.workers.setToolTip(
            "How many images are worked on at a time, each by a process of its own among which the cores, or graphics "
            "cards, are divided. It is worth it for many small images; each process needs memory."
        )
        self.start.setToolTip("Segment one image after the other. You can go on working meanwhile.")
        self.run_bar.cancel.setToolTip(
            "Stop after the tile that is being computed; of several images at a time, at once. What is done is kept; "
            "Start goes on with the rest."
        )
        self.report.setToolTip("Open the page with a picture of each image and what was found, in your browser.")
