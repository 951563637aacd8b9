"""The dock widget "Click": click on an object and it is segmented; mend it with more clicks; accept; next."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import napari.layers
import napari.viewer
import numpy as np
from napari.utils.notifications import show_error
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_medt.accepting import add_objects_layer, check_object, free_part, write_object
from napari_medt.click_desk import ClickDesk, Seen, Subject
from napari_medt.click_layers import ClickLayers
from napari_medt.click_target import ClickTarget
from napari_medt.ct_layer import shows_ct
from napari_medt.saving_objects import save_objects
from napari_medt.widgets.click_controls import ClickControls
from napari_medt.widgets.click_help import KEYS
from napari_medt.widgets.click_keys import ClickKeys
from napari_medt.widgets.click_mouse import ClickMouse
from napari_medt.widgets.click_subjects import ClickSubjects
from napari_medt.widgets.dock_closing import DockClosing
from napari_medt.widgets.dock_tabs import DockTabs
from napari_medt.widgets.ordered_work import OrderedWork
from napari_medt.widgets.unsaved_objects import UnsavedObjects
from src_models.clicking.accepted import AcceptedObject, ObjectSlice
from src_models.clicking.prompts import Box, Click, Prompt, Scribble
from src_models.errors import UserError

__all__ = ["ClickWidget"]

Plane = tuple[int, ...]
_EXAMPLES = 2  # accepted objects that suggestions are like


class ClickWidget(QWidget):
    """Segment objects by clicking on them.

    Parameters
    ----------
    napari_viewer
        The viewer that the widget works in.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self.controls = ClickControls(self, napari_viewer)
        self.layers = ClickLayers(napari_viewer)
        self.mouse = ClickMouse(napari_viewer, self)
        self.keys = ClickKeys(self, KEYS)
        self.work = OrderedWork("clicks", self)
        self._desk = ClickDesk()
        self.subjects = ClickSubjects(napari_viewer, self.controls)
        self.unsaved = UnsavedObjects(napari_viewer, self.controls, self.subjects, self._report, self._open)
        self._seen: Seen | None = None
        self._pending: list[tuple[Hashable, Plane, Prompt]] = []  # given, not answered yet
        self._last: dict[Hashable, tuple[Any, int]] = {}  # the session and the number of the object accepted last
        self._again: dict[Hashable, int] = {}  # numbers of accepted objects that are worked on again
        self._examples: dict[Hashable, list[ObjectSlice]] = {}
        self._suggestions: list[Any] = []
        self._suggested = False
        self._connect()
        self._closing = DockClosing(self)
        DockTabs(self)
        self._closing.closed.connect(self._leave)
        self._on_image_changed()
        self.controls.on.setChecked(True)
        self.unsaved.offer()

    def open_model(self, path: str | Path) -> None:
        """Add a model file to the list of models and choose it."""
        self.controls.models.open_file(Path(path))

    # What a person does

    def click(self, world: Sequence[float], positive: bool = True) -> None:
        """Click at a place in the world, on the object or beside it."""
        target = self._target()
        if target is None:
            return
        place = target.locate(world)
        if place is None:
            self._report(f"That click is outside of {target.name}: click on the image.")
            return
        self._give(target, place.plane, Click(place.y, place.x, positive != self.controls.flip.isChecked()))

    def drag(self, line: Sequence[Sequence[float]], positive: bool = True, scribbling: bool = False) -> None:
        """Draw a box, or a scribble, along world positions."""
        target = self._target()
        if target is None:
            return
        corners = [target.corner(world) for world in line]
        try:
            prompt: Prompt
            if scribbling or self.controls.draws_scribbles():
                inside = [target.locate(world) for world in line]
                points = tuple((place.y, place.x) for place in inside if place is not None)
                prompt = Scribble(points, positive != self.controls.flip.isChecked())
            else:
                (y0, x0), (y1, x1) = corners[0], corners[-1]
                prompt = Box(min(y0, y1), min(x0, x1), max(y0, y1), max(x0, x1))
        except UserError as error:
            self._report(str(error))
            self._draw_given()
            return
        self._give(target, target.plane, prompt)

    def accept(self) -> None:
        """Write the object into the labels, once what was clicked before is answered."""
        subject, target = self._subject(), self._target()
        if subject is None or target is None:
            return
        labels, value = self.subjects.labels(), self._value(subject.key)
        overwrite = self.controls.accepting.overwrite.isChecked()
        check = partial(check_object, labels, target, value=value, overwrite=overwrite)
        self._ask("accept", subject, partial(self._desk.accept, subject, check))

    def undo(self) -> None:
        """Take the last click back."""
        self._simple("undo")

    def redo(self) -> None:
        """Give again what was taken back last."""
        self._simple("redo")

    def reset(self) -> None:
        """Drop the object, and the suggestions."""
        self._suggestions, self._suggested = [], False
        self._simple("reset")

    def carry(self) -> None:
        """Carry the object, or else the one that was accepted last, to the other slices."""
        subject, target = self._subject(), self._target()
        if subject is None or target is None:
            return
        if not self._has_object() and subject.key in self._last:
            stored, self._again[subject.key] = self._last[subject.key]
            self._ask("restore", subject, partial(self._desk.restore, subject, stored))
        self._ask("carry", subject, partial(self._carry_from_here, subject, target.plane))
        self.controls.set_busy("Carrying the object to the other slices...")

    def suggest(self) -> None:
        """Suggest objects like those accepted last, or skip the one that is suggested."""
        if self._suggested:
            self._show_suggestion()
            return
        subject, target = self._subject(), self._target()
        if subject is None or target is None:
            return
        examples = self._examples.get(subject.key, [])
        if not examples:
            self._report("Accept one or two objects first; then similar ones can be suggested.")
            return
        labels = self.subjects.labels()
        view, plane = self.subjects.view(target), target.plane
        taken = np.zeros([cut.stop for cut in self.subjects.whole(target)], bool)
        if labels is not None:
            taken = np.asarray(labels.data[target.index(plane, *self.subjects.whole(target))]) > 0
        work = partial(self._desk.suggest, subject, plane, list(examples), view, taken)
        self._ask("suggest", subject, work)
        self.controls.set_busy("Looking for similar objects in view...")

    def show_attention(self, on: bool) -> None:
        """Show the attention with which the present answer was found, or hide it."""
        subject, target = self._subject(quiet=True), self._target(quiet=True)
        if target is None or subject is None:
            return
        if not on:
            self.layers.show_attention(target, target.plane, None)
            return
        self._ask("attention", subject, partial(self._attention_in, subject, target.plane))

    def save(self) -> None:
        """Ask where to, and write the labels and the clicks of their objects."""
        target = self._target()
        if target is None:
            return
        labels = self.subjects.labels()
        if labels is None:
            self._report("There are no objects to save yet: accept one, or choose labels under Write into.")
            return
        name, _ = QFileDialog.getSaveFileName(
            self, "Save objects and clicks", f"{labels.name}.tif", "Labels (*.tif *.tiff *.nii *.nii.gz)"
        )
        if name:  # the dialog has asked whether a file that exists may go
            work = partial(_save, name, labels, target.layer)
            self.work.ask(("save", self.subjects.key_of(target)), work)

    # What is asked of the worker thread

    def _carry_from_here(self, subject: Subject, plane: Plane) -> Any:
        """Carry from the plane in view where the object lies there, else from its first one."""
        seen = self._desk.open(subject)
        here = plane if plane in seen.state.planes else seen.state.origin
        return self._desk.carry(subject, plane if here is None else here)

    def _attention_in(self, subject: Subject, plane: Plane) -> tuple[Plane, list[Any]]:
        return plane, self._desk.attention(subject, plane)

    def _give(self, target: ClickTarget, plane: Plane, prompt: Prompt) -> None:
        subject = self._subject()
        if subject is None:
            return
        if not self.unsaved.watch(target):
            return
        self._pending.append((subject.key, plane, prompt))
        self._draw_given()
        self._ask("give", subject, partial(self._desk.give, subject, plane, prompt))
        state = self._seen.state if self._seen is not None and self._seen.key == subject.key else None
        if state is not None and state.carried:
            self._ask("mend", subject, partial(self._desk.carry, subject, plane), interruptible=True)

    def _simple(self, what: str) -> None:
        subject = self._subject()
        if subject is not None:
            self._ask(what, subject, partial(getattr(self._desk, what), subject))

    def _ask(self, what: str, subject: Subject, work: Any, *, interruptible: bool = False) -> None:
        self.work.ask((what, subject.key), work, interruptible=interruptible)

    # What comes back

    def _on_done(self, asked: tuple[str, Hashable], result: Any) -> None:
        what, key = asked
        if what == "ct":
            self._on_ct_known(key, result)
        elif what == "save":
            self._saved(*result)
        elif key in self.subjects.targets:  # else the image has gone
            self._on_answer(what, key, result)

    def _on_answer(self, what: str, key: Hashable, result: Any) -> None:
        if what == "give":
            self._answered(key)
        if what == "restore":
            self.unsaved.restored(key)
        if what == "accept":
            self._on_accepted(key, *result)
        elif what == "suggest":
            self._suggestions = list(result or [])
            self._show_suggestion()
        elif what == "attention":
            self._on_attention(key, *result)
        elif isinstance(result, Seen):
            self._on_seen(what, result)
        if what in ("carry", "mend"):
            self.controls.set_busy(None)
            self._on_carried(key, result)

    def _saved(self, labels: napari.layers.Labels, paths: Sequence[Path]) -> None:
        self.unsaved.saved(labels)
        self.controls.set_status(f"Saved: {' and '.join(path.name for path in paths)}.")

    def _on_stepped(self, asked: tuple[str, Hashable], step: Any) -> None:
        what, key = asked
        if what in ("carry", "mend") and key in self.subjects.targets:
            count, plane, _ = step
            self.controls.set_busy(f"Slice {plane[-1]} found; {count} done...")

    def _on_refused(self, asked: tuple[str, Hashable], sentence: str) -> None:
        what, key = asked
        if what == "give":
            self._answered(key)
            self._draw_given()
        if what == "restore":
            self.unsaved.restored(key)
        if what in ("carry", "mend", "suggest"):
            self.controls.set_busy(None)
        self._report(sentence)

    def _answered(self, key: Hashable) -> None:
        for number, (of, _, _) in enumerate(self._pending):
            if of == key:
                del self._pending[number]
                return

    def _on_seen(self, what: str, seen: Seen) -> None:
        self.unsaved.note(seen.key, seen.stored if seen.state.planes else None)
        if seen.key != self.subjects.key():
            return
        self._seen = seen
        if what == "give" and any(of == seen.key for of, _, _ in self._pending):
            return  # a later answer is on its way: the latest one is drawn
        self._draw()
        self.controls.set_object(seen, self._found_words(seen))
        if self.controls.attention.isChecked():
            self.show_attention(True)

    def _on_accepted(self, key: Hashable, accepted: AcceptedObject, stored: Any, seen: Seen) -> None:
        target = self.subjects.targets[key]
        self.unsaved.watch(target)  # the labels may have been saved or removed since the click
        labels = self.subjects.labels() or add_objects_layer(self._viewer, target)
        self.subjects.offer_labels()
        self.controls.accepting.choose(labels)
        value, again = self._value(key), self._again.pop(key, None)
        try:
            written = write_object(
                labels,
                target,
                accepted,
                value=value if again is None else again,
                overwrite=self.controls.accepting.overwrite.isChecked(),
                again=again is not None,
            )
        except UserError as error:  # the labels changed meanwhile
            self._report(str(error))
            subject = self._subject()
            if subject is not None:
                self._ask("restore", subject, partial(self._desk.restore, subject, stored))
            return
        self._last[key] = stored, written.value
        self._examples[key] = [*self._examples.get(key, []), max(accepted.slices, key=_area)][-_EXAMPLES:]
        self._on_seen("accept", seen)
        kept = f", {written.kept_out} px left to finished objects" if written.kept_out else ""
        self.controls.set_status(f"Object {written.value} accepted ({written.pixels} px{kept}). Click on the next one.")
        if self._suggested:
            self._show_suggestion()

    def _on_carried(self, key: Hashable, seen: Seen | None) -> None:
        if seen is None:  # stopped; what was found stays
            subject = self._subject(quiet=True)
            if subject is not None:
                self._ask("open", subject, partial(self._desk.open, subject))
            return
        if key == self.subjects.key():
            self.controls.set_ends(seen.state)

    def _on_attention(self, key: Hashable, plane: Plane, maps: list[Any]) -> None:
        if key == self.subjects.key() and self.controls.attention.isChecked():
            self.layers.show_attention(self.subjects.targets[key], plane, self.controls.chosen_map(maps))

    def _show_suggestion(self) -> None:
        """Show the next suggestion as the object, to be accepted, mended or skipped."""
        subject, target = self._subject(), self._target(quiet=True)
        self._suggested = bool(self._suggestions)
        self.controls.set_busy(None)
        self.controls.set_suggestions(len(self._suggestions))
        if subject is None or target is None:
            return
        self._ask("reset", subject, partial(self._desk.reset, subject))
        if not self._suggestions:
            self.controls.set_status("No more similar objects in view.")
            return
        suggestion = self._suggestions.pop(0)
        self._ask("take", subject, partial(self._desk.take, subject, target.plane, suggestion))

    # What is shown

    def _draw(self) -> None:
        self._draw_object()
        self._draw_given()

    def _draw_object(self) -> None:
        seen, key = self._seen, self.subjects.key()
        if seen is None or key is None or seen.key != key or key not in self.subjects.targets:
            return
        target = self.subjects.targets[key]
        labels, value = self.subjects.labels(), self._value(key)
        overwrite = self.controls.accepting.overwrite.isChecked()
        parts = {}
        for plane, found in seen.state.planes.items():
            part = ObjectSlice(plane, found.answer.region, found.answer.mask, ())
            parts[plane] = part.region, free_part(labels, target, part, value=value, overwrite=overwrite)
        self.layers.show_object(target, parts)

    def _draw_given(self) -> None:
        seen, key = self._seen, self.subjects.key()
        if key is None or key not in self.subjects.targets:
            return
        given = [(plane, prompt) for of, plane, prompt in self._pending if of == key]
        if seen is not None and seen.key == key:
            answered = [(plane, prompt) for plane, found in seen.state.planes.items() for prompt in found.prompts]
            given = [*answered, *given]
        self.layers.show_given(self.subjects.targets[key], given)

    def _on_dragging(self, line: Sequence[Sequence[float]]) -> None:
        target = self._target(quiet=True)
        if target is None:
            return
        corners = [target.corner(world) for world in line]
        if self.controls.draws_scribbles():
            places = corners
        else:
            (y0, x0), (y1, x1) = corners[0], corners[-1]
            places = [(y0, x0), (y0, x1), (y1, x1), (y1, x0), (y0, x0)]
        shown = [target.position(target.plane, *place) for place in places]
        self.layers.show_drag(target, shown, not self.controls.flip.isChecked())

    def _found_words(self, seen: Seen) -> str:
        if not seen.state.planes:
            return "Click on an object."
        pixels = sum(int(found.answer.mask.sum()) for found in seen.state.planes.values())
        if not pixels:
            return "Nothing was found there: click on the object again, or drag a box around it."
        slices = f" in {len(seen.state.planes)} slices" if len(seen.state.planes) > 1 else ""
        return f"{pixels} px{slices}. Mend it with more clicks, or press A to accept it."

    # What is clicked in

    def _target(self, *, quiet: bool = False) -> ClickTarget | None:
        """Return the chosen image as it is viewed; what is wrong with it is said."""
        try:
            return self.subjects.target()
        except UserError as error:
            if not quiet:
                self._report(str(error))
            return None

    def _subject(self, *, quiet: bool = False) -> Subject | None:
        """Return what the worker thread needs to know of the chosen image; what is wrong with it is said."""
        try:
            return self.subjects.subject()
        except UserError as error:
            if not quiet:
                self._report(str(error))
            return None

    def _value(self, key: Hashable) -> int | None:
        return self._again.get(key, self.controls.accepting.value())

    def _has_object(self) -> bool:
        seen = self._seen
        return bool(self._pending) or (seen is not None and seen.key == self.subjects.key() and bool(seen.state.planes))

    def _on_image_changed(self) -> None:
        """Get ready for the chosen image; objects that were begun in others wait there."""
        layer = self.controls.images.layer()
        self._suggestions, self._suggested = [], False
        self.controls.set_ready(layer is not None and self.controls.models.path() is not None)
        if layer is None:
            self.controls.window.set_layer(None)
            self.controls.set_ct(False)
            return
        earlier = dict(self.subjects.targets)
        target = self._target(quiet=True)
        if target is None:
            return
        before = earlier.get(self.subjects.key_of(target))
        if before is not None and before.data is not target.data:  # what is shown was found in other data
            self._seen = None
            self.layers.clear()
        is_ct = self.subjects.is_ct(target)
        if is_ct is not None:
            self._on_ct_known(self.subjects.key_of(target), is_ct)
            return
        self.work.ask(("ct", self.subjects.key_of(target)), partial(shows_ct, target.data, bool(layer.rgb)))

    def _on_ct_known(self, key: Hashable, is_ct: bool) -> None:
        layer = self.controls.images.layer()
        target = self._target(quiet=True)
        if layer is None or target is None or self.subjects.key() != key:
            return
        self.subjects.note_ct(target, is_ct)
        self.controls.set_ct(is_ct)
        self.controls.window.set_layer(layer if is_ct else None)
        self.subjects.offer_labels()
        self._open()

    def _open(self) -> None:
        """Make the network and the image ready, so that the first click is answered at once."""
        subject = self._subject(quiet=True)
        if subject is None:
            return
        stored = self.unsaved.to_restore(subject.key)
        if stored is None:
            self._ask("open", subject, partial(self._desk.open, subject))
        else:
            self._ask("restore", subject, partial(self._desk.restore, subject, stored))

    def _on_layers_changed(self) -> None:
        gone = self.subjects.forget_removed()
        for key in gone:
            self._last.pop(key, None)
        self._pending = [pending for pending in self._pending if pending[0] not in gone]
        self.unsaved.forget(gone)
        if gone:
            self.work.ask(("forget", None), partial(self._desk.forget, lambda key: key not in gone))
        if self._seen is not None and self._seen.key in gone:
            self._seen = None
            self.layers.remove()
            self.controls.set_status("The image was removed; its object went with it.")
        with QSignalBlocker(self.controls.accepting):  # nothing may be drawn, and so added, while layers go
            self.subjects.offer_labels()

    # Wiring

    def _connect(self) -> None:
        controls = self.controls
        controls.images.layer_changed.connect(self._on_image_changed)
        controls.models.model_changed.connect(self._on_image_changed)
        controls.models.refused.connect(self._report)
        controls.window.changed.connect(self._open)
        controls.accepting.changed.connect(self._draw_object)
        controls.on.toggled.connect(self._switch)
        controls.attention.toggled.connect(self.show_attention)
        controls.map_name.activated.connect(lambda _: self.show_attention(controls.attention.isChecked()))
        for name in ("accept", "undo", "redo", "reset", "carry"):
            getattr(controls, name).clicked.connect(getattr(self, name))
        controls.next.clicked.connect(self.suggest)
        controls.save.clicked.connect(self.save)
        controls.stop.clicked.connect(self.work.stop)
        self.work.done.connect(self._on_done)
        self.work.stepped.connect(self._on_stepped)
        self.work.refused.connect(self._on_refused)
        self.mouse.clicked.connect(self.click)
        self.mouse.dragging.connect(self._on_dragging)
        self.mouse.dragged.connect(self.drag)
        self.keys.pressed.connect(self._on_key)
        self.keys.space.connect(self._on_space)
        self._viewer.layers.events.inserted.connect(self._on_layers_changed)
        self._viewer.layers.events.removed.connect(self._on_layers_changed)

    def _on_key(self, what: str) -> None:
        {
            "accept": self.accept,
            "undo": self.undo,
            "redo": self.redo,
            "reset": self.reset,
            "flip": self.controls.flip.toggle,
            "next": self.suggest,
            "carry": self.carry,
            "attention": self.controls.attention.toggle,
            "drag": self.controls.toggle_drag,
        }[what]()

    def _on_space(self, held: bool) -> None:
        self.mouse.panning = held

    def _switch(self, on: bool) -> None:
        self.mouse.switch(on)
        self.keys.switch(on)
        self.controls.set_on(on)

    def _report(self, message: str) -> None:
        sentence = message[:1].upper() + message[1:]
        self.controls.set_status(sentence)
        show_error(sentence)

    def _leave(self, viewer_stays: bool) -> None:
        """End all work: the dock, or the window, was closed."""
        self._switch(False)
        self.work.leave()
        self.unsaved.leave()
        self.controls.images.disconnect_viewer()
        self.controls.window.set_layer(None)
        for emitter in (self._viewer.layers.events.inserted, self._viewer.layers.events.removed):
            with suppress(ValueError):  # it may be gone already
                emitter.disconnect(self._on_layers_changed)
        if viewer_stays:
            self.layers.remove()


def _save(
    path: str, labels: napari.layers.Labels, image: napari.layers.Image
) -> tuple[napari.layers.Labels, Sequence[Path]]:
    return labels, save_objects(path, labels, image, overwrite=True)


def _area(part: ObjectSlice) -> int:
    return int(part.mask.sum())
