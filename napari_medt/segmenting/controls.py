"""The controls of the Segment widget, and where they are in it."""

from __future__ import annotations

from collections.abc import Iterable

import napari.viewer
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_medt.controls.ct.in_3d_button import In3dButton
from napari_medt.controls.ct.network_window import NetworkWindow
from napari_medt.controls.layer_combo import ImageLayerCombo
from napari_medt.controls.model_combo import ModelCombo
from napari_medt.controls.reading.channel_combo import ChannelCombo
from napari_medt.controls.reading.grey_panel import GreyPanel
from napari_medt.controls.region_combo import RegionCombo
from napari_medt.controls.run_bar import RunBar
from napari_medt.controls.scrolling_column import below
from napari_medt.preferences import Preferences
from napari_medt.running.steps_run import StepsRun
from napari_medt.segmenting.options import (
    AttentionList,
    DeviceCombo,
    DiameterBox,
    LeftOut,
    LinkCombo,
    PiecesBox,
    ResultCombo,
    SensitivitySlider,
    TileBox,
)

__all__ = ["SegmentControls"]


class SegmentControls(QWidget):
    """The controls; what they do is up to who inherits them.

    Parameters
    ----------
    viewer
        The viewer whose images are listed.
    preferences
        What is chosen at first.
    """

    def __init__(self, viewer: napari.viewer.Viewer, preferences: Preferences) -> None:
        super().__init__()
        self.images = ImageLayerCombo(viewer)
        self.reading = QLabel()
        self.models = ModelCombo(preferences.model)
        self.network_window = NetworkWindow(self.images, self.models)
        self.region = RegionCombo()
        self.diameter = DiameterBox()
        self.measure = QPushButton("Measure...")
        self.sensitivity = SensitivitySlider()
        self.left_out = LeftOut()
        self.pieces = PiecesBox()
        self.attention = AttentionList()
        self.result = ResultCombo()
        self.link = LinkCombo()
        self.flips = QCheckBox("look from four sides (4x slower)")
        self.glass = QCheckBox("look at glass, too")
        self.device = DeviceCombo(preferences.device)
        self.tile = TileBox()
        self.axes = QLineEdit()
        self.grey = GreyPanel(self.images)
        self.more = QPushButton()
        self.segment = QPushButton("Segment")
        self.run = StepsRun(self)
        self.run_bar = RunBar(self.run, self.segment)
        self.advice = QLabel()
        self.in_3d = In3dButton(viewer, self.images)
        self._build()
        self._explain()

    def advise(self, sentences: Iterable[str]) -> None:
        """Say under the button what a person should know, or may try."""
        text = "\n".join(f"\u2022 {sentence}" for sentence in sentences)
        self.advice.setText(text)
        self.advice.setVisible(bool(text))

    def show_more(self, shown: bool) -> None:
        """Show or hide the settings that are rarely needed."""
        self._rare_settings.setVisible(shown)
        self.more.setText("Fewer settings" if shown else "More settings...")

    def set_running(self, running: bool) -> None:
        """Offer what can be pressed while a run is under way, or while none is."""
        self.segment.setEnabled(not running and self.images.layer() is not None and self.models.header() is not None)
        self.run_bar.set_running(running)

    def _build(self) -> None:
        self.form = _form()
        self.form.addRow("Image", below(self.images, self.reading))
        self.channels = ChannelCombo(self.images, self.models, self.form)
        self.form.addRow("Model", below(self.models, self.network_window))
        self.form.addRow("Run on", self.region)
        self.measure.setCheckable(True)
        self.size_row = _row(self.diameter, self.measure)
        self.form.addRow("Object size", self.size_row)
        self.form.addRow("Sensitivity", self.sensitivity)
        self.form.addRow("Leave out", self.left_out)
        self.form.addRow("Pieces", self.pieces)
        self.form.addRow("Attention\nmaps", self.attention)
        self._rare_settings = QWidget()
        self.rare = _form(self._rare_settings)
        self.rare.addRow("Labels are", self.result)
        self.rare.addRow("Link objects", self.link)
        self.rare.addRow("Thoroughness", self.flips)
        self.rare.addRow("Whole slide", self.glass)
        self.rare.addRow("Compute on", self.device)
        self.rare.addRow("Tile size", self.tile)
        self.rare.addRow("Axes", self.axes)
        self.rare.addRow("Grey values", self.grey)
        self.more.setCheckable(True)
        self.more.setFlat(True)
        self.show_more(False)
        column = QVBoxLayout(self)
        column.addLayout(self.form)
        column.addWidget(self.more)
        column.addWidget(self._rare_settings)
        column.addWidget(self.run_bar)
        column.addWidget(self.advice)
        column.addWidget(self.in_3d)
        column.addStretch()
        self.advice.hide()
        for label in (self.reading, self.advice):
            label.setWordWrap(True)
        self.advice.setTextFormat(Qt.TextFormat.PlainText)
        for combo in (self.result, self.link, self.device):
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.set_running(False)

    def _explain(self) -> None:
        self.images.setToolTip("The image that is segmented. Selecting another one in the layer list chooses it.")
        self.reading.setToolTip(
            "How the image is read: its axes, channels, pixel size, and once it was segmented the grey values that "
            "counted. If that is wrong, choose under Channels, or give axes or grey values under More settings."
        )
        self.region.setToolTip(
            "Which part of the image is segmented. What is in view is worked out when you press Segment."
        )
        self.measure.setToolTip(
            "Drag a line across one object in the image: its length becomes the object size. Escape, or another press "
            "here, ends it."
        )
        self.axes.setToolTip(
            "What the axes of the image are, in order: T time, Z depth, C channels, Y height, X "
            "width; such as TZYX. Left empty, they are worked out from the layer."
        )
        self.flips.setToolTip(
            "Ask the network about the image as it is and mirrored, and take the mean: a little better where an image "
            "has no up and down, as cells and tissue; not for CT. Attention maps are those of the image as it is."
        )
        self.glass.setToolTip(
            "Of a whole slide, only tiles that hold tissue are looked at; the glass around it has label 0. Ticked, all "
            "of it is looked at: where tissue is so pale that it was taken for glass."
        )
        self.more.setToolTip(
            "Settings that are rarely needed: kind of labels, looking from four sides, device, tile size, order of the "
            "axes, range of grey values."
        )
        self.segment.setToolTip("Run the model on the image. You can go on working meanwhile.")


def _form(parent: QWidget | None = None) -> QFormLayout:
    form = QFormLayout(parent)
    form.setContentsMargins(0, 0, 0, 0)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return form


def _row(wide: QWidget, narrow: QWidget) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(wide, 1)
    layout.addWidget(narrow)
    return row
