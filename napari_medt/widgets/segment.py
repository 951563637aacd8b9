"""The dock widget "Segment": run a model on an image layer, and get labels and attention maps over it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import napari.layers
import napari.viewer
from napari.utils.notifications import show_error, show_info
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_medt.image_source import full_resolution, read_layer
from napari_medt.last_runs import remember
from napari_medt.layers import ResultLayers
from napari_medt.preferences import read_preferences
from napari_medt.regions import region_in_viewer
from napari_medt.segmentation_task import Failure, Job, Outcome, SegmentSettings, segmentation_steps
from napari_medt.widgets.dock_closing import DockClosing
from napari_medt.widgets.dock_tabs import DockTabs
from napari_medt.widgets.layer_combo import ImageLayerCombo
from napari_medt.widgets.model_combo import ModelCombo
from napari_medt.widgets.options import AttentionList, DeviceCombo, DiameterBox, ResultCombo, TileBox
from napari_medt.widgets.region_combo import RegionCombo
from napari_medt.widgets.run import StepsRun
from src_models.axes import AxesReading
from src_models.errors import UserError

__all__ = ["SegmentWidget"]


class SegmentWidget(QWidget):
    """Segment an image layer and see where the network looked.

    Parameters
    ----------
    napari_viewer
        The viewer that the widget works in.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._results = ResultLayers(napari_viewer)
        self._image_of_run: napari.layers.Image | None = None
        self._preferences = read_preferences()
        self.images = ImageLayerCombo(napari_viewer)
        self.reading = QLabel()
        self.models = ModelCombo(self._preferences.model)
        self.region = RegionCombo()
        self.diameter = DiameterBox()
        self.attention = AttentionList()
        self.result = ResultCombo()
        self.device = DeviceCombo(self._preferences.device)
        self.tile = TileBox()
        self.axes = QLineEdit()
        self.more = QPushButton()
        self.segment = QPushButton("Segment")
        self.cancel = QPushButton("Cancel")
        self.bar = QProgressBar()
        self.status = QLabel()
        self.run = StepsRun(self)
        self._build()
        self._explain()
        self._connect()
        self._closing = DockClosing(self)
        DockTabs(self)
        self._closing.closed.connect(self._leave)
        self._on_model_changed()

    def settings(self) -> SegmentSettings:
        """Return what is set.

        Raises
        ------
        UserError
            If there is no model to choose.
        """
        path = self.models.path()
        if path is None:
            raise UserError("There is no model to segment with: open a model file first.")
        return SegmentSettings(
            model=path,
            result=self.result.result(),
            attention=self.attention.names(),
            diameter=self.diameter.diameter() if self._form.isRowVisible(self.diameter) else None,
            tile=self.tile.tile(),
            device=self.device.device(),
            threads=self._preferences.threads,
        )

    def open_model(self, path: str | Path) -> None:
        """Add a model file to the list of models and choose it."""
        self.models.open_file(Path(path))

    def start(self) -> None:
        """Segment the chosen image as set; what keeps it from starting is shown as a notification."""
        image = self.images.layer()
        if self.run.running:
            return
        try:
            if image is None:
                raise UserError("There is no image to segment: open one first (File > Open File(s)...).")
            job = self._job(image)
        except UserError as error:
            self._report(str(error))
            return
        self._image_of_run = image
        self._set_running(True)
        self.run.start(segmentation_steps(job), f"Segmenting {image.name}")

    def _job(self, image: napari.layers.Image) -> Job:
        settings = self.settings()
        reading = self._read(image)
        header = self.models.header()
        assert header is not None  # settings() has checked
        region = region_in_viewer(self._viewer, image, reading, header.dimensions, self.region.choice())
        earlier = self._results.labels_of(image, settings.model.stem)
        return Job(
            settings=settings,
            data=full_resolution(image),
            region=region,
            layer_id=image.unique_id,
            layer_name=image.name,
            previous=None if earlier is None else earlier.data,
        )

    def _read(self, image: napari.layers.Image) -> AxesReading:
        header = self.models.header()
        return read_layer(image, self.axes.text().strip() or None, header.dimensions if header else 2)

    def _build(self) -> None:
        self._form = _form()
        self._form.addRow("Image", _column(self.images, self.reading))
        self._form.addRow("Model", self.models)
        self._form.addRow("Run on", self.region)
        self._form.addRow("Object size", self.diameter)
        self._form.addRow("Attention\nmaps", self.attention)
        self._rare_settings = QWidget()
        self._rare = _form(self._rare_settings)
        self._rare.addRow("Labels are", self.result)
        self._rare.addRow("Compute on", self.device)
        self._rare.addRow("Tile size", self.tile)
        self._rare.addRow("Axes", self.axes)
        self.more.setCheckable(True)
        self.more.setFlat(True)
        self._show_more(False)
        buttons = QHBoxLayout()
        buttons.addWidget(self.segment, 2)
        buttons.addWidget(self.cancel, 1)
        column = QVBoxLayout(self)
        column.addLayout(self._form)
        column.addWidget(self.more)
        column.addWidget(self._rare_settings)
        column.addLayout(buttons)
        column.addWidget(self.bar)
        column.addWidget(self.status)
        column.addStretch()
        for label in (self.reading, self.status):
            label.setWordWrap(True)
        for combo in (self.result, self.device):
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._set_running(False)

    def _explain(self) -> None:
        self.images.setToolTip("The image that is segmented. Selecting another one in the layer list chooses it.")
        self.reading.setToolTip(
            "How the image is read: its axes, channels and pixel size. If that is wrong, name the "
            "axes under More settings."
        )
        self.region.setToolTip(
            "Which part of the image is segmented. What is in view is worked out when you press Segment."
        )
        self.axes.setToolTip(
            "What the axes of the image are, in order: T time, Z depth, C channels, Y height, X "
            "width; such as TZYX. Left empty, they are worked out from the layer."
        )
        self.more.setToolTip("Settings that are rarely needed: kind of labels, device, tile size, order of the axes.")
        self.segment.setToolTip("Run the model on the image. You can go on working meanwhile.")
        self.cancel.setToolTip("Stop after the tile that is being computed; no layer is changed.")
        self.bar.setToolTip("How much of the image is done.")

    def _connect(self) -> None:
        self.images.layer_changed.connect(self._on_image_changed)
        self.models.model_changed.connect(self._on_model_changed)
        self.models.refused.connect(self._report)
        self.axes.editingFinished.connect(self._on_image_changed)
        self.more.toggled.connect(self._show_more)
        self.segment.clicked.connect(self.start)
        self.cancel.clicked.connect(self.run.cancel)
        self.run.progressed.connect(self._on_progress)
        self.run.ended.connect(self._on_ended)
        self._viewer.layers.events.removed.connect(self._on_layer_removed)

    def _on_model_changed(self) -> None:
        header = self.models.header()
        self.attention.set_model(header)
        self.result.set_model(header)
        self.tile.set_model(header)
        self.diameter.set_model(header)
        self._form.setRowVisible(self.diameter, bool(header and header.object_diameter))
        self._form.setRowVisible(self.attention, self.attention.count() > 0)
        self._on_image_changed()

    def _on_image_changed(self) -> None:
        """Say how the image is read, and offer what can be run on."""
        image, header = self.images.layer(), self.models.header()
        self.segment.setEnabled(image is not None and header is not None and not self.run.running)
        if image is None:
            self.reading.setText("Open an image to begin.")
            self.region.clear()
            return
        try:
            reading = self._read(image)
        except UserError as error:
            self.reading.setText(str(error))
            return
        self.reading.setText(reading.describe())
        self.axes.setPlaceholderText(f"automatic ({reading.axes})")
        self.region.offer(reading, header.dimensions if header else 2)

    def _show_more(self, shown: bool) -> None:
        self._rare_settings.setVisible(shown)
        self.more.setText("Fewer settings" if shown else "More settings...")

    def _on_progress(self, share: float, line: str) -> None:
        self.bar.setRange(0, 0 if share < 0 else 1000)
        self.bar.setValue(round(share * 1000))
        self.status.setText(line)

    def _on_ended(self, result: Outcome | Failure | None) -> None:
        image, self._image_of_run = self._image_of_run, None
        self._set_running(False)
        if isinstance(result, Failure):
            self._report(result.message)
        elif result is None or image is None or image not in self._viewer.layers:
            self.status.setText("Cancelled; no layer was changed.")
        else:
            self._show(image, result)

    def _show(self, image: napari.layers.Image, outcome: Outcome) -> None:
        remember(image, outcome)
        shown = self._results.show(image, outcome)
        maps = " Click the eye of an attention layer to see it; its name and colour bar say what it shows."
        self.status.setText(f"Done: {outcome.summary}.{maps if outcome.segmentation.attention else ''}")
        if shown.kept is not None:
            show_info(
                f"You edited {shown.kept.name!r}, so it was left as it is; the new result is {shown.labels.name!r}."
            )

    def _on_layer_removed(self) -> None:
        if self._image_of_run is not None and self._image_of_run not in self._viewer.layers:
            self._image_of_run = None
            self.run.cancel()

    def _report(self, message: str) -> None:
        sentence = message[:1].upper() + message[1:]
        self.status.setText(sentence)
        show_error(sentence)

    def _set_running(self, running: bool) -> None:
        self.segment.setEnabled(not running and self.images.layer() is not None and self.models.header() is not None)
        self.cancel.setEnabled(running)
        self.bar.setVisible(running)
        self.bar.setRange(0, 0)

    def _leave(self) -> None:
        """End all work: the dock, or the window, was closed."""
        self.run.leave()
        self.images.disconnect_viewer()
        with suppress(ValueError):  # it may be gone already
            self._viewer.layers.events.removed.disconnect(self._on_layer_removed)


def _form(parent: QWidget | None = None) -> QFormLayout:
    form = QFormLayout(parent)
    form.setContentsMargins(0, 0, 0, 0)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return form


def _column(*widgets: QWidget) -> QWidget:
    column = QWidget()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    return column
