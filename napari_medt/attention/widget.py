"""The dock widget "Attention": point at the image and see what the network attends to there."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import napari.layers
import napari.viewer
import numpy as np
from qtpy.QtCore import QTimer

from napari_medt.attention.controls import AttentionControls
from napari_medt.attention.recorded_run import OpenRun, RecordedRun
from napari_medt.controls.accessible.focus_frame import FocusFrames
from napari_medt.controls.dock_closing import DockClosing
from napari_medt.controls.dock_tabs import DockTabs
from napari_medt.controls.model_combo import ModelCombo
from napari_medt.preferences import keep_attention, read_attention, read_preferences
from napari_medt.viewer.last_runs import recall, remember
from napari_medt.viewer.reading import chosen_reading, full_resolution, grey_range_of, read_layer
from napari_medt.viewer.regions import region_in_viewer
from napari_medt.viewer.result_layers import with_layers_ready
from src_models.attention.words import map_words
from src_models.errors import UserError
from src_models.images.region import Region
from src_models.models.architectures import attention_names
from src_models.prediction.jobs import RegionResult, RegionRun, SegmentSettings, segmentation_steps

__all__ = ["AttentionWidget"]

_BEGIN = "Press Look to see what this network attends to in this image."
_REST = 250  # ms that a slider must rest before the network is run on the plane it shows


class AttentionWidget(AttentionControls):
    """See what a network attends to, at the pointer and as maps.

    Parameters
    ----------
    napari_viewer
        The viewer that the widget works in.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer, read_attention())
        FocusFrames(self)
        self._viewer = napari_viewer
        self._looked: RecordedRun | None = None
        self._image_of_run: napari.layers.Image | None = None
        self._comparing = False
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST)
        self._connect()
        self.run_bar.say(_BEGIN)
        self._closing = DockClosing(self)
        DockTabs(self)
        self._closing.closed.connect(self._leave)
        self._on_choice_changed()

    def open_model(self, path: str | Path) -> None:
        """Add a model file to the list of models and choose it."""
        self.models.open_file(Path(path))

    def start(self) -> None:
        """Look at the chosen image with the chosen model; what keeps it from starting is shown as a notification."""
        self._comparing = False
        self._begin(self.models, None)

    def compare(self) -> None:
        """Look at the same part of the image with the other model, and show the difference."""
        if self._looked is None:
            self.run_bar.report("Press Look first; then compare.")
            return
        self._comparing = True
        self._begin(self.comparison.models, self._looked)

    def _begin(self, models: ModelCombo, like: RecordedRun | None) -> None:
        """Run a model, on the part of an image that another run was made on if one is given, unless that was done."""
        if self.run.running:
            return
        try:
            image, job = self._job(models, like)
        except UserError as error:
            self.run_bar.report(str(error))
            return
        earlier = recall(image, job.settings.model, job.region, job.settings.grey_range)
        if earlier is not None:
            if set(job.settings.attention) <= set(earlier.job.settings.attention):
                self._take(RecordedRun(image, earlier))
                return
            job = replace(job, settings=replace(earlier.job.settings, attention=job.settings.attention))
        self._image_of_run = image
        self._set_running(True)
        self.run.start(with_layers_ready(segmentation_steps(job)), f"Looking at {image.name}")

    def _job(self, models: ModelCombo, like: RecordedRun | None) -> tuple[napari.layers.Image, RegionRun]:
        image = like.image if like else self.images.layer()
        path, header = models.path(), models.header()
        if image is None:
            raise UserError("There is no image to look at: open one first (File > Open File(s)...).")
        if path is None or header is None:
            raise UserError("There is no model to look with: open a model file first.")
        names = tuple(attention_names(header.architecture, header.config))
        if not names:
            raise UserError(f"The model {header.name!r} has no attention to look at: choose another model.")
        chosen = read_preferences()
        return image, RegionRun(
            settings=SegmentSettings(
                model=path,
                attention=names,
                grey_range=like.outcome.job.settings.grey_range if like else grey_range_of(image),
                device=chosen.device,
                threads=chosen.threads,
            ),
            data=full_resolution(image),
            region=like.outcome.job.region if like else self._region(image, header.dimensions),
            layer_id=image.unique_id,
            layer_name=image.name,
        )

    def _region(self, image: napari.layers.Image, dimensions: int) -> Region:
        reading = read_layer(image, None, dimensions)
        return region_in_viewer(self._viewer, image, reading, dimensions, self.region.choice())

    def _on_refused(self, sentence: str) -> None:
        self._image_of_run = None
        self._set_running(False)
        self.run_bar.report(sentence)

    def _on_ended(self, result: RegionResult | None) -> None:
        image, self._image_of_run = self._image_of_run, None
        self._set_running(False)
        if result is None or image is None or image not in self._viewer.layers:
            self.run_bar.say("Cancelled; no layer was changed.")
        else:
            remember(image, result)
            looked = RecordedRun(image, result)
            if self._comparing or self._is_chosen(looked):
                self._take(looked)
            else:
                self.run_bar.say("Another image or model was chosen meanwhile: press Look.")

    def _take(self, looked: RecordedRun) -> None:
        if self._comparing:
            self.comparison.set_looked(self._looked, looked)
            self._show_difference()
            return
        self._looked = looked
        self.display.set_looked(looked)
        self.audit.set_looked(looked)
        self.saving.set_looked(looked)
        self.comparison.set_looked(looked, None)
        self.run_bar.say("Getting ready to follow the pointer...")
        self.follower.open(looked, self.memory.value())

    def _on_opened(self, look: OpenRun) -> None:
        self.gates.set_gates(look.gates)
        self.run_bar.say("Ready. Move the pointer over the image; tick maps to see them whole.")

    def _show_difference(self) -> None:
        """Show the difference of the two chosen maps, once both models were run."""
        try:
            found = self.comparison.difference()
        except UserError as error:
            self.run_bar.report(str(error))
            return
        if found is not None and self._looked is not None and self._looked.image in self._viewer.layers:
            self.display.show_difference(found)
            words = map_words(found.name, found.kind)
            same = "They are the same everywhere."
            self.run_bar.say(f"{words.name}. {words.meaning if np.any(found.data) else same}")

    def _on_choice_changed(self) -> None:
        """Offer what can be looked at of the chosen image; what was looked at with another model or image goes."""
        image = self.images.layer()
        self.look.setEnabled(self._can_look())
        if image is None:
            self.region.clear()
        else:
            with suppress(UserError):  # said when Look is pressed
                self.region.offer(read_layer(image, None, self._dimensions()), self._dimensions())
        if self._looked is not None and not self._is_chosen(self._looked):
            self._forget()
        path = self.models.path()
        if path is not None:
            keep_attention(model=path.stem)

    def _can_look(self) -> bool:
        return self.images.layer() is not None and self.models.header() is not None and not self.run.running

    def _is_chosen(self, looked: RecordedRun) -> bool:
        outcome = looked.outcome
        same = looked.image == self.images.layer() and outcome.job.settings.model == self.models.path()
        read_as = chosen_reading(looked.image)
        same = same and outcome.job.region.channels == (read_as.channels if read_as else None)
        same = same and outcome.job.settings.grey_range == grey_range_of(looked.image)
        return same and outcome.job.data is full_resolution(looked.image)

    def _forget(self) -> None:
        self._looked = None
        self.follower.close()
        self.display.set_looked(None)
        self.audit.set_looked(None)
        self.saving.set_looked(None)
        self.comparison.set_looked(None, None)
        self.gates.set_gates(())
        self.run_bar.say(_BEGIN)

    def _on_slice_changed(self) -> None:
        if self._looked is None:
            return
        if self._looked.outcome.job.region.whole:
            self.follower.ask_pinned()
        elif self.region.choice() == "plane":
            self._rest.start()

    def _follow_slice(self) -> None:
        """Look at the plane that the sliders now show, unless that is the one that was looked at."""
        if self._looked is None:
            return
        if self.run.running:  # of a plane that the sliders have left, perhaps
            self._rest.start()
            return
        with suppress(UserError):
            region = self._region(self._looked.image, self._dimensions())
            if region != self._looked.outcome.job.region:
                self.start()

    def _dimensions(self) -> int:
        header = self.models.header()
        return header.dimensions if header else 2

    def _on_answered(self) -> None:
        self.memory_used.setText(f"{self.follower.kept_bytes / 2**20:.0f} MB used")

    def _on_memory_changed(self, megabytes: int) -> None:
        keep_attention(memory=megabytes)
        self.follower.set_memory(megabytes)

    def _on_layer_removed(self, event: object) -> None:
        gone = event.value  # type: ignore[attr-defined]
        self.display.on_removed(gone)
        if self._image_of_run is not None and self._image_of_run not in self._viewer.layers:
            self._image_of_run = None
            self.run.cancel()
        if self._looked is not None and self._looked.image not in self._viewer.layers:
            self._forget()
        self.audit.offer_truth()

    def _on_layer_inserted(self) -> None:
        self.audit.offer_truth()

    def _on_grid(self) -> None:
        self.follower.layers.show_mark(False)

    def _on_overlay(self) -> None:
        self.follower.layers.show_mark(True)

    def _set_running(self, running: bool) -> None:
        self.look.setEnabled(not running and self._can_look())
        self.comparison.set_running(running)
        self.run_bar.set_running(running)

    def _connect(self) -> None:
        self.images.layer_changed.connect(self._on_choice_changed)
        self.models.model_changed.connect(self._on_choice_changed)
        self.look.clicked.connect(self.start)
        self.run.ended.connect(self._on_ended)
        self.run.refused.connect(self._on_refused)
        self.follower.opened.connect(self._on_opened)
        self.follower.answered.connect(self._on_answered)
        self.display.shown.connect(self.follower.layers.to_top)
        self.maps.grid_wanted.connect(self._on_grid)
        self.maps.overlay_wanted.connect(self._on_overlay)
        self.comparison.wanted.connect(self.compare)
        self.comparison.pair_changed.connect(self._show_difference)
        self.saving.saved.connect(self.run_bar.say)
        for source in (self.models, self.comparison.models, self.follower, self.saving, self.audit):
            source.refused.connect(self.run_bar.report)
        self.memory.valueChanged.connect(self._on_memory_changed)
        self._rest.timeout.connect(self._follow_slice)
        self._viewer.dims.events.point.connect(self._on_slice_changed)
        self._viewer.layers.events.removed.connect(self._on_layer_removed)
        self._viewer.layers.events.inserted.connect(self._on_layer_inserted)

    def _leave(self, viewer_stays: bool) -> None:
        """End all work: the dock, or the window, was closed. Of a viewer that stays, our layers go."""
        self.display.layout.leave()
        for run in (self.run, self.audit.run):
            run.leave(wait=not viewer_stays)
        self.follower.leave()
        self.network_window.leave()
        self.in_3d.leave()
        self.images.disconnect_viewer()
        for emitter, slot in (
            (self._viewer.dims.events.point, self._on_slice_changed),
            (self._viewer.layers.events.removed, self._on_layer_removed),
            (self._viewer.layers.events.inserted, self._on_layer_inserted),
        ):
            with suppress(ValueError):  # it may be gone already
                emitter.disconnect(slot)
        if viewer_stays:
            self.follower.layers.hide()
            self.display.clear(*self.follower.layers.shown())
