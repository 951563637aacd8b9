"""The dock widget "Click": click on an object and it is segmented; mend it with more clicks; accept; next."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import napari.layers
import napari.viewer
from qtpy.QtCore import QSignalBlocker, QTimer
from qtpy.QtWidgets import QWidget

from napari_medt.clicking.accepted_objects import AcceptedObjects
from napari_medt.clicking.context import Clicking
from napari_medt.clicking.drawing import ClickDrawing, found_words
from napari_medt.clicking.layers import prepare_layers
from napari_medt.clicking.panels.help import KEYS
from napari_medt.clicking.panels.objects_dialog import ask_where_to
from napari_medt.clicking.saving import save_objects
from napari_medt.clicking.suggesting import Suggesting
from napari_medt.clicking.switch import ClickSwitch
from napari_medt.clicking.unsaved import UnsavedObjects
from napari_medt.controls.dock_closing import DockClosing
from napari_medt.controls.dock_tabs import DockTabs
from napari_medt.controls.keys import ClickKeys
from napari_medt.controls.mouse import ClickMouse
from napari_medt.viewer.ct_layer import shows_ct
from napari_medt.viewer.viewed_image import ViewedImage
from src_models.clicking.prompts import Box, Click, Prompt, Scribble
from src_models.clicking.sessions import ClickedImage, ObjectAsSeen
from src_models.errors import UserError

__all__ = ["ClickWidget"]

Plane = tuple[int, ...]
_BUTTONS = (
    "accept", "accept_all", "undo", "redo", "reset", "larger", "smaller", "carry", "end_here", "save",
)  # fmt: skip


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
        self._at = Clicking(napari_viewer, self)
        self.controls, self.layers, self.subjects = self._at.controls, self._at.layers, self._at.subjects
        self.work, self._sessions = self._at.work, self._at.sessions
        self.mouse = ClickMouse(napari_viewer, self)
        self.keys = ClickKeys(self, KEYS)
        self.switch = ClickSwitch(self.controls, self.mouse, self.keys)
        self.drawing = ClickDrawing(self._at)
        self.accepted = AcceptedObjects(self._at, self)
        self.suggesting = Suggesting(self._at, self.accepted)
        self.unsaved = UnsavedObjects(
            napari_viewer, self.controls, self.subjects, self.work, self._at.report, self._open
        )
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.drawing.draw_given)
        self._connect()
        self._closing = DockClosing(self)
        DockTabs(self)
        self._closing.closed.connect(self._leave)
        self._on_image_changed()
        self.work.ask(("prepare", None), prepare_layers)
        self.controls.on.setChecked(True)
        self.unsaved.offer()

    @property
    def seen(self) -> ObjectAsSeen | None:
        """The object in view, as it was answered last."""
        return self._at.seen

    def open_model(self, path: str | Path) -> None:
        """Add a model file to the list of models and choose it."""
        self.controls.models.open_file(Path(path))

    # What a person does

    def click(self, world: Sequence[float], positive: bool = True) -> None:
        """Click at a place in the world, on the object or beside it; without an object, an accepted one opens again."""
        target = self._at.target()
        if target is None:
            return
        place = target.locate(world)
        if place is None:
            self._at.report(f"That click is outside of {target.name}: click on the image.")
            return
        if self._at.has_object() or not self.accepted.reopen_at(target, place):
            self._give(target, place.plane, Click(place.y, place.x, positive != self.controls.flip.isChecked()))

    def drag(self, line: Sequence[Sequence[float]], positive: bool = True, scribbling: bool = False) -> None:
        """Draw a box, or a scribble, along world positions."""
        target = self._at.target()
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
            self._at.report(str(error))
            self.drawing.draw_given()
            return
        self._give(target, target.plane, prompt)

    def accept(self) -> None:
        """Write the object into the labels, once what was clicked before is answered."""
        self.accepted.accept()

    def accept_all(self) -> None:
        """Write the suggestion that is shown, and all that wait."""
        self.suggesting.accept_all()

    def undo(self) -> None:
        """Take the last click back."""
        self._simple("undo")

    def redo(self) -> None:
        """Give again what was taken back last."""
        self._simple("redo")

    def reset(self) -> None:
        """Drop the object, and the suggestions; what is accepted stays."""
        self.suggesting.drop()
        self._at.again.pop(self.subjects.key(), None)
        self._simple("reset")

    def larger(self) -> None:
        """Take the next larger object around the same clicks."""
        self._in_plane("larger")

    def smaller(self) -> None:
        """Take the next smaller object around the same clicks."""
        self._in_plane("smaller")

    def end_here(self) -> None:
        """Let the object end in the slice in view."""
        self._in_plane("end_here")

    def carry(self) -> None:
        """Carry the object, or else the one that was accepted last, to the other slices."""
        subject, target = self._at.subject(), self._at.target()
        if subject is None or target is None:
            return
        if not self._at.has_object():
            self.accepted.reopen_last()
        self._at.ask("carry", subject, partial(self._carry_from_here, subject, target.plane))
        self.controls.set_busy("Carrying the object to the other slices...")

    def suggest(self) -> None:
        """Suggest objects like those accepted last, or skip the one that is suggested."""
        self.suggesting.suggest()

    def show_attention(self, on: bool) -> None:
        """Show the attention with which the present answer was found, or hide it."""
        subject, target = self._at.subject(quiet=True), self._at.target(quiet=True)
        if target is None or subject is None:
            return
        if not on:
            self.layers.show_attention(target, target.plane, None)
            return
        self._at.ask("attention", subject, partial(self._attention_in, subject, target.plane))

    def save(self) -> None:
        """Ask where to, and write the labels and the clicks of their objects."""
        target = self._at.target()
        if target is None:
            return
        labels = self.subjects.labels()
        if labels is None:
            self._at.report("There are no objects to save yet: accept one, or choose labels under Write into.")
            return
        chosen = ask_where_to(self, labels.name)
        if chosen is not None:
            path, may_replace = chosen
            work = partial(_save, path, labels, target.layer, may_replace)
            self.work.ask(("save", self.subjects.key_of(target)), work)

    # What is asked of the worker thread

    def _carry_from_here(self, subject: ClickedImage, plane: Plane) -> Any:
        """Carry from the plane in view where the object lies there, else from its first one."""
        seen = self._sessions.open(subject)
        here = plane if plane in seen.state.planes else seen.state.origin
        return self._sessions.carry(subject, plane if here is None else here)

    def _attention_in(self, subject: ClickedImage, plane: Plane) -> tuple[Plane, list[Any]]:
        return plane, self._sessions.attention(subject, plane)

    def _give(self, target: ViewedImage, plane: Plane, prompt: Prompt) -> None:
        subject = self._at.subject()
        if subject is None or not self.unsaved.watch(target):
            return
        if not self._at.has_object():
            self._at.again.pop(subject.key, None)  # this is a new one
        self._at.pending.append((subject.key, plane, prompt))
        self._at.ask("give", subject, partial(self._sessions.give, subject, plane, prompt))
        self._draw_given()
        seen = self._at.seen_of(subject.key)
        if seen is not None and seen.state.carried:
            self._at.ask("mend", subject, partial(self._sessions.carry, subject, plane), interruptible=True)

    def _simple(self, what: str) -> None:
        subject = self._at.subject()
        if subject is not None:
            self._at.ask(what, subject, partial(getattr(self._sessions, what), subject))

    def _in_plane(self, what: str) -> None:
        subject, target = self._at.subject(), self._at.target()
        if subject is not None and target is not None:
            self._at.ask(what, subject, partial(getattr(self._sessions, what), subject, target.plane))

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
        self._heard(what, key)
        if what == "accept":
            self.unsaved.watch(self.subjects.targets[key])  # the labels may have been saved or removed since the click
            if self.accepted.write(key, *result):
                self.suggesting.after_accepting()
        elif what == "suggest":
            self.suggesting.found(key, result)
        elif what == "attention":
            self._on_attention(key, *result)
        elif what == "reopen":
            seen, painted = result
            self._on_seen(what, seen)
            self.accepted.reopened(key, painted)
        elif isinstance(result, ObjectAsSeen):
            self._on_seen(what, result)
        if what in ("carry", "mend", "end_here"):
            self._on_carried(key, result)

    def _heard(self, what: str, key: Hashable) -> None:
        """Note that something was answered, or refused."""
        if what == "give":
            self._answered(key)
        elif what == "restore":
            self.unsaved.restored(key)
        elif what in ("carry", "mend", "suggest"):
            self.controls.set_busy(None)

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
        self._heard(what, key)
        if what == "give":
            self.drawing.draw_given()
        elif what == "reopen":
            self.accepted.not_reopened(key)
        self._at.report(sentence)

    def _draw_given(self) -> None:
        """Draw what was given; at first, a moment later: other layers were added just now, and one goes at a time."""
        if self.layers.points() is None:
            self._soon.start()
        else:
            self.drawing.draw_given()

    def _answered(self, key: Hashable) -> None:
        for number, (of, _, _) in enumerate(self._at.pending):
            if of == key:
                del self._at.pending[number]
                return

    def _on_seen(self, what: str, seen: ObjectAsSeen) -> None:
        self.unsaved.note(seen.key, self.accepted.stored(seen) if seen.state.planes else None)
        if seen.key != self.subjects.key():
            return
        self._at.seen = seen
        if what == "give" and any(of == seen.key for of, _, _ in self._at.pending):
            return  # a later answer is on its way: the latest one is drawn
        self.drawing.draw_object()
        self._draw_given()
        self.controls.set_object(seen, found_words(seen))
        if self.controls.attention.isChecked():
            self.show_attention(True)

    def _on_carried(self, key: Hashable, seen: ObjectAsSeen | None) -> None:
        if seen is None:  # stopped; what was found stays
            subject = self._at.subject(quiet=True)
            if subject is not None:
                self._at.ask("open", subject, partial(self._sessions.open, subject))
            return
        if key == self.subjects.key():
            self.controls.set_ends(seen.state)

    def _on_attention(self, key: Hashable, plane: Plane, maps: list[Any]) -> None:
        if key == self.subjects.key() and self.controls.attention.isChecked():
            self.layers.show_attention(self.subjects.targets[key], plane, self.controls.chosen_map(maps))

    # What is clicked in

    def _on_image_changed(self) -> None:
        """Get ready for the chosen image; objects that were begun in others wait there."""
        layer = self.controls.images.layer()
        self.suggesting.drop()
        self.controls.set_ready(layer is not None and self.controls.models.path() is not None)
        if layer is None:
            self.controls.window.set_layer(None)
            self.controls.set_ct(False)
            return
        earlier = dict(self.subjects.targets)
        target = self._at.target(quiet=True)
        if target is None:
            return
        before = earlier.get(self.subjects.key_of(target))
        if before is not None and before.data is not target.data:  # what is shown was found in other data
            self._at.seen = None
            self.layers.clear()
        is_ct = self.subjects.is_ct(target)
        if is_ct is not None:
            self._on_ct_known(self.subjects.key_of(target), is_ct)
            return
        self.work.ask(("ct", self.subjects.key_of(target)), partial(shows_ct, target.data, bool(layer.rgb)))

    def _on_ct_known(self, key: Hashable, is_ct: bool) -> None:
        layer = self.controls.images.layer()
        target = self._at.target(quiet=True)
        if layer is None or target is None or self.subjects.key() != key:
            return
        self.subjects.note_ct(target, is_ct)
        self.controls.set_ct(is_ct)
        self.controls.window.set_layer(layer if is_ct else None)
        self.subjects.offer_labels()
        self._open()

    def _open(self) -> None:
        """Make the network and the image ready, so that the first click is answered at once."""
        subject = self._at.subject(quiet=True)
        if subject is None:
            return
        stored = self.unsaved.to_restore(subject.key)
        if stored is None:
            self._at.ask("open", subject, partial(self._sessions.open, subject))
        else:
            self.accepted.resume(subject.key, stored)
            self._at.ask("restore", subject, partial(self._sessions.restore, subject, stored))

    def _on_layers_changed(self) -> None:
        gone = self.subjects.forget_removed()
        self.accepted.forget(gone)
        self._at.pending = [pending for pending in self._at.pending if pending[0] not in gone]
        self.unsaved.forget(gone)
        if gone:
            self.work.ask(("forget", None), partial(self._sessions.forget, lambda key: key not in gone))
        if self._at.seen is not None and self._at.seen.key in gone:
            self._at.seen = None
            self.layers.remove()
            self.controls.set_status("The image was removed; its object went with it.")
        with QSignalBlocker(self.controls.accepting):  # nothing may be drawn, and so added, while layers go
            self.subjects.offer_labels()

    # Wiring

    def _connect(self) -> None:
        controls = self.controls
        controls.images.layer_changed.connect(self._on_image_changed)
        controls.models.model_changed.connect(self._on_image_changed)
        controls.models.refused.connect(self._at.report)
        controls.window.changed.connect(self._open)
        controls.accepting.changed.connect(self.drawing.draw_object)
        controls.attention.toggled.connect(self.show_attention)
        controls.map_name.activated.connect(lambda _: self.show_attention(controls.attention.isChecked()))
        for name in _BUTTONS:
            getattr(controls, name).clicked.connect(getattr(self, name))
        controls.next.clicked.connect(self.suggest)
        controls.stop.clicked.connect(self.work.stop)
        self.work.done.connect(self._on_done)
        self.work.stepped.connect(self._on_stepped)
        self.work.refused.connect(self._on_refused)
        self.mouse.clicked.connect(self.click)
        self.mouse.dragging.connect(self.drawing.draw_drag)
        self.mouse.dragged.connect(self.drag)
        self.keys.pressed.connect(self._on_key)
        self.accepted.written.connect(partial(self._on_seen, "accept"))
        self.keys.space.connect(self._on_space)
        self._viewer.layers.events.inserted.connect(self._on_layers_changed)
        self._viewer.layers.events.removed.connect(self._on_layers_changed)

    def _on_key(self, what: str) -> None:
        other = {
            "flip": self.controls.flip.toggle,
            "next": self.suggest,
            "attention": self.controls.attention.toggle,
            "drag": self.controls.toggle_drag,
        }
        (other.get(what) or getattr(self, what))()

    def _on_space(self, held: bool) -> None:
        self.mouse.panning = held

    def _leave(self, viewer_stays: bool) -> None:
        """End all work: the dock, or the window, was closed."""
        self._soon.stop()
        self.switch.switch(False)
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
    path: Path, labels: napari.layers.Labels, image: napari.layers.Image, may_replace: bool
) -> tuple[napari.layers.Labels, Sequence[Path]]:
    return labels, save_objects(path, labels, image, overwrite=may_replace)
