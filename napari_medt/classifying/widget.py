"""The dock widget "Classify": of what class each object of an image is; correct it, and let the model learn."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import napari.layers
import napari.viewer
from napari.utils.notifications import show_info
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_medt.classifying.checking import MapChecking
from napari_medt.classifying.explaining import Explaining
from napari_medt.classifying.giving import ClassGiving
from napari_medt.classifying.layers import TILES, ClassLayers
from napari_medt.classifying.panels.controls import ClassifyControls
from napari_medt.classifying.rounds import ClassRounds
from napari_medt.classifying.shown import ShownClasses
from napari_medt.controls.accessible.focus_frame import FocusFrames
from napari_medt.controls.dock_closing import DockClosing
from napari_medt.controls.dock_tabs import DockTabs
from napari_medt.preferences import keep_classify_model, read_classify_model, read_preferences
from napari_medt.viewer.labels.labels_layers import fitting_labels, misfit_words, placeless_labels, take_place
from napari_medt.viewer.layer_notes import notes_of
from napari_medt.viewer.reading import full_resolution, grey_range_of, read_layer
from napari_medt.viewer.regions import region_in_viewer
from napari_medt.viewer.result_layers import with_layers_ready
from napari_medt.viewer.viewed_image import ViewedImage, target_as_viewed
from src_models.classifying.layer.layer_run import ClassResult, ClassRun, class_steps
from src_models.errors import UserError

__all__ = ["ClassifyWidget"]

_NO_LABELS = (
    "No labels lie on this image yet. Find its objects with the widgets Segment or Click first, or classify tiles, or "
    "the image as a whole."
)


class ClassifyWidget(QWidget):
    """Tell of what class the objects of an image are.

    Parameters
    ----------
    napari_viewer
        The viewer that the widget works in.
    """

    ended = Signal()  #: a run is over, and what it found, if anything, is shown

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        FocusFrames(self)
        self._viewer = napari_viewer
        preferred = read_classify_model()
        self.controls = ClassifyControls(self, napari_viewer, preferred)
        self.layers = ClassLayers(napari_viewer)
        self.shown: dict[Any, ShownClasses] = {}  # by image
        self._asked: ViewedImage | None = None  # of the run under way
        self._labels_of_run: napari.layers.Labels | None = None
        self._showing: ShownClasses | None = None
        self._what_was_chosen = False
        self.rounds = ClassRounds(self.controls, self.run_report, self)
        self.explaining = Explaining(napari_viewer, self.controls, self.layers, self)
        self.checking = MapChecking(self.controls.check, self.controls.why, self.run_report)
        self.giving = ClassGiving(napari_viewer, self.controls, self.layers, self.rounds, self.explaining, self)
        self._closing = DockClosing(self)
        DockTabs(self)
        self._connect()
        if Path(preferred).suffix and Path(preferred).is_file():
            self.open_model(preferred)
        self._on_image_changed()
        self.rounds.open()

    @property
    def run(self) -> Any:
        """What is under way."""
        return self.controls.run

    def open_model(self, path: str | Path) -> None:
        """Add a model file to the list of models and choose it."""
        self.controls.models.open_file(Path(path))

    def current(self) -> ShownClasses | None:
        """Return what is shown of the chosen image."""
        image = self.controls.images.layer()
        return None if image is None else self.shown.get(image.unique_id)

    def run_report(self, message: str) -> None:
        """Tell a person what is wrong."""
        self.controls.run_bar.report(message)

    def start(self) -> None:
        """Classify as set; what keeps it from starting is shown as a notification."""
        if self.run.running:
            return
        try:
            run = self._run()
        except UserError as error:
            self.run_report(str(error))
            return
        self.controls.advise(())
        self.controls.set_running(True)
        self.run.start(with_layers_ready(class_steps(run)), f"Classifying {run.layer_name}")
        self.controls.set_running(True)

    def save(self) -> None:
        """Ask where to, and write the table."""
        shown = self.current()
        if shown is None:
            return
        start = f"{shown.image.name} - classes.csv"
        name, _ = QFileDialog.getSaveFileName(self, "Save the table of classes", start, "Tables (*.csv)")
        if not name:
            return
        path = Path(name if name.lower().endswith(".csv") else f"{name}.csv")
        reading = shown.target.reading
        try:
            # The dialog has asked before it gave the name of a file that is there.
            shown.table.write_csv(
                path, spacing=reading.spacing, unit=reading.unit, overwrite=path == Path(name) and path.is_file()
            )
        except UserError as error:
            self.run_report(str(error))
            return
        self.controls.run_bar.say(f"Saved {len(shown.table.ids):,} rows: {path.name}.")

    def _run(self) -> ClassRun:
        controls = self.controls
        image, model, header = controls.images.layer(), controls.models.path(), controls.models.header()
        if image is None:
            raise UserError("There is no image to classify: open one first (File > Open File(s)...).")
        if model is None or header is None:
            raise UserError("There is no model to classify with: open a model file first.")
        if controls.channels.must_choose:
            raise UserError(f"Layer {image.name!r}: {controls.channels.question}")
        looked_at = controls.looked_at()
        target = target_as_viewed(self._viewer, image)
        labels = self._objects(target) if looked_at == "objects" else None
        chosen = read_preferences()
        self._asked, self._labels_of_run = target, labels
        return ClassRun(
            model=model,
            looked_at=looked_at,
            data=full_resolution(image),
            region=region_in_viewer(self._viewer, image, read_layer(image), 2, controls.region.choice()),
            layer_id=image.unique_id,
            layer_name=image.name,
            labels=None if labels is None else labels.data,
            tile=controls.tile.value(),
            zoom=controls.zoom.value(),
            grey_range=grey_range_of(image),
            device=chosen.device,
            threads=chosen.threads,
        )

    def _objects(self, target: ViewedImage) -> napari.layers.Labels:
        labels = self.controls.labels.layer()
        if labels is None:
            raise UserError(misfit_words(self._viewer, target) or _NO_LABELS)
        laid = take_place(labels, target)
        if laid is not None:
            show_info(laid)
        return labels

    def _connect(self) -> None:
        controls = self.controls
        controls.images.layer_changed.connect(self._on_image_changed)
        controls.images.layer_changed.connect(self.rounds.open)
        controls.models.model_changed.connect(self._on_model_changed)
        controls.models.refused.connect(self.run_report)
        controls.what.activated.connect(self._on_what_chosen)
        controls.classify.clicked.connect(self.start)
        controls.result.save.clicked.connect(self.save)
        controls.result.coloured.connect(self._on_coloured)
        controls.run.ended.connect(self._on_ended)
        controls.run.refused.connect(self._on_refused)
        self._closing.closed.connect(self._leave)
        for emitter in (self._viewer.layers.events.inserted, self._viewer.layers.events.removed):
            emitter.connect(self._on_layers_changed)

    def _on_model_changed(self) -> None:
        path = self.controls.models.path()
        if path is not None:
            keep_classify_model(str(path))
        self.rounds.on_model_changed()
        self.controls.offer_run()
        self._show_reading()

    def _on_what_chosen(self) -> None:
        self._what_was_chosen = True

    def _on_image_changed(self) -> None:
        if not self.run.running:
            self.controls.run_bar.say("")
            self.controls.advise(())
        self._show_reading()
        self._offer_labels()
        self._show_current()

    def _on_layers_changed(self, event: Any = None) -> None:
        there = {layer.unique_id for layer in self._viewer.layers}
        for key, shown in list(self.shown.items()):
            if key not in there or (shown.labels is not None and shown.labels.unique_id not in there):
                del self.shown[key]
        if self._asked is not None and self._asked.layer.unique_id not in there:
            self._asked = None
            self.run.cancel()
        self._offer_labels()
        self._show_current()

    def _show_reading(self) -> None:
        """Say how the image is read, and offer what can be looked at of it."""
        controls = self.controls
        image, header = controls.images.layer(), controls.models.header()
        controls.offer_run()
        if image is None:
            controls.reading.setText("Open an image to begin.")
            controls.region.clear()
            return
        try:
            reading = read_layer(image, None, header.dimensions if header else 2)
        except UserError as error:
            controls.reading.setText(str(error))
            return
        controls.reading.setText("\n".join(filter(None, (reading.describe(), controls.channels.question))))
        controls.region.offer(reading, 2)

    def _offer_labels(self) -> None:
        """List the labels that lie on the image; where there are some, their objects are what is classified."""
        controls, image = self.controls, self.controls.images.layer()
        there: list[napari.layers.Labels] = []
        with suppress(
            UserError
        ):  # of a view in 3D, or an image that cannot be read; said when a person presses a button
            if image is not None:
                target = target_as_viewed(self._viewer, image)
                found = [*placeless_labels(self._viewer, target), *fitting_labels(self._viewer, target)]
                there = [layer for layer in found if notes_of(layer).role != TILES]
        before = controls.labels.layer()
        controls.labels.offer(there, before if before in there else (there[-1] if there else None))
        controls.labels_words.setText("" if there or image is None else _NO_LABELS)
        controls.labels_words.setVisible(bool(controls.labels_words.text()))
        if not self._what_was_chosen:
            controls.choose_what("objects" if there else "image")

    def _on_ended(self, result: ClassResult | None) -> None:
        target, self._asked = self._asked, None
        labels, self._labels_of_run = self._labels_of_run, None
        self.controls.set_running(False)
        if result is None or target is None or target.layer not in self._viewer.layers:
            self.controls.run_bar.say("Cancelled; nothing was changed.")
        elif labels is not None and labels not in self._viewer.layers:
            self.controls.run_bar.say("The labels were removed meanwhile.")
        else:
            self._show(target, labels, result)
        self.ended.emit()

    def _on_refused(self, sentence: str) -> None:
        self._asked = self._labels_of_run = None
        self.controls.set_running(False)
        self.run_report(sentence)
        self.ended.emit()

    def _show(self, target: ViewedImage, labels: napari.layers.Labels | None, result: ClassResult) -> None:
        if result.tiles is not None:
            labels = self.layers.show_tiles(target.layer, result)
        shown = ShownClasses(target, result, labels)
        self.shown[target.layer.unique_id] = shown
        if labels is not None:
            self.layers.note(labels, result)
            self.layers.write(labels, result.table, by_class=True)
            self.controls.result.set_by_class(True)
        self._show_current()
        self.rounds.recall(shown, partial(self.giving.apply, shown))
        found = result.found
        self.controls.advise(tuple(_in_the_window(note) for note in found.notes))
        if target.layer is self.controls.images.layer():
            self.controls.reading.setText(f"read as {found.read_as}")
        self.controls.run_bar.say(f"Done: {found.summary}.")

    def _show_current(self) -> None:
        """Show what there is of the chosen image, unless it is shown already."""
        shown = self.current()
        controls = self.controls
        if shown is self._showing and shown is not None:  # layers come and go, also the frame of the chosen object
            return
        self._showing = shown
        if shown is None:
            controls.result.show_table(None, "objects")
        else:
            controls.result.show_table(shown.table, shown.result.run.looked_at)
        self.giving.show(shown)
        self.checking.follow(shown)

    def _on_coloured(self, by_class: bool) -> None:
        shown = self.current()
        if shown is not None and shown.labels is not None:
            self.layers.colour(shown.labels, shown.table, by_class=by_class)

    def _leave(self, viewer_stays: bool) -> None:
        """End all work: the dock, or the window, was closed."""
        self.giving.leave()
        self.explaining.leave()
        self.checking.leave(wait=not viewer_stays)
        self.run.leave(wait=not viewer_stays)
        self.rounds.leave()
        self.controls.images.disconnect_viewer()
        for emitter in (self._viewer.layers.events.inserted, self._viewer.layers.events.removed):
            with suppress(ValueError):  # it may be gone already
                emitter.disconnect(self._on_layers_changed)
        if viewer_stays:
            self.layers.remove()


def _in_the_window(note: str) -> str:
    """Return what a person should know, with the words of the window for what can be set."""
    return note.replace(
        "give a zoom below 1 (--zoom in the shell, zoom= in Python)", "choose a smaller number for Enlarge, above"
    )
