"""What of the object in work is drawn in the viewer, and said of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer

from napari_medt.clicking.context import ClickContext
from napari_medt.clicking.panels.status import BEGIN
from src_models.clicking.clicked_object import ObjectSlice
from src_models.clicking.in_work import ClickedImage, ObjectAsSeen
from src_models.clicking.writing import free_part
from src_models.images.planes import Plane

if TYPE_CHECKING:
    from src_models.attention.placed_map import PlacedMap

__all__ = ["ClickDrawing", "found_words"]


class ClickDrawing:
    """Draws the object, what was given for it, the drag that goes on, and the attention of the answer.

    Parameters
    ----------
    context
        The state of the widget.
    parent
        The widget.
    note
        Hears of every object as it stands, whether it is drawn or not.
    """

    def __init__(self, context: ClickContext, parent: QObject, note: Callable[[ObjectAsSeen], object]) -> None:
        self._context = context
        self._note = note
        self._soon = QTimer(parent)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.draw_given)

    def show(self, seen: ObjectAsSeen) -> None:
        """Draw an object as it stands, and say what was found, if its image is the chosen one."""
        self._note(seen)
        context = self._context
        if seen.key != context.subjects.key():
            return
        context.seen = seen
        self.draw_object()
        self.draw_given_soon()
        context.controls.set_object(seen, found_words(seen))
        if context.controls.attention.isChecked():
            self.show_attention(True)

    def show_latest(self, seen: ObjectAsSeen) -> None:
        """Draw an object, unless a later answer is on its way: then that one is drawn."""
        if seen.key == self._context.subjects.key() and any(of == seen.key for of, _, _ in self._context.pending):
            self._note(seen)
            self._context.seen = seen
        else:
            self.show(seen)

    def draw_object(self) -> None:
        """Outline the pixels that accepting would write."""
        context = self._context
        key = context.subjects.key()
        seen = context.seen_of(key)
        if seen is None or key not in context.subjects.targets:
            return
        target, layer = context.subjects.targets[key], context.subjects.labels()
        labels = None if layer is None else layer.data
        overwrite, own = context.controls.accepting.overwrite.isChecked(), context.own(seen)
        parts = {}
        for plane, found in seen.state.planes.items():
            part = ObjectSlice(plane, found.answer.region, found.answer.mask, ())
            parts[plane] = part.region, free_part(labels, target.covering, part, own=own, overwrite=overwrite)
        context.layers.show_object(target, parts)

    def draw_given_soon(self) -> None:
        """Draw what was given; at first, a moment later: other layers were added just now, and one goes at a time."""
        if self._context.layers.points() is None:
            self._soon.start()
        else:
            self.draw_given()

    def draw_given(self) -> None:
        """Draw the clicks, boxes and scribbles, those that are not answered yet included."""
        key = self._context.subjects.key()
        if key is None or key not in self._context.subjects.targets:
            return
        given = [(plane, prompt) for of, plane, prompt in self._context.pending if of == key]
        seen = self._context.seen_of(key)
        if seen is not None:
            answered = [(plane, prompt) for plane, found in seen.state.planes.items() for prompt in found.prompts]
            given = [*answered, *given]
        self._context.layers.show_given(self._context.subjects.targets[key], given)

    def draw_drag(self, line: Sequence[Sequence[float]]) -> None:
        """Draw a drag that goes on, through world positions."""
        target = self._context.target(quiet=True)
        if target is None:
            return
        corners = [target.corner(world) for world in line]
        if self._context.controls.draws_scribbles():
            places = corners
        else:
            (y0, x0), (y1, x1) = corners[0], corners[-1]
            places = [(y0, x0), (y0, x1), (y1, x1), (y1, x0), (y0, x0)]
        shown = [target.position(target.plane, *place) for place in places]
        self._context.layers.show_drag(target, shown, not self._context.controls.flip.isChecked())

    def show_attention(self, on: bool) -> None:
        """Show the attention with which the present answer was found, or hide it."""
        context = self._context
        subject, target = context.subject(quiet=True), context.target(quiet=True)
        if target is None or subject is None:
            return
        if not on:
            context.layers.show_attention(target, target.plane, None)
            return
        plane = target.plane
        context.ask(
            subject, partial(context.sessions.attention, subject, plane), partial(self._on_attention, subject, plane)
        )

    def leave(self) -> None:
        """Draw nothing more."""
        self._soon.stop()

    def _on_attention(self, subject: ClickedImage, plane: Plane, maps: list[PlacedMap]) -> None:
        context, key = self._context, subject.key
        if key == context.subjects.key() and context.controls.attention.isChecked():
            context.layers.show_attention(context.subjects.targets[key], plane, context.controls.chosen_map(maps))


def found_words(seen: ObjectAsSeen) -> str:
    """Say what was found, and what to do next."""
    if not seen.state.planes:
        return BEGIN
    pixels = sum(int(found.answer.mask.sum()) for found in seen.state.planes.values())
    if not pixels:
        return "Nothing was found there: click on the object again, or drag a box around it."
    slices = f" in {len(seen.state.planes)} slices" if len(seen.state.planes) > 1 else ""
    return f"{pixels} px{slices}. Mend it with more clicks, or press A to accept it."
