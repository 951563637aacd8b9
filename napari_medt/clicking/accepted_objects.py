"""Accepting the object in work, and working on one that is accepted again."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_medt.clicking.context import ClickContext
from napari_medt.clicking.drawing import ClickDrawing
from napari_medt.clicking.layers import add_objects_layer
from napari_medt.clicking.suggesting import Suggesting
from napari_medt.clicking.writing import object_labels, write_objects
from napari_medt.viewer.labels.labels_layers import fitting_labels
from napari_medt.viewer.labels.object_records import record_at
from napari_medt.viewer.viewed_image import Place, ViewedImage
from src_models.clicking.in_work import ClickedImage, ObjectAsSeen
from src_models.clicking.mends.reopening import NEVER
from src_models.clicking.sessions import Destination, Reopened, Taken
from src_models.clicking.writing import Again, Plan, Written
from src_models.errors import UserError

if TYPE_CHECKING:
    import napari.layers

__all__ = ["AcceptedObjects"]


class AcceptedObjects:
    """Writes objects into labels, and opens them again.

    Parameters
    ----------
    context
        The state of the widget.
    drawing
        Draws the object that is in work then.
    suggesting
        Goes on with the next suggestion.
    watch
        Keeps the labels of an image on disk.
    keep
        Keeps objects that were written for the model to learn from.
    """

    def __init__(
        self,
        context: ClickContext,
        drawing: ClickDrawing,
        suggesting: Suggesting,
        watch: Callable[[ViewedImage], object],
        keep: Callable[[ClickedImage, ViewedImage, napari.layers.Labels, Sequence[Plan]], object],
    ) -> None:
        self._context = context
        self._drawing = drawing
        self._suggesting = suggesting
        self._watch = watch
        self._keep = keep

    def accept(self) -> None:
        """Write the object into the labels, once what was clicked before is answered."""
        self._take(self._context.sessions.accept)

    def accept_all(self) -> None:
        """Write the suggestion that is shown, and those that wait, each as an object of its own."""
        if self._take(self._context.sessions.accept_all) and self._suggesting.going_on:
            self._suggesting.clear()

    def reopen_at(self, target: ViewedImage, place: Place) -> bool:
        """Open the accepted object at a place again, if there is one; whether it is opened.

        Where finished objects may be overwritten, a click begins a new one.
        """
        context, labels = self._context, self._context.subjects.labels()
        if labels is None or labels.data.shape != target.shape or context.controls.accepting.overwrite.isChecked():
            return False
        value, where = _at(labels, target, place)
        if not value:
            return False
        record = record_at(labels, value, where)
        if record is not None and "session" in record and not _clicked_here(record, target):
            context.controls.set_status(
                f"Object {value} was clicked in {record['image']!r}, seen from another side: a new object is begun."
                if record["image"] == target.layer.name
                else f"Object {value} was clicked in {record['image']!r}: a new object is begun."
            )
            return False
        return self._open(target, place, labels)

    def mend_at(self, target: ViewedImage, place: Place) -> None:
        """Open the object at a place, of the chosen labels or else of the uppermost ones that hold something there.

        It is gone on with by its clicks, if they are known and were given in this image, and else as it lies there.
        """
        context, chosen = self._context, self._context.subjects.labels()
        if context.has_object():
            context.report("An object is in work: accept it (A), or drop it (R), before you open another one.")
            return
        shown = [labels for labels in reversed(fitting_labels(context.viewer, target)) if labels.visible]
        for labels in [each for each in (chosen, *shown) if each is not None and each.data.shape == target.shape]:
            if _at(labels, target, place)[0]:
                context.subjects.offer_labels()
                context.controls.accepting.choose(labels)
                self._open(target, place, labels)
                return
        context.report("No Labels layer over the image holds an object at this place: point at one.")

    def _open(self, target: ViewedImage, place: Place, labels: napari.layers.Labels) -> bool:
        context, subject = self._context, self._context.subject()
        if subject is None:
            return False
        value, where = _at(labels, target, place)
        record, known = record_at(labels, value, where), object_labels(labels)
        context.opening.add(subject.key)
        if record is not None and "session" in record and _clicked_here(record, target):
            again = Again.of(record, labels.unique_id)
            self._ask_reopened(subject, partial(context.sessions.reopen, subject, again, known))
            return True
        key, time = subject.key, NEVER if record is None else record["time"]
        context.ask(
            subject,
            partial(
                context.sessions.begin_with, subject, known, place.plane, (round(place.y), round(place.x)), time=time
            ),
            partial(self._on_begun, key),
            refused=partial(context.opening.discard, key),
        )
        return True

    def _on_begun(self, key: Hashable, seen: ObjectAsSeen) -> None:
        """Say that an object of labels is open as it lies there."""
        self._drawing.show(seen)
        self._context.opening.discard(key)
        if seen.again is not None and key == self._context.subjects.key():
            self._context.controls.set_status(
                f"Object {seen.again.value} is open as it lies in the labels: click where something is missing, or "
                "Shift + click where it is too much; A puts it in its place."
            )

    def reopen_last(self) -> None:
        """Open the object again that was accepted last, if there is one."""
        context, subject = self._context, self._context.subject()
        if subject is not None:
            self._ask_reopened(subject, partial(context.sessions.reopen_last, subject, context.labels()))

    def _ask_reopened(self, subject: ClickedImage, work: Callable[[], Reopened | None]) -> None:
        key = subject.key
        self._context.ask(
            subject, work, partial(self._on_reopened, key), refused=partial(self._context.opening.discard, key)
        )

    def _on_reopened(self, key: Hashable, reopened: Reopened | None) -> None:
        """Say that an object is open again, once its clicks are answered."""
        if reopened is None:
            return
        self._drawing.show(reopened.seen)
        self._context.opening.discard(key)
        again = reopened.seen.again
        if again is None or key != self._context.subjects.key():
            return
        words = f"Object {again.value} is open again, with its clicks: mend it, and A puts it in its place."
        if reopened.painted:
            words += f" {reopened.painted} px of it were changed by hand: they follow the clicks then."
        self._context.controls.set_status(words)

    def _take(self, take: Callable[[ClickedImage, Destination], Taken]) -> bool:
        """Have objects taken, to be written into the labels that are chosen now; False if nothing can be clicked in."""
        context = self._context
        subject, labels = context.subject(), context.subjects.labels()
        if subject is None:
            return False
        context.ask(subject, partial(take, subject, context.destination()), partial(self._on_taken, subject, labels))
        return True

    def _on_taken(self, subject: ClickedImage, chosen: napari.layers.Labels | None, taken: Taken) -> None:
        """Write objects that were taken; if they cannot be written any more, the first is in work again.

        They go into the labels that were chosen when a person accepted them, or new ones if those were removed since.
        """
        context, target = self._context, self._context.subjects.targets[subject.key]
        self._watch(target)  # the labels may have been saved or removed since the click
        accepting = context.controls.accepting
        try:
            labels = context.subjects.labels() if chosen is None else chosen
            if labels is None or labels not in context.viewer.layers:
                labels = add_objects_layer(context.viewer, target)
                context.subjects.offer_labels()
                accepting.choose(labels)
            written = write_objects(labels, target, taken.plans, overwrite=accepting.overwrite.isChecked())
        except UserError as error:  # the labels changed meanwhile
            context.report(str(error))
            context.ask(subject, partial(context.sessions.give_back, subject, taken.plans), self._drawing.show)
            return
        self._keep(subject, target, labels, taken.plans)
        self._drawing.show(taken.seen)
        context.controls.set_status(_words(written))
        note = partial(context.sessions.written, subject, taken.plans, labels.unique_id)
        context.ask(subject, note, self._suggesting.show)


def _at(labels: napari.layers.Labels, target: ViewedImage, place: Place) -> tuple[int, list[int]]:
    """Return what labels hold at a place, and where that is in them."""
    index = target.index(place.plane, slice(round(place.y), None), slice(round(place.x), None))
    where = [i.start if isinstance(i, slice) else i for i in index]
    return int(labels.data[tuple(where)]), where


def _clicked_here(record: Mapping[str, Any], target: ViewedImage) -> bool:
    """Whether an object was clicked in an image as it is viewed."""
    return (record["axes"], record["image"]) == (target.axes, target.layer.name)


def _words(written: Sequence[Written]) -> str:
    written = [one for one in written if one.pixels]
    pixels, kept = sum(one.pixels for one in written), sum(one.kept_out for one in written)
    left = f", {kept} px left to finished objects" if kept else ""
    if len(written) == 1:
        return f"Object {written[0].value} accepted ({pixels} px{left}). Click on the next one."
    return f"{len(written)} objects accepted ({pixels} px{left}). Ctrl+Z in the labels takes them back together."
