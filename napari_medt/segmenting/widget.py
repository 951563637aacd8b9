"""The dock widget "Segment": run a model on an image layer, and get labels and attention maps over it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import napari.layers
import napari.viewer
from napari.utils.notifications import show_info
from qtpy.QtCore import QTimer, Signal

from napari_medt.controls.accessible.focus_frame import FocusFrames
from napari_medt.controls.dock_closing import DockClosing
from napari_medt.controls.dock_tabs import DockTabs
from napari_medt.preferences import read_preferences
from napari_medt.segmenting.controls import SegmentControls
from napari_medt.segmenting.size_drag import SizeDrag
from napari_medt.viewer.last_runs import remember
from napari_medt.viewer.reading import (
    ReadAs,
    choose_reading,
    chosen_reading,
    coarser_levels,
    full_resolution,
    grey_range_of,
    read_layer,
)
from napari_medt.viewer.regions import region_in_viewer
from napari_medt.viewer.result_layers import ResultLayers, Shown, with_layers_ready
from src_models.errors import UserError
from src_models.files.slides.slide_tissue import is_slide
from src_models.images.axes import AxesReading
from src_models.images.grey.grey_range import GreyRange
from src_models.prediction.jobs import RegionResult, RegionRun, SegmentSettings, segmentation_steps

__all__ = ["SegmentWidget"]


class SegmentWidget(SegmentControls):
    """Segment an image layer and see where the network looked.

    Parameters
    ----------
    napari_viewer
        The viewer that the widget works in.
    """

    ended = Signal()  #: a run is over, and what it found, if anything, is shown

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        self._preferences = read_preferences()
        super().__init__(napari_viewer, self._preferences)
        FocusFrames(self)
        self._viewer = napari_viewer
        self._results = ResultLayers(napari_viewer)
        self._image_of_run: napari.layers.Image | None = None
        self._to_show: tuple[napari.layers.Image, RegionResult, Generator[None, None, Shown]] | None = None
        self.size_drag = SizeDrag(napari_viewer, self)
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
            grey_range=self._grey_range(),
            diameter=self.diameter.diameter() if self.form.isRowVisible(self.size_row) else None,
            sensitivity=self.sensitivity.sensitivity(),
            least_size=self.left_out.least_size(),
            drop_edge=self.left_out.drop_edge(),
            flips=self.flips.isChecked(),
            link=self.link.link(),
            pieces=self.pieces.pieces() if self.form.isRowVisible(self.pieces) else None,
            tile=self.tile.tile(),
            device=self.device.device(),
            threads=self._preferences.threads,
            glass=self.glass.isChecked(),
        )

    def _grey_range(self) -> GreyRange | None:
        image = self.images.layer()
        return None if image is None else grey_range_of(image)

    def open_model(self, path: str | Path) -> None:
        """Add a model file to the list of models and choose it."""
        self.models.open_file(Path(path))

    def start(self) -> None:
        """Segment the chosen image as set; what keeps it from starting is shown as a notification."""
        image = self.images.layer()
        if self.run.running or self._to_show is not None:
            return
        try:
            if image is None:
                raise UserError("There is no image to segment: open one first (File > Open File(s)...).")
            if self.channels.must_choose:
                raise UserError(f"Layer {image.name!r}: {self.channels.question}")
            job = self._job(image)
        except UserError as error:
            self.run_bar.report(str(error))
            return
        self.measure.setChecked(False)
        self._image_of_run = image
        self.advise(())
        self.set_running(True)
        self.run.start(with_layers_ready(segmentation_steps(job)), f"Segmenting {image.name}")

    def _job(self, image: napari.layers.Image) -> RegionRun:
        settings = self.settings()
        reading = self._read(image)
        header = self.models.header()
        assert header is not None  # settings() has checked
        region = region_in_viewer(self._viewer, image, reading, header.dimensions, self.region.choice())
        earlier = self._results.labels_of(image, settings.model.stem)
        return RegionRun(
            settings=settings,
            data=full_resolution(image),
            region=region,
            layer_id=image.unique_id,
            layer_name=image.name,
            levels=coarser_levels(image),
            previous=None if earlier is None else earlier.data,
        )

    def _read(self, image: napari.layers.Image) -> AxesReading:
        header = self.models.header()
        return read_layer(image, None, header.dimensions if header else 2)

    def _connect(self) -> None:
        self.images.layer_changed.connect(self._on_image_changed)
        self.channels.chosen.connect(self._on_channel_chosen)
        self.models.model_changed.connect(self._on_model_changed)
        self.models.refused.connect(self.run_bar.report)
        self.axes.editingFinished.connect(self._on_axes_typed)
        self.result.currentIndexChanged.connect(self._on_result_changed)
        self.measure.toggled.connect(self._on_measure)
        self.size_drag.measured.connect(self._on_measured)
        self.size_drag.ended.connect(self._on_size_drag_ended)
        self.more.toggled.connect(self.show_more)
        self.segment.clicked.connect(self.start)
        self.run.ended.connect(self._on_ended)
        self.run.refused.connect(self._on_refused)
        self._viewer.layers.events.removed.connect(self._on_layer_removed)

    def _on_model_changed(self) -> None:
        header = self.models.header()
        self.attention.set_model(header)
        self.result.set_model(header)
        self._on_result_changed()
        self.pieces.set_model(header)
        self.tile.set_model(header)
        self.diameter.set_model(header)
        self.form.setRowVisible(self.size_row, bool(header and header.object_diameter))
        self.form.setRowVisible(self.attention, self.attention.count() > 0)
        self._on_image_changed()

    def _on_image_changed(self) -> None:
        """Show how the image is read; what was said of another one goes."""
        if not self.run.running and self._to_show is None:
            self.run_bar.say("")
            self.advise(())
        image = self.images.layer()
        read_as = None if image is None else chosen_reading(image)
        self.axes.setText(read_as.axes or "" if read_as and read_as.typed else "")
        self._show_reading()

    def _on_channel_chosen(self) -> None:
        """Let the viewer show the channel that was chosen."""
        image = self.images.layer()
        assert image is not None  # it has channels
        reading = self._read(image)
        axis = reading.axes.find("C")
        if reading.channel is None or not 0 <= axis < image.ndim:  # the colours of a picture are no axis of its layer
            return
        place = [0] * image.ndim
        place[axis] = reading.channel
        here = self._viewer.dims.ndim - image.ndim + axis
        if here not in self._viewer.dims.displayed:
            self._viewer.dims.set_point(here, float(image.data_to_world(place)[axis]))

    def _on_axes_typed(self) -> None:
        image, axes = self.images.layer(), self.axes.text().strip()
        before = None if image is None else chosen_reading(image)
        if image is None or axes == (before.axes or "" if before and before.typed else ""):
            return
        choose_reading(image, ReadAs(axes, typed=True) if axes else None)

    def _show_reading(self) -> None:
        """Say how the image is read, and offer what can be run on."""
        image, header = self.images.layer(), self.models.header()
        self.segment.setEnabled(image is not None and header is not None and not self.run.running)
        try:
            reading = None if image is None else self._read(image)
        except UserError as error:
            self.reading.setText(str(error))
            return
        if reading is None:
            self.reading.setText("Open an image to begin.")
            self.region.clear()
            self.rare.setRowVisible(self.link, False)
            self.rare.setRowVisible(self.glass, False)
            return
        self.reading.setText("\n".join(filter(None, (reading.describe(), self.channels.question))))
        self.axes.setPlaceholderText(f"automatic ({reading.axes})")
        dimensions = header.dimensions if header else 2
        self.region.offer(reading, dimensions)
        self.rare.setRowVisible(self.link, self.link.offer(reading, dimensions))
        levels = () if image is None else (full_resolution(image), *coarser_levels(image))
        self.rare.setRowVisible(self.glass, is_slide(levels, reading.axes))

    def _on_measure(self, pressed: bool) -> None:
        image = self.images.layer()
        if not pressed:
            self.size_drag.stop()
            return
        try:
            if image is None:
                raise UserError("There is no image to measure in: open one first (File > Open File(s)...).")
            self.size_drag.start(image)
        except UserError as error:
            self.measure.setChecked(False)
            self.run_bar.report(str(error))
            return
        self.run_bar.say("Drag a line across one object in the image, from edge to edge. Escape ends it.")

    def _on_size_drag_ended(self) -> None:
        self.measure.setChecked(False)

    def _on_measured(self, length: float) -> None:
        self.diameter.setValue(max(1, round(length)))
        self.run_bar.say(f"Object size: {self.diameter.value():.0f} px. Drag again for another, or press Segment.")

    def _on_result_changed(self) -> None:
        objects = self.result.result() == "instances"
        self.left_out.setEnabled(objects)
        self.form.setRowVisible(self.pieces, not objects)

    def _on_ended(self, result: RegionResult | None) -> None:
        image, self._image_of_run = self._image_of_run, None
        if result is None or image is None or image not in self._viewer.layers:
            self._end("Cancelled; no layer was changed.")
        else:
            self._show(image, result)

    def _on_refused(self, sentence: str) -> None:
        self._image_of_run = None
        self.set_running(False)
        self.run_bar.report(sentence)
        self.ended.emit()

    def _show(self, image: napari.layers.Image, outcome: RegionResult) -> None:
        remember(image, outcome)
        self.run_bar.say("Showing what was found...")
        self._to_show = (image, outcome, self._results.show_steps(image, outcome))
        self._show_next()

    def _show_next(self) -> None:
        """Add one layer; the next one comes after the window had its turn."""
        if self._to_show is None:
            return
        image, outcome, steps = self._to_show
        if image not in self._viewer.layers:
            self._to_show = None
            self._end("The image was removed.")
            return
        try:
            next(steps)
        except StopIteration as end:
            self._to_show = None
            self._tell(image, outcome, end.value)
        else:
            QTimer.singleShot(0, self._show_next)

    def _tell(self, image: napari.layers.Image, outcome: RegionResult, shown: Shown) -> None:
        """Say what was found, and what may be tried."""
        maps = " Click the eye of an attention layer to see it; its name and colour bar say what it shows."
        found = outcome.segmentation
        self.advise((*found.advice, *found.notes))
        if image is self.images.layer():
            self.reading.setText(f"read as {found.read_as}")
        if shown.kept is not None:
            show_info(
                f"You edited {shown.kept.name!r}, so it was left as it is; the new result is {shown.labels.name!r}."
            )
        what = "; ".join(filter(None, (outcome.summary, found.size)))
        self._end(f"Done: {what}.{maps if found.attention else ''}")

    def _end(self, words: str) -> None:
        self.set_running(False)
        self.run_bar.say(words)
        self.ended.emit()

    def _on_layer_removed(self) -> None:
        if self._image_of_run is not None and self._image_of_run not in self._viewer.layers:
            self._image_of_run = None
            self.run.cancel()

    def _leave(self, viewer_stays: bool) -> None:
        """End all work: the dock, or the window, was closed."""
        self._to_show = None
        self.size_drag.stop()
        self.run.leave(wait=not viewer_stays)
        self.network_window.leave()
        self.in_3d.leave()
        self.images.disconnect_viewer()
        with suppress(ValueError):  # it may be gone already
            self._viewer.layers.events.removed.disconnect(self._on_layer_removed)
