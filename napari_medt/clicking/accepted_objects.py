"""Accepting the object in work, and working on one that is accepted again."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_medt.clicking.context import Clicking
from napari_medt.clicking.layers import add_objects_layer
from napari_medt.clicking.writing import Again, Plan, Written, plan_objects, write_objects
from napari_medt.viewer.labels.object_records import record_at, records_of
from napari_medt.viewer.viewed_image import Place, ViewedImage
from src_models.clicking.accepted import ObjectSlice
from src_models.clicking.sessions import ClickedImage, ObjectAsSeen
from src_models.errors import UserError

if TYPE_CHECKING:
    import napari.layers

    from src_models.clicking.suggestions import Suggestion

__all__ = ["AcceptedObjects"]

Plane = tuple[int, ...]
_EXAMPLES = 2  # accepted objects that suggestions are like


class AcceptedObjects(QObject):
    """Writes objects into labels, and opens them again.

    Parameters
    ----------
    clicking
        The state of the widget.
    parent
        The widget.
    """

    written = Signal(object)  #: the object that is begun

    def __init__(self, clicking: Clicking, parent: QObject) -> None:
        super().__init__(parent)
        self._at = clicking
        self._last: dict[Hashable, Again] = {}  # the object accepted last
        self._examples: dict[Hashable, list[ObjectSlice]] = {}

    def examples(self, key: Hashable) -> list[ObjectSlice]:
        """Return the objects of an image that were accepted last."""
        return list(self._examples.get(key, []))

    def accept(self) -> None:
        """Write the object into the labels, once what was clicked before is answered."""
        self._ask(self._at.sessions.accept)

    def accept_all(self, plane: Plane, suggestions: Sequence[Suggestion]) -> None:
        """Write the object that is suggested, and the suggestions that wait, each as an object of its own."""
        self._ask(lambda subject, plan: self._at.sessions.accept_all(subject, plane, suggestions, plan))

    def write(
        self, key: Hashable, chosen: napari.layers.Labels | None, plans: Sequence[Plan], seen: ObjectAsSeen
    ) -> bool:
        """Write objects that were taken; if they cannot be written any more, the first is in work again: False.

        They go into the labels that were chosen when a person accepted them, or new ones if those were removed since.
        """
        at = self._at
        target, accepting = at.subjects.targets[key], at.controls.accepting
        try:
            labels = at.subjects.labels() if chosen is None else chosen
            if labels is None or labels not in at.viewer.layers:
                labels = add_objects_layer(at.viewer, target)
                at.subjects.offer_labels()
                accepting.choose(labels)
            written = write_objects(labels, target, plans, overwrite=accepting.overwrite.isChecked())
        except UserError as error:  # the labels changed meanwhile
            at.report(str(error))
            subject = at.subject()
            if subject is not None:
                at.ask("restore", subject, partial(at.sessions.restore, subject, plans[0].session))
            return False
        at.again.pop(key, None)
        self._last[key] = Again(records_of(labels)[-1], labels)
        largest = [max(plan.accepted.slices, key=_area) for plan in plans]
        self._examples[key] = [*self._examples.get(key, []), *largest][-_EXAMPLES:]
        self.written.emit(seen)
        at.controls.set_status(_words(written))
        return True

    def reopen_at(self, target: ViewedImage, place: Place) -> bool:
        """Open the accepted object at a place again, if there is one; whether it is opened.

        Where finished objects may be overwritten, a click begins a new one.
        """
        labels = self._at.subjects.labels()
        if labels is None or labels.data.shape != target.shape or self._at.controls.accepting.overwrite.isChecked():
            return False
        index = target.index(place.plane, slice(round(place.y), None), slice(round(place.x), None))
        at = [i.start if isinstance(i, slice) else i for i in index]
        value = int(labels.data[tuple(at)])
        if not value:
            return False
        record = record_at(labels, value, at)
        if record is None or "session" not in record:
            self._at.controls.set_status(f"The clicks of object {value} are not known: a new object is begun.")
            return False
        if (record["axes"], record["image"]) != (target.axes, target.layer.name):
            self._at.controls.set_status(
                f"Object {value} was clicked in {record['image']!r}, seen from another side: a new object is begun."
                if record["image"] == target.layer.name
                else f"Object {value} was clicked in {record['image']!r}: a new object is begun."
            )
            return False
        return self._reopen(Again(record, labels))

    def reopen_last(self) -> bool:
        """Open the object again that was accepted last; whether there is one."""
        last = self._last.get(self._at.subjects.key())
        return last is not None and last.labels == self._at.subjects.labels() and self._reopen(last)

    def reopened(self, key: Hashable, painted: int) -> None:
        """Say that an object is open again, once its clicks are answered."""
        self._at.opening.discard(key)
        again = self._at.again.get(key)
        if again is None or key != self._at.subjects.key():
            return
        words = f"Object {again.value} is open again, with its clicks: mend it, and A puts it in its place."
        if painted:
            words += f" {painted} px of it were changed by hand: they follow the clicks then."
        self._at.controls.set_status(words)

    def not_reopened(self, key: Hashable) -> None:
        """Forget that an object was to be opened again."""
        self._at.opening.discard(key)
        self._at.again.pop(key, None)

    def stored(self, seen: ObjectAsSeen) -> Mapping[str, Any]:
        """Return a session as it is kept on disk: with what the object was before, if it was accepted before."""
        again = self._at.again_of(seen.key)
        if again is None:
            return seen.stored
        return {**seen.stored, "again": {"value": again.value, "time": again.record["time"]}}

    def resume(self, key: Hashable, stored: Mapping[str, Any]) -> None:
        """Go on with an object that was accepted before, as it was kept on disk."""
        labels, was = self._at.subjects.labels(), stored.get("again")
        if labels is None or was is None:
            return
        for record in records_of(labels):
            if (record["value"], record["time"]) == (was["value"], was["time"]):
                self._at.again[key] = Again(record, labels)

    def forget(self, keys: Sequence[Hashable]) -> None:
        """Forget images that were removed."""
        for key in keys:
            self._last.pop(key, None)
            self._examples.pop(key, None)
            self.not_reopened(key)

    def _ask(self, take: Any) -> None:
        at = self._at
        subject, target, labels = at.subject(), at.target(), at.subjects.labels()
        if subject is None or target is None:
            return
        plan = partial(
            plan_objects,
            labels,
            target,
            value=at.controls.accepting.value(),
            overwrite=at.controls.accepting.overwrite.isChecked(),
            again=at.again_of(subject.key),
        )
        at.ask("accept", subject, lambda: (labels, *take(subject, plan)))

    def _reopen(self, again: Again) -> bool:
        subject, target = self._at.subject(), self._at.target()
        if subject is None or target is None:
            return False
        self._at.again[subject.key] = again
        self._at.opening.add(subject.key)
        self._at.ask("reopen", subject, partial(self._open, subject, target, again))
        return True

    def _open(self, subject: ClickedImage, target: ViewedImage, again: Again) -> tuple[ObjectAsSeen, int]:
        """Give the clicks again, and count the pixels by which the object differs from what they find."""
        seen = self._at.sessions.restore(subject, again.record["session"])
        again.parts = tuple(
            ObjectSlice(plane, found.answer.region, found.answer.mask, found.prompts)
            for plane, found in seen.state.planes.items()
        )
        return seen, _differing(target, again)


def _differing(target: ViewedImage, again: Again) -> int:
    """Return how many pixels of an object's planes have its number but are not found by its clicks, or the reverse."""
    if again.record.get("class", False):
        return 0
    count = 0
    for part in again.parts:
        there = again.labels.data[target.index(part.plane, *part.region)]
        count += int(((there == again.value) & ~part.mask).sum() + ((there == 0) & part.mask).sum())
    return count


def _words(written: Sequence[Written]) -> str:
    written = [one for one in written if one.pixels]
    pixels, kept = sum(one.pixels for one in written), sum(one.kept_out for one in written)
    left = f", {kept} px left to finished objects" if kept else ""
    if len(written) == 1:
        return f"Object {written[0].value} accepted ({pixels} px{left}). Click on the next one."
    return f"{len(written)} objects accepted ({pixels} px{left}). Ctrl+Z in the labels takes them back together."


def _area(part: ObjectSlice) -> int:
    return int(part.mask.sum())
