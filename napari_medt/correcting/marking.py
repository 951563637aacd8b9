"""Finding, mending and marking: the labels that are corrected, and the outline of what changed in them."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

import napari.layers
import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_medt.correcting.background_colour import show_background_grey
from napari_medt.correcting.box_drag import BoxDrag
from napari_medt.correcting.changes_outline import ChangesOutline
from napari_medt.correcting.clears import Clears
from napari_medt.correcting.context import CorrectContext
from napari_medt.correcting.labels import (
    begin,
    correctable,
    first_prediction,
    highest_number,
    prediction_of,
    what_changed,
    write_where_held,
)
from napari_medt.correcting.learning.label_meaning import LabelMeaning
from napari_medt.correcting.source import place_words, source_of
from napari_medt.correcting.unsaved import UnsavedCorrections
from napari_medt.viewer.labels.class_names import name_classes
from napari_medt.viewer.labels.labels_layers import misfit_words, take_place
from napari_medt.viewer.labels.object_records import records_of
from napari_medt.viewer.layer_notes import notes_of
from napari_medt.viewer.viewed_image import ViewedImage
from src_models.errors import UserError
from src_models.finetuning.correction_folder import Kept, Marked, keep
from src_models.prediction.jobs import RegionResult

__all__ = ["Marking"]

_OFFERED_ROLES = ("labels", "clicked objects")  # of other widgets' labels, that are chosen without being asked
_MODES = {"slice": "{place} kept", "region": "A region of {place} kept", "painted": "What you painted in {place} kept"}


class Marking(QObject):
    """The part of the widget in which a person works on labels.

    Parameters
    ----------
    correcting
        The state of the widget.
    meaning
        What the labels mean.
    parent
        The widget.
    """

    kept = Signal(object)  #: a correction is on disk (a Kept)

    def __init__(self, correcting: CorrectContext, meaning: LabelMeaning, parent: QObject) -> None:
        super().__init__(parent)
        self._context = correcting
        self._meaning = meaning
        self._controls = correcting.controls
        self._viewer = correcting.viewer
        self.box = BoxDrag(correcting, lambda: self.corrected()[0], self)
        self.clears = Clears(correcting, self.corrected, meaning.numbers_objects)
        self.unsaved = UnsavedCorrections(correcting, self.choose)
        self.changes = ChangesOutline(correcting, self)
        self.changes.looked.connect(self._tell_problem)
        self._connect()

    def labels(self) -> napari.layers.Labels | None:
        """Return the labels that are corrected."""
        labels = self._controls.labels.layer()
        return labels if labels is not None and labels in self._viewer.layers else None

    def offer_labels(self) -> None:
        """List the labels that fit the image; those that were chosen stay, else what a network made is chosen."""
        chosen = self.labels()
        try:
            fitting = correctable(self._viewer, self._context.target())
        except UserError:  # of a view in 3D, say; said when a person presses a button
            fitting = [] if chosen is None else [chosen]
        if chosen not in fitting:
            own = [
                layer for layer in fitting if prediction_of(layer) is not None or notes_of(layer).role in _OFFERED_ROLES
            ]
            chosen = own[-1] if own else None
        self._controls.labels.offer(fitting, chosen)
        self._take()

    def choose(self, labels: napari.layers.Labels) -> None:
        """Correct these labels."""
        self._controls.labels.offer(correctable(self._viewer, self._context.target()), labels)
        self._take()
        if self.labels() != labels:
            raise UserError(
                f"the labels {labels.name!r} are not as large as {self._context.target().name}, or lie elsewhere: "
                f"choose the image that they were made for. {self._misfits()}".rstrip()
            )

    def segment(self) -> None:
        """Run the model, and put what it finds into labels to paint in."""
        target = self._context.target()
        region = self._context.region(target, self._controls.region.choice())
        labels = self.labels()
        previous = labels.data if labels is not None and prediction_of(labels) is not None else None
        job = self._context.job(target, region, self._context.model(), previous=previous)
        self._context.start(
            self._context.found.steps(job), f"Segmenting {target.layer.name}", partial(self._segmented, target)
        )

    def begin_empty(self) -> None:
        """Begin with labels in which there is nothing yet."""
        target = self._context.target()
        labels = self._context.layers.new_labels(target)
        begin(labels, np.zeros_like(labels.data), model_name=None, model_sha256=None)
        self.choose(labels)
        self.paint_object()
        words = "the objects, each with New object brush" if self._meaning.numbers_objects() else "each class"
        self._context.say(f"Paint {words}, then mark what is right.")

    def paint_object(self) -> None:
        """Take the brush for a new object, or for the first class."""
        labels, prediction = self.corrected()
        if self._meaning.numbers_objects():
            labels.selected_label = highest_number(labels.data, prediction.background) + 1
        elif labels.selected_label in (0, prediction.background):
            labels.selected_label = 1
        self._take_brush(labels)

    def paint_background(self) -> None:
        """Take the brush for background."""
        labels, prediction = self.corrected()
        show_background_grey(labels, prediction.background)
        labels.selected_label = prediction.background
        self._take_brush(labels)
        self._context.say("Paint where there is nothing, then mark only what you painted, or all of it.")

    def mark(self, mode: Any, part: Any = None) -> None:
        """Mark the plane in view as corrected.

        Parameters
        ----------
        mode
            "slice", "region" or "painted".
        part
            Rows and columns of a region.
        """
        labels, prediction = self.corrected()
        target, folder = self._context.target(), self._context.folder()
        assert folder is not None  # there is an image
        plane = target.index(target.plane, slice(None), slice(None))
        work = Marked(
            folder=folder,
            data=target.data,
            region=target.region,
            predicted=prediction.data[plane],
            changed=what_changed(labels.data[plane], prediction.data[plane]),
            background=prediction.background,
            source=source_of(target),
            mode=mode,
            part=part,
            objects=records_of(labels),
            model_name=prediction.model_name,
            model_sha256=prediction.model_sha256,
            deep=self._deep(target),
        )
        asked = ("keep", (target, labels, plane))
        self._context.work.ask(asked, partial(keep, work))

    def _deep(self, target: ViewedImage) -> int:
        """Return how many slices are kept: 3D models, and those of slices, learn from a slice with those around it."""
        header = self._controls.models.header()
        if header is None or (header.dimensions == 2 and "Z" not in target.region.letters):
            return 0
        return header.slices_kept

    def on_kept(self, asked: tuple[ViewedImage, napari.layers.Labels, Any], result: Kept) -> str:
        """Return words on a correction that is on disk; background that was painted is background from now on."""
        target, labels, plane = asked
        marked = result.marked
        if labels in self._viewer.layers and labels.data.shape == target.shape:
            # What was painted so is background from now on.
            write_where_held(labels, plane, result.background, marked.background, 0)
            if marked.mode != "region":
                self.unsaved.note_marked(labels, plane, result.checksum)
        if labels in self._viewer.layers:
            self.changes.look_again()
        count = len(result.items)
        corrections = "1 correction" if count == 1 else f"{count} corrections"
        words = _MODES[marked.mode].format(place=place_words(marked.source))
        if marked.mode == "slice" and marked.source.plane:
            words = words[:1].upper() + words[1:]
        self.kept.emit(result)
        return f"{words} ({corrections} so far)."

    def forget_removed(self) -> None:
        """Leave labels alone that were removed."""
        self.unsaved.watched.drop_removed(self._viewer)
        self.offer_labels()

    def leave(self) -> None:
        """Stop listening."""
        self.box.leave()
        self.changes.leave()
        with suppress(ValueError):  # it may be gone already
            self._viewer.dims.events.ndisplay.disconnect(self._on_view_changed)
        self.unsaved.leave()

    def _connect(self) -> None:
        controls, trying = self._controls, self._context.trying
        controls.segment.clicked.connect(trying(lambda *_: self.segment()))
        controls.empty.clicked.connect(trying(lambda *_: self.begin_empty()))
        controls.labels.layer_changed.connect(trying(lambda *_: self._take()))
        marking = controls.marking
        marking.object_brush.connect(trying(self.paint_object))
        marking.background_brush.connect(trying(self.paint_background))
        marking.slice_marked.connect(trying(partial(self.mark, "slice")))
        marking.painted_marked.connect(trying(partial(self.mark, "painted")))
        marking.view_cleared.connect(trying(self.clears.clear_view))
        for button, words, then in (
            (marking.mark_region, "Drag a box in the image over what is right now.", partial(self.mark, "region")),
            (marking.clear_region, "Drag a box in the image over the objects that are to go.", self.clears.clear),
        ):
            button.toggled.connect(trying(partial(self.box.wait, button, words, then)))
        self._viewer.dims.events.ndisplay.connect(self._on_view_changed)

    def _on_view_changed(self, event: Any = None) -> None:
        self._context.trying(self.offer_labels)()

    def corrected(self) -> tuple[napari.layers.Labels, Any]:
        """Return the labels and what was found in them.

        Raises
        ------
        UserError
            If there are none, or they are of another shape than the image.
        """
        target, labels = self._context.target(), self.labels()
        if labels is None:
            raise UserError(
                "There are no labels to correct yet: press Segment to correct, or Begin empty, or choose labels of "
                "yours."
            )
        if labels.data.shape != target.shape:
            raise UserError(
                f"the labels {labels.name!r} have the shape {labels.data.shape} and {target.name} needs "
                f"{target.shape}: choose labels that were made for this image"
            )
        prediction = prediction_of(labels)
        if prediction is None or prediction.data.shape != labels.data.shape:
            predicted, name, sha256 = first_prediction(labels)
            prediction = begin(labels, predicted, model_name=name, model_sha256=sha256)
        return labels, prediction

    def _take(self) -> None:
        """Begin with the labels that were chosen."""
        labels = self.labels()
        self.changes.watch(labels)
        if labels is None:
            none = "Press Segment to correct, and mend with napari's brush what the model finds; or begin empty."
            self._controls.marking.set_ready(False, f"{none} {self._misfits()}".rstrip())
            return
        laid = take_place(labels, self._context.target())
        _, prediction = self.corrected()
        show_background_grey(labels, prediction.background)
        self.unsaved.watch(labels, self._context.target())
        self._show_meaning(labels)
        self.changes.look_again()
        if laid is not None:
            self._context.say(laid)

    def _misfits(self) -> str:
        """Return why labels in the viewer cannot be chosen."""
        try:
            return misfit_words(self._viewer, self._context.target())
        except UserError:  # there is no image, or it is viewed in 3D
            return ""

    def _show_meaning(self, labels: napari.layers.Labels) -> None:
        name_classes(labels, self._meaning.class_names())
        marking = self._controls.marking
        marking.brush.setText("New object brush" if self._meaning.numbers_objects() else "Class brush")
        marking.set_ready(True, self._hint(), slices=bool(self._context.target().plane))

    def _hint(self) -> str:
        if self._meaning.numbers_objects():
            return (
                "Mend with napari's tools (keys: 1 eraser, 2 brush, 4 fill, 5 picks an object). Each object "
                "has a number of its own."
            )
        classes = ", ".join(f"{number} = {name}" for number, name in enumerate(self._meaning.class_names(), 1))
        return f"Mend with napari's tools (keys: 1 eraser, 2 brush). Numbers are classes: {classes}."

    def on_meaning_changed(self) -> None:
        """Say of the labels what they mean now."""
        labels = self.labels()
        if labels is not None and prediction_of(labels) is not None:
            self._show_meaning(labels)

    def _take_brush(self, labels: napari.layers.Labels) -> None:
        self._viewer.layers.selection.active = labels
        labels.visible = True
        labels.mode = "paint"

    def _segmented(self, target: ViewedImage, outcome: RegionResult) -> None:
        """Write what was found into labels, new ones where a person painted in the same part meanwhile or before."""
        if target.layer not in self._viewer.layers:
            self._context.say("The image was removed; nothing was changed.")
            return
        cut, labels = outcome.job.region.layer_index, self.labels()
        prediction = None if labels is None else prediction_of(labels)
        found, edited = np.asarray(outcome.labels), False
        if labels is not None:
            edited = (
                prediction is None
                or labels.data.shape != target.shape
                or not np.array_equal(labels.data[cut], prediction.data[cut])
            )
        if labels is None or prediction is None or edited:
            labels = self._context.layers.new_labels(target, cut, found)
            predicted = np.array(labels.data)
        else:
            predicted = (
                np.array(prediction.data) if self._context.work.untold else prediction.data
            )  # it may be being read
            labels.data[cut] = predicted[cut] = found.astype(labels.data.dtype)
            labels.refresh()
        sha256 = outcome.segmentation.provenance["model_sha256"]
        begin(labels, predicted, model_name=outcome.model_name, model_sha256=sha256)
        self.unsaved.wrote(labels, cut)
        self.choose(labels)
        self.paint_object()
        kept = " What you painted before is in the other labels." if edited else ""
        self._context.say(
            f"Found: {outcome.summary}. Mend what is wrong, then mark it as corrected.{kept}{self._meaning.mismatch()}"
        )

    def _tell_problem(self) -> None:
        problem = self.unsaved.new_problem()
        if problem is not None:
            self._context.report(f"Your strokes are not kept on disk at the moment: {problem}")
