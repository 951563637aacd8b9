"""The dock widget "Measure": size, form and grey values of the objects in labels."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari.layers
import napari.viewer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_medt.controls.accessible.focus_frame import FocusFrames
from napari_medt.controls.dock_closing import DockClosing
from napari_medt.controls.dock_tabs import DockTabs
from napari_medt.measuring.controls import MeasureControls
from napari_medt.measuring.layers import ChosenMark
from napari_medt.measuring.subject import Subject, images_for, is_measured, subject_of
from napari_medt.viewer.labels.features import NUMBER, join_features
from napari_medt.viewer.layer_notes import notes_of, write_notes
from napari_medt.viewer.result_layers import with_layers_ready
from napari_medt.viewer.viewed_image import bring_into_view
from src_models.errors import UserError
from src_models.labels.measurements.table import ID, write_table

if TYPE_CHECKING:
    from src_models.labels.measurements.table import Measurements

__all__ = ["MeasureWidget"]

_NO_LABELS = "There are no labels to measure: open some, or find objects with the widgets Segment or Click."
_NOTE = "measured"  # in the notes of the labels: the columns that are ours
_THEIRS = (ID, "time", "name", "class", "probability")  # columns that the features have from elsewhere, or not at all


class MeasureWidget(QWidget):
    """Measure the objects, or classes, of labels.

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
        self._mark = ChosenMark(napari_viewer)
        self.controls = MeasureControls(self)
        self.measured: dict[Any, tuple[Subject, Measurements]] = {}  # by labels
        self._asked: tuple[napari.layers.Labels, Subject] | None = None  # of the run under way
        self._closing = DockClosing(self)
        DockTabs(self)
        self._connect()
        self._offer_labels()

    @property
    def run(self) -> Any:
        """What is under way."""
        return self.controls.run

    def table(self) -> Measurements | None:
        """Return what was measured of the chosen labels."""
        found = self._current()
        return None if found is None else found[1]

    def start(self) -> None:
        """Measure as set; what keeps it from starting is shown as a notification."""
        if self.run.running:
            return
        labels = self.controls.labels.layer()
        try:
            if labels is None:
                raise UserError(_NO_LABELS)
            subject = subject_of(labels, self.controls.image())
        except UserError as error:
            self.controls.run_bar.report(str(error))
            return
        self._asked = (labels, subject)
        self.run.start(with_layers_ready(subject.steps()), f"Measuring {labels.name}")
        self.controls.set_running(True)
        self.controls.run_bar.say("Measuring...")

    def save(self) -> None:
        """Ask where to, and write the table."""
        table, labels = self.table(), self.controls.labels.layer()
        if table is None or labels is None:
            return
        start = f"{labels.name} - measurements.csv"
        name, _ = QFileDialog.getSaveFileName(self, "Save the measurements", start, "Tables (*.csv)")
        if not name:
            return
        path = Path(name if name.lower().endswith(".csv") else f"{name}.csv")
        try:
            # The dialog has asked before it gave the name of a file that is there.
            write_table(path, table, overwrite=path == Path(name) and path.is_file())
        except UserError as error:
            self.controls.run_bar.report(str(error))
            return
        self.controls.run_bar.say(f"Saved {len(table):,} rows: {path.name}.")

    def go_to(self, row: int) -> None:
        """Bring the object of a row into view with a ring around its middle, and choose its number."""
        found, labels = self._current(), self.controls.labels.layer()
        if found is None or labels is None:
            return
        subject, table = found
        self.controls.table.choose(row)
        self.controls.plot.choose(row)
        labels.selected_label = table.ids[row]
        middle = subject.position(labels.ndim, table.positions[row])
        self._mark.show(labels, middle, table.equivalent_diameter(row))
        bring_into_view(self._viewer, labels, middle)

    def _connect(self) -> None:
        controls = self.controls
        controls.labels.layer_changed.connect(self._on_labels_changed)
        controls.measure.clicked.connect(self.start)
        controls.save.clicked.connect(self.save)
        controls.table.chosen.connect(self.go_to)
        controls.plot.chosen.connect(self.go_to)
        controls.run.ended.connect(self._on_ended)
        controls.run.refused.connect(self._on_refused)
        self._closing.closed.connect(self._leave)
        for emitter in (self._viewer.layers.events.inserted, self._viewer.layers.events.removed):
            emitter.connect(self._on_layers_changed)
        self._viewer.layers.selection.events.active.connect(self._follow)

    def _current(self) -> tuple[Subject, Measurements] | None:
        labels = self.controls.labels.layer()
        return None if labels is None else self.measured.get(labels.unique_id)

    def _on_layers_changed(self, _event: Any = None) -> None:
        there = {layer.unique_id for layer in self._viewer.layers}
        for key in [key for key in self.measured if key not in there]:
            del self.measured[key]
        if self._asked is not None and self._asked[0].unique_id not in there:
            self.run.cancel()
        self._offer_labels()

    def _follow(self, _event: Any = None) -> None:
        """Choose the labels that a person selects in the list of layers."""
        active = self._viewer.layers.selection.active
        listed = self.controls.labels.layers()
        chosen = next((layer for layer in listed if layer == active), None)  # napari hands out proxies
        if chosen is not None and chosen is not self.controls.labels.layer():
            self.controls.labels.offer(listed, chosen)
            self._on_labels_changed()

    def _offer_labels(self) -> None:
        before = self.controls.labels.layer()
        there = [layer for layer in self._viewer.layers if is_measured(layer)]
        chosen = before if before in there else (there[-1] if there else None)
        self.controls.labels.offer(there, chosen)
        self._offer_images()
        if chosen is not before or before is None:
            self._show()

    def _on_labels_changed(self) -> None:
        self._mark.hide()
        self._offer_images(anew=True)
        self._show()

    def _offer_images(self, *, anew: bool = False) -> None:
        """List the images below the labels, and choose the uppermost one unless a person has chosen."""
        labels, before = self.controls.labels.layer(), self.controls.image()
        there = [] if labels is None else images_for(labels, self._viewer.layers)
        listed_before = self.controls.listed_images()
        chosen = before if before in there else (there[-1] if there else None)
        if before is None and listed_before and not anew and set(there) <= set(listed_before):
            chosen = None  # a person wants none
        self.controls.offer_images(there, chosen)
        self.controls.words.setText(_NO_LABELS if labels is None else "")
        self.controls.words.setVisible(labels is None)
        self.controls.measure.setEnabled(labels is not None and not self.run.running)

    def _show(self) -> None:
        self.controls.show_table(self.table())

    def _on_ended(self, table: Measurements | None) -> None:
        asked, self._asked = self._asked, None
        self.controls.set_running(False)
        if table is None or asked is None or asked[0] not in self._viewer.layers:
            self.controls.run_bar.say("Cancelled; nothing was changed.")
        else:
            labels, subject = asked
            self.measured[labels.unique_id] = (subject, table)
            _write_features(labels, table)
            self._show()
            count = len(set(table.ids))
            self.controls.run_bar.say(f"Measured {count:,} {'object' if count == 1 else 'objects'}.")
        self.ended.emit()

    def _on_refused(self, sentence: str) -> None:
        self._asked = None
        self.controls.set_running(False)
        self.controls.run_bar.report(sentence)
        self.ended.emit()

    def _leave(self, viewer_stays: bool) -> None:
        """End all work: the dock, or the window, was closed."""
        self.run.leave(wait=not viewer_stays)
        self._mark.hide()
        events = self._viewer.layers.events
        for emitter, slot in (
            (events.inserted, self._on_layers_changed),
            (events.removed, self._on_layers_changed),
            (self._viewer.layers.selection.events.active, self._follow),
        ):
            with suppress(ValueError):  # it may be gone already
                emitter.disconnect(slot)


def _write_features(labels: napari.layers.Labels, table: Measurements) -> None:
    """Write measures into the features of labels, in place of those of an earlier run; of a series, the largest."""
    columns = table.largest()
    ours = {title: column for title, column in columns.items() if title not in _THEIRS}
    notes = notes_of(labels)
    before = set(notes.provenance.get(_NOTE, ())) | set(ours)
    join_features(labels, {NUMBER: columns[ID], **ours}, own=lambda name: name in before)
    write_notes(labels, replace(notes, provenance={**notes.provenance, _NOTE: list(ours)}))
