"""What a person gives for the object in work: clicks, boxes and scribbles, and what else changes it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import partial

from napari_medt.clicking.accepted_objects import AcceptedObjects
from napari_medt.clicking.context import ClickContext
from napari_medt.clicking.drawing import ClickDrawing
from napari_medt.clicking.suggesting import Suggesting
from napari_medt.viewer.viewed_image import ViewedImage
from src_models.clicking.in_work import ClickedImage, ObjectAsSeen
from src_models.clicking.prompts import Box, Click, Prompt, Scribble
from src_models.errors import UserError
from src_models.images.planes import Plane

__all__ = ["Giving"]


class Giving:
    """Hands on to the worker thread what a person does to the object, and shows what becomes of it.

    Parameters
    ----------
    context
        The state of the widget.
    drawing
        Draws the object.
    accepted
        Opens accepted objects again.
    suggesting
        What a reset drops, too.
    watch
        Keeps the labels of an image on disk; False if it cannot be.
    """

    def __init__(
        self,
        context: ClickContext,
        drawing: ClickDrawing,
        accepted: AcceptedObjects,
        suggesting: Suggesting,
        watch: Callable[[ViewedImage], bool],
    ) -> None:
        self._context = context
        self._drawing = drawing
        self._accepted = accepted
        self._suggesting = suggesting
        self._watch = watch

    def click(self, world: Sequence[float], positive: bool) -> None:
        """Click at a place in the world, on the object or beside it; without an object, an accepted one opens again."""
        context, target = self._context, self._context.target()
        if target is None:
            return
        place = target.locate(world)
        if place is None:
            context.report(f"That click is outside of {target.name}: click on the image.")
            return
        if context.controls.mend.isChecked():
            context.controls.mend.setChecked(False)
            self._accepted.mend_at(target, place)
        elif context.has_object() or not self._accepted.reopen_at(target, place):
            self._give(target, place.plane, Click(place.y, place.x, positive != context.controls.flip.isChecked()))

    def mend(self, world: Sequence[float]) -> None:
        """Open the object of a Labels layer that lies at a place in the world, to go on from it by clicks."""
        target = self._context.target()
        place = None if target is None else target.locate(world)
        if target is not None and place is not None:
            self._accepted.mend_at(target, place)
        elif target is not None:
            self._context.report(f"The pointer is outside of {target.name}: point at an object in it.")

    def drag(self, line: Sequence[Sequence[float]], positive: bool, scribbling: bool) -> None:
        """Draw a box, or a scribble, along world positions."""
        context, target = self._context, self._context.target()
        if target is None:
            return
        corners = [target.corner(world) for world in line]
        try:
            prompt: Prompt
            if scribbling or context.controls.draws_scribbles():
                inside = [target.locate(world) for world in line]
                points = tuple((place.y, place.x) for place in inside if place is not None)
                prompt = Scribble(points, positive != context.controls.flip.isChecked())
            else:
                (y0, x0), (y1, x1) = corners[0], corners[-1]
                prompt = Box(min(y0, y1), min(x0, x1), max(y0, y1), max(x0, x1))
        except UserError as error:
            context.report(str(error))
            self._drawing.draw_given()
            return
        self._give(target, target.plane, prompt)

    def undo(self) -> None:
        """Take the last click back."""
        self._change(self._context.sessions.undo)

    def redo(self) -> None:
        """Give again what was taken back last."""
        self._change(self._context.sessions.redo)

    def reset(self) -> None:
        """Drop the object, and the suggestions; what is accepted stays."""
        self._suggesting.drop()
        self._change(self._context.sessions.reset)

    def larger(self) -> None:
        """Take the next larger object around the same clicks."""
        self._change_here(self._context.sessions.larger, self._drawing.show)

    def smaller(self) -> None:
        """Take the next smaller object around the same clicks."""
        self._change_here(self._context.sessions.smaller, self._drawing.show)

    def end_here(self) -> None:
        """Let the object end in the slice in view."""
        self._change_here(self._context.sessions.end_here, self._on_carried)

    def carry(self) -> None:
        """Carry the object, or else the one that was accepted last, to the other slices."""
        context = self._context
        subject, target = context.subject(), context.target()
        if subject is None or target is None:
            return
        if not context.has_object():
            self._accepted.reopen_last()
        self._carry(subject, target.plane, "Carrying the object to the other slices...")

    def _give(self, target: ViewedImage, plane: Plane, prompt: Prompt) -> None:
        context, subject = self._context, self._context.subject()
        if subject is None or not self._watch(target):
            return
        key = subject.key
        context.pending.append((key, plane, prompt))
        context.ask(
            subject,
            partial(context.sessions.give, subject, plane, prompt),
            self._on_given,
            refused=partial(self._on_refused, key),
        )
        self._drawing.draw_given_soon()
        seen = context.seen_of(key)
        if key in context.opening or (seen is not None and seen.state.carried):
            context.ask_steps(
                subject,
                partial(context.sessions.follow, subject),
                self._on_carried,
                stepped=self._on_reached,
                interruptible=True,
            )

    def _on_given(self, seen: ObjectAsSeen) -> None:
        self._answered(seen.key)
        self._drawing.show_latest(seen)

    def _on_refused(self, key: Hashable) -> None:
        self._answered(key)
        self._drawing.draw_given()

    def _answered(self, key: Hashable) -> None:
        for number, (of, _, _) in enumerate(self._context.pending):
            if of == key:
                del self._context.pending[number]
                return

    def _change(self, change: Callable[[ClickedImage], ObjectAsSeen]) -> None:
        subject = self._context.subject()
        if subject is not None:
            self._context.ask(subject, partial(change, subject), self._drawing.show)

    def _change_here(
        self, change: Callable[[ClickedImage, Plane], ObjectAsSeen], then: Callable[[ObjectAsSeen], object]
    ) -> None:
        subject, target = self._context.subject(), self._context.target()
        if subject is not None and target is not None:
            self._context.ask(subject, partial(change, subject, target.plane), then)

    def _carry(self, subject: ClickedImage, plane: Plane, words: str) -> None:
        self._context.ask_steps(
            subject,
            partial(self._context.sessions.carry, subject, plane, or_from_first=True),
            self._on_carried,
            words=words,
            stepped=self._on_reached,
        )

    def _on_reached(self, step: tuple[int, Plane]) -> None:
        count, plane = step
        self._context.controls.set_busy(f"Slice {plane[-1]} found; {count} done...")

    def _on_carried(self, seen: ObjectAsSeen | None) -> None:
        context = self._context
        if seen is None:  # stopped; what was found stays
            subject = context.subject(quiet=True)
            if subject is not None:
                context.ask(subject, partial(context.sessions.open, subject), self._drawing.show)
            return
        self._drawing.show(seen)
        if seen.key == context.subjects.key():
            context.controls.set_ends(seen.state)
