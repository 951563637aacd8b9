"""The controls of the widget Classify: what is seen of it. What they do is wired elsewhere."""

from __future__ import annotations

import napari.viewer
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_medt.classifying.panels.check_panel import CheckPanel
from napari_medt.classifying.panels.class_panel import ClassPanel
from napari_medt.classifying.panels.learn_panel import ClassLearnPanel
from napari_medt.classifying.panels.result_panel import ResultPanel
from napari_medt.classifying.panels.why_panel import WhyPanel
from napari_medt.controls.labels_combo import LabelsCombo
from napari_medt.controls.layer_combo import ImageLayerCombo
from napari_medt.controls.model_combo import ModelCombo
from napari_medt.controls.reading.channel_combo import ChannelCombo
from napari_medt.controls.reading.grey_panel import GreyPanel
from napari_medt.controls.region_combo import RegionCombo
from napari_medt.controls.run_bar import RunBar
from napari_medt.controls.scrolling_column import ScrollingColumn, below, section
from napari_medt.running.steps_run import StepsRun
from src_models.classifying.layer.layer_run import LookedAt

__all__ = ["ClassifyControls"]

_WHAT: dict[LookedAt, str] = {
    "objects": "every object of labels",
    "tiles": "tiles of the image",
    "image": "the image as a whole",
}


class ClassifyControls:
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
        self.reading = QLabel()
        self.models = ModelCombo(model, use="classify")
        self.what = QComboBox()
        self.labels = LabelsCombo("none yet")
        self.labels_words = QLabel()
        self.tile = QSpinBox()
        self.zoom = QDoubleSpinBox()
        self.region = RegionCombo()
        self.classify = QPushButton("Classify")
        self.run = StepsRun(parent)
        self.run_bar = RunBar(self.run, self.classify)
        self.advice = QLabel()
        self.result = ResultPanel()
        self.correct = ClassPanel()
        self.learning = ClassLearnPanel()
        self.why = WhyPanel()
        self.check = CheckPanel()
        self.grey = GreyPanel(self.images)
        self._build(parent)
        self._explain()
        self.what.currentIndexChanged.connect(self.offer_what)
        self.models.model_changed.connect(self.offer_what)
        self.offer_what()
        self.set_running(False)

    def looked_at(self) -> LookedAt:
        """Return what is to be classified."""
        looked_at: LookedAt = self.what.currentData()
        return looked_at

    def choose_what(self, looked_at: LookedAt) -> None:
        """Choose what is to be classified."""
        self.what.setCurrentIndex(self.what.findData(looked_at))

    def offer_what(self) -> None:
        """Show the settings of what is chosen."""
        looked_at, header = self.looked_at(), self.models.header()
        size = header.tile[-1] if header is not None else 0
        self.form.setRowVisible(self._objects, looked_at == "objects")
        self.form.setRowVisible(self.tile, looked_at == "tiles")
        self.form.setRowVisible(self.zoom, looked_at == "objects")
        self.tile.setSpecialValueText(f"as taught ({size} px)" if size else "as the model was taught")
        self.zoom.setToolTip(
            f"The model looks at squares of {size} px around the middle of each object, as it was taught. If objects "
            "are larger or smaller here than those it was taught, say because of another magnification, enter by how "
            "much the image is to be enlarged first; below 1 makes it smaller."
        )

    def set_running(self, running: bool) -> None:
        """Offer what can be pressed while a run is under way, or while none is."""
        self.run_bar.set_running(running)
        self.offer_run()

    def offer_run(self) -> None:
        """Let Classify be pressed where there is something to classify, and with what."""
        ready = self.images.layer() is not None and self.models.header() is not None
        self.classify.setEnabled(ready and not self.run.running)

    def advise(self, sentences: tuple[str, ...]) -> None:
        """Say under the button what a person should know."""
        self.advice.setText("\n".join(f"• {sentence}" for sentence in sentences))
        self.advice.setVisible(bool(sentences))

    def _build(self, parent: QWidget) -> None:
        for looked_at, words in _WHAT.items():
            self.what.addItem(words, looked_at)
        self.tile.setRange(0, 100_000)
        self.tile.setSuffix(" px")
        self.tile.setSingleStep(8)
        self.zoom.setRange(0.05, 20.0)
        self.zoom.setSingleStep(0.1)
        self.zoom.setValue(1.0)
        self.zoom.setSuffix(" x")
        content = QWidget()
        self.form = QFormLayout()
        self.form.setContentsMargins(0, 0, 0, 0)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.form.addRow("Image", below(self.images, self.reading))
        self.channels = ChannelCombo(self.images, self.models, self.form)
        self.form.addRow("Model", self.models)
        self.form.addRow("Classify", self.what)
        self._objects = below(self.labels, self.labels_words)
        self.form.addRow("Objects", self._objects)
        self.form.addRow("Tile size", self.tile)
        self.form.addRow("Enlarge", self.zoom)
        self.form.addRow("Run on", self.region)
        column = QVBoxLayout(content)
        column.setContentsMargins(4, 4, 4, 4)
        column.addLayout(self.form)
        column.addWidget(section("Grey values", self.grey, opened=False))
        column.addWidget(self.run_bar)
        column.addWidget(self.advice)
        for title, panel, opened in (
            ("1. What was found", self.result, True),
            ("2. Correct", self.correct, True),
            ("3. Learn", self.learning, True),
            ("Why this class?", self.why, True),
            ("Is that true?", self.check, False),
        ):
            column.addWidget(section(title, panel, opened=opened))
        column.addStretch()
        outer = QVBoxLayout(parent)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(ScrollingColumn(content), 1)
        for label in (self.reading, self.labels_words, self.advice):
            label.setWordWrap(True)
        self.advice.setTextFormat(Qt.TextFormat.PlainText)
        self.advice.hide()
        self.labels_words.hide()
        self.what.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)

    def _explain(self) -> None:
        self.images.setToolTip("The image that is looked at. Selecting another one in the layer list chooses it.")
        self.reading.setToolTip(
            "How the image is read: its axes, channels and pixel size. If that is wrong, choose under Channels."
        )
        self.what.setToolTip(
            "What gets a class: each object of labels (say, cells that were segmented before), each tile of a grid "
            "over the image, or the image as a whole."
        )
        self.labels.setToolTip(
            "The labels that hold the objects, a number each: what the widgets Segment or Click found, or your own. "
            "They must be as large as the image and lie on it. Their pixels are not changed."
        )
        self.labels_words.setToolTip("How to get labels for this image.")
        self.tile.setToolTip("Side of the square tiles, in pixels of the image.")
        self.region.setToolTip("Which part of the image is looked at.")
        self.classify.setToolTip("Let the model say of what class everything is. You can go on working meanwhile.")
        self.advice.setToolTip("What to know of this result.")
