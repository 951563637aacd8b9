"""Finding, mending and marking: the labels that are corrected, and the outline of what changed in them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import napari.layers
import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_medt.click_target import ClickTarget
from napari_medt.correction_desk import Kept, Marked, keep
from napari_medt.correction_labels import (
    begin,
    changed_in,
    clicked_objects,
    correctable,
    first_prediction,
    prediction_of,
)
from napari_medt.correction_layers import CHANGES, NEXT
from napari_medt.correction_source import place_words, source_of
from napari_medt.layers import notes_of
from napari_medt.segmentation_task import Outcome, segmentation_steps
from napari_medt.widgets.click_mouse import ClickMouse
from napari_medt.widgets.correcting import Correcting
from napari_medt.widgets.unsaved_corrections import UnsavedCorrections
from src_models.errors import UserError

__all__ = ["Marking"]

_DELAY_MS = 200  # that the outline of changes lags behind a stroke
_WATCHED = ("paint", "labels_update", "set_data", "data", "visible")
_OFFERED_ROLES = ("labels", "clicked objects")  # of other widgets' labels, that are chosen without being asked
_MODES = {"slice": "{place} kept", "region": "A region of {place} kept", "painted": "What you painted in {place} kept"}


class Marking(QObject):
    """The part of the widget in which a person works on labels.

    Parameters
    ----------
    correcting
        The state of the widget.
    parent
        The widget.
    """

    kept = Signal(object)  #: a correction is on disk

    def __init__(self, correcting: Correcting, parent: QObject) -> None:
        super().__init__(parent)
        self._at = correcting
        self._controls = correcting.controls
        self._viewer = correcting.viewer
        self.mouse = ClickMouse(correcting.viewer, self)
        self.unsaved = UnsavedCorrections(correcting, self.choose)
        self._watched: Any = None
        self._painting = "pan_zoom"  # the tool that was in hand before a region was asked for
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MS)
        self._timer.timeout.connect(self._draw_changes)
        self._connect()

    def labels(self) -> napari.layers.Labels | None:
        """Return the labels that are corrected."""
        labels = self._controls.labels.layer()
        return labels if labels is not None and labels in self._viewer.layers else None

    def offer_labels(self) -> None:
        """List the labels that fit the image; those that were chosen stay, else what a network made is chosen."""
        chosen = self.labels()
        try:
            fitting = correctable(self._viewer, self._at.target())
        except UserError:  # of a view in 3D, say; said when a person presses a button
            fitting = [] if chosen is None else [chosen]
        if chosen not in fitting:
            own = [
                layer
                for layer in fitting
                if prediction_of(layer) is not None or notes_of(layer).get("role") in _OFFERED_ROLES
            ]
            chosen = own[-1] if own else None
        self._controls.labels.offer(fitting, chosen)
        self._take()

    def choose(self, labels: napari.layers.Labels) -> None:
        """Correct these labels."""
        self._controls.labels.offer(correctable(self._viewer, self._at.target()), labels)
        self._take()
        if self.labels() != labels:
            raise UserError(
                f"the labels {labels.name!r} are not as large as {self._at.target().name}, or lie elsewhere: choose "
                "the image that they were made for"
            )

    def segment(self) -> None:
        """Run the model, and put what it finds into labels to paint in."""
        target = self._at.target()
        region = self._at.region(target, self._controls.region.choice())
        labels = self.labels()
        previous = labels.data if labels is not None and prediction_of(labels) is not None else None
        job = self._at.job(target, region, self._at.model(), previous=previous)
        self._at.start(segmentation_steps(job), f"Segmenting {target.layer.name}", partial(self._segmented, target))

    def paint_object(self) -> None:
        """Take the brush for a new object, or for the first class."""
        labels, prediction = self._corrected()
        if self._numbers_objects():
            data = labels.data
            highest = int(np.max(data, initial=0, where=data != prediction.background))
            labels.selected_label = highest + 1
        elif labels.selected_label in (0, prediction.background):
            labels.selected_label = 1
        self._take_brush(labels)

    def paint_background(self) -> None:
        """Take the brush for background."""
        labels, prediction = self._corrected()
        labels.selected_label = prediction.background
        self._take_brush(labels)
        self._at.say("Paint where there is nothing, then mark what you painted, or the whole slice.")

    def mark(self, mode: Any, part: Any = None) -> None:
        """Mark the plane in view as corrected.

        Parameters
        ----------
        mode
            "slice", "region" or "painted".
        part
            Rows and columns of a region.
        """
        labels, prediction = self._corrected()
        target, folder = self._at.target(), self._at.folder()
        assert folder is not None  # there is an image
        plane = target.index(target.plane, slice(None), slice(None))
        shown = np.array(labels.data[plane])
        work = Marked(
            folder=folder,
            data=target.data,
            region=target.region,
            labels=shown,
            predicted=np.array(prediction.data[plane]),
            background=shown == prediction.background,
            source=source_of(target),
            mode=mode,
            part=part,
            objects=clicked_objects(labels, shown),
            model_name=prediction.model_name,
            model_sha256=prediction.model_sha256,
        )
        asked = ("keep", (target, labels, plane))
        self._at.work.ask(asked, partial(keep, work))

    def on_kept(self, asked: tuple[ClickTarget, napari.layers.Labels, Any], result: Kept) -> None:
        """Tell that a correction is on disk; background that was painted in it is background from now on."""
        target, labels, plane = asked
        marked = result.marked
        if labels in self._viewer.layers and labels.data.shape == target.shape:
            _make_background(labels, plane, marked)
            if marked.mode != "region":
                self.unsaved.note_marked(labels, plane)
        if labels in self._viewer.layers:
            self._look_again()
        count = len(result.items)
        corrections = "1 correction" if count == 1 else f"{count} corrections"
        words = _MODES[marked.mode].format(place=place_words(marked.source))
        if marked.mode == "slice" and marked.source.plane:
            words = words[:1].upper() + words[1:]
        self._at.say(f"{words} ({corrections} so far).")
        self.kept.emit(result)

    def look_for_region(self, wanted: bool) -> None:
        """Let a drag show a region, or not any more."""
        self.mouse.switch(False)
        if not wanted:
            self._give_brush_back()
            return
        try:
            labels, _ = self._corrected()
        except UserError:
            self._controls.marking.mark_region.setChecked(False)
            raise
        self._viewer.layers.selection.active = labels
        self._painting = str(labels.mode)
        self.mouse.switch(True)
        self._at.say("Drag a box in the image over what is right now.")

    def forget_removed(self) -> None:
        """Leave labels alone that were removed."""
        self.unsaved.autosave.drop_removed(self._viewer)
        self.offer_labels()

    def leave(self) -> None:
        """Stop listening."""
        self._timer.stop()
        self.mouse.switch(False)
        self._watch(None)
        for emitter in (self._viewer.dims.events.current_step, self._viewer.dims.events.order):
            with suppress(ValueError):  # it may be gone already
                emitter.disconnect(self._look_again)
        with suppress(ValueError):
            self._viewer.dims.events.ndisplay.disconnect(self._on_view_changed)
        self.unsaved.leave()

    def _connect(self) -> None:
        controls, trying = self._controls, self._at.trying
        controls.segment.clicked.connect(trying(lambda *_: self.segment()))
        controls.labels.layer_changed.connect(trying(lambda *_: self._take()))
        marking = controls.marking
        marking.object_brush.connect(trying(self.paint_object))
        marking.background_brush.connect(trying(self.paint_background))
        marking.slice_marked.connect(trying(partial(self.mark, "slice")))
        marking.painted_marked.connect(trying(partial(self.mark, "painted")))
        marking.region_wanted.connect(trying(self.look_for_region))
        self.mouse.dragging.connect(trying(self._show_drag))
        self.mouse.dragged.connect(trying(self._on_dragged))
        self.mouse.lost.connect(lambda: marking.mark_region.setChecked(False))
        self.mouse.tool_in_hand.connect(self._on_tool)
        self.mouse.clicked.connect(lambda *_: self._at.report("Hold the mouse button and drag a box over the region."))
        self._viewer.dims.events.current_step.connect(self._look_again)
        self._viewer.dims.events.order.connect(self._look_again)
        self._viewer.dims.events.ndisplay.connect(self._on_view_changed)

    def _on_tool(self, tool: str | None) -> None:
        """Leave the region alone when a person takes a tool in hand, which drags belong to."""
        if tool is not None and self._controls.marking.mark_region.isChecked():
            self._painting = tool
            self._controls.marking.mark_region.setChecked(False)

    def _on_view_changed(self, event: Any = None) -> None:
        self._at.trying(self.offer_labels)()

    def _corrected(self) -> tuple[napari.layers.Labels, Any]:
        """Return the labels and what was found in them.

        Raises
        ------
        UserError
            If there are none, or they are of another shape than the image.
        """
        target, labels = self._at.target(), self.labels()
        if labels is None:
            raise UserError("There are no labels to correct yet: press Segment to correct, or choose labels of yours.")
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
        self._watch(labels)
        if labels is None:
            none = "Press Segment to correct: what the model finds can then be mended with napari's brush."
            self._controls.marking.set_ready(False, none)
            self._at.layers.hide(CHANGES)
            return
        self._corrected()
        self.unsaved.watch(labels, self._at.target())
        self._controls.marking.set_ready(True, self._hint(), slices=bool(self._at.target().plane))
        self._look_again()

    def _hint(self) -> str:
        header = self._controls.models.header()
        if header is None or self._numbers_objects():
            return (
                "Mend with napari's tools (keys: 1 eraser, 2 brush, 4 fill, 5 picks an object). Each object "
                "has a number of its own."
            )
        classes = ", ".join(f"{number} = {name}" for number, name in enumerate(header.classes) if number)
        return f"Mend with napari's tools (keys: 1 eraser, 2 brush). Numbers are classes: {classes}."

    def _numbers_objects(self) -> bool:
        header = self._controls.models.header()
        return header is None or header.result == "instances"

    def _take_brush(self, labels: napari.layers.Labels) -> None:
        self._viewer.layers.selection.active = labels
        labels.visible = True
        labels.mode = "paint"

    def _segmented(self, target: ClickTarget, outcome: Outcome) -> None:
        """Write what was found into labels, new ones where a person painted in the same part meanwhile or before."""
        if target.layer not in self._viewer.layers:
            self._at.say("The image was removed; nothing was changed.")
            return
        cut, labels = outcome.job.region.layer_index, self.labels()
        prediction = None if labels is None else prediction_of(labels)
        edited = labels is not None and (
            prediction is None
            or labels.data.shape != target.shape
            or bool(changed_in(labels.data[cut], prediction.data[cut], prediction.background).any())
        )
        if labels is None or edited:
            labels = self._at.layers.add_labels(target)
        found = np.asarray(outcome.labels)
        earlier = prediction_of(labels)
        predicted = np.zeros_like(labels.data) if earlier is None else earlier.data
        labels.data[cut] = predicted[cut] = found.astype(labels.data.dtype)
        sha256 = outcome.segmentation.provenance["model_sha256"]
        begin(labels, predicted, model_name=outcome.model_name, model_sha256=sha256)
        labels.refresh()
        self.unsaved.autosave.wrote(labels, cut)
        self.choose(labels)
        self.paint_object()
        kept = " What you painted before is in the other labels." if edited else ""
        self._at.say(f"Found: {outcome.summary}. Mend what is wrong, then mark it as corrected.{kept}")

    def _show_drag(self, line: Sequence[Sequence[float]]) -> None:
        target = self._at.target()
        (y0, x0), (y1, x1) = target.corner(line[0]), target.corner(line[-1])
        self._at.layers.show_box(target, target.plane, [(y0, x0), (y0, x1), (y1, x1), (y1, x0), (y0, x0)])

    def _on_dragged(self, line: Sequence[Sequence[float]], *_: Any) -> None:
        target = self._at.target()
        rows, columns = zip(target.corner(line[0]), target.corner(line[-1]), strict=True)
        self._controls.marking.mark_region.setChecked(False)
        self.mark("region", (_span(rows), _span(columns)))

    def _give_brush_back(self) -> None:
        labels, self._painting = self.labels(), "pan_zoom" if self.labels() is None else self._painting
        if labels is not None and self._painting != "pan_zoom":
            labels.mode = self._painting
        image = self._at.image()
        if image is not None:
            self._at.layers.hide(NEXT)

    def _watch(self, labels: napari.layers.Labels | None) -> None:
        """Follow the strokes in labels."""
        own: Any = getattr(labels, "__wrapped__", labels)
        if own is self._watched:
            return
        for name in _WATCHED:
            if self._watched is not None:
                self._watched.events[name].disconnect(self._look_again)
            if own is not None:
                own.events[name].connect(self._look_again)
        self._watched = own

    def _look_again(self, event: Any = None) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _draw_changes(self) -> None:
        labels = self.labels()
        problem = self.unsaved.new_problem()
        if problem is not None:
            self._at.report(f"Your strokes are not kept on disk at the moment: {problem}")
        if labels is None:
            return
        with suppress(UserError):  # of a view in 3D, or labels that a person replaced; said when a button is pressed
            target = self._at.target()
            if labels.data.shape == target.shape:
                changed = self._at.layers.show_changes(target, labels, self._at.seen(target))
                self._controls.marking.set_changed(changed)


def _span(ends: Sequence[float]) -> tuple[int, int]:
    return round(min(ends)), round(max(ends)) + 1


def _make_background(labels: napari.layers.Labels, plane: Any, marked: Marked) -> None:
    """Let what was painted as background, and was marked, become background in the labels too."""
    background = marked.background.copy()
    if marked.part is not None:
        (top, bottom), (left, right) = marked.part
        inside = np.zeros_like(background)
        inside[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
        background &= inside
    prediction = prediction_of(labels)
    if prediction is None:
        return
    rows, columns = np.nonzero(background & (labels.data[plane] == prediction.background))
    if len(rows):
        places = iter((rows, columns))
        index = [next(places) if isinstance(at, slice) else np.full(len(rows), at) for at in plane]
        labels.data_setitem(tuple(index), 0)
