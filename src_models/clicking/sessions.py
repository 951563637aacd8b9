"""The objects that are being clicked, one for each image and view of it: what the Click widget's worker thread does.

No viewer and no Qt, and labels come as arrays. Every method is called in one thread, in the order of what a person did.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from src_models.clicking.in_work import ClickedImage, InWork, ObjectAsSeen
from src_models.clicking.mends.reopening import NEVER, again_stored, begun_again, painted, parts_of
from src_models.clicking.writing import Again, Found, ObjectLabels, Plan, plan_objects
from src_models.errors import UserError
from src_models.images.planes import Plane

if TYPE_CHECKING:
    from src_models.attention.placed_map import PlacedMap
    from src_models.clicking.learning.kept_objects import KeptObject
    from src_models.clicking.prompts import Prompt
    from src_models.clicking.suggestions import Suggestion
    from src_models.corrections.correction import Source
    from src_models.progress import Progress

__all__ = ["ClickSessions", "Destination", "Reopened", "Suggested", "Taken"]

_EXAMPLES = 2  # accepted objects that suggestions are like


@dataclass(frozen=True, slots=True)
class Destination:
    """Where accepted objects go.

    Parameters
    ----------
    labels
        Into which labels; None for new ones.
    value
        The class to write; None numbers the objects.
    overwrite
        Whether what finished objects have is taken from them.
    """

    labels: ObjectLabels | None = None
    value: int | None = None
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """Objects that were accepted and are to be written, and the new one that is begun."""

    plans: Sequence[Plan]
    seen: ObjectAsSeen


@dataclass(frozen=True, slots=True)
class Reopened:
    """An accepted object that is in work again; `painted` pixels of it are not as its clicks find them."""

    seen: ObjectAsSeen
    painted: int


@dataclass(frozen=True, slots=True)
class Suggested:
    """A suggestion that is the object in work; `left` wait after it, or None where there was no further one."""

    seen: ObjectAsSeen
    left: int | None


class ClickSessions:
    """Everything that is being clicked."""

    def __init__(self) -> None:
        self._images: dict[Hashable, InWork] = {}
        self._numbers: dict[Hashable, int] = {}  # the highest number that was given, by labels

    def open(self, subject: ClickedImage) -> ObjectAsSeen:
        """Get ready for clicks; an object that was begun in this image goes on, answered anew if anything changed."""
        return self._work(subject).seen()

    def give(self, subject: ClickedImage, plane: Plane, prompt: Prompt) -> ObjectAsSeen:
        """Give a click, scribble or box; where there is no object, it begins a new one."""

        def give(work: InWork) -> None:
            if not work.session.state.planes:
                work.again = None
            work.session.give(prompt, plane)

        return self._act(subject, give)

    def undo(self, subject: ClickedImage) -> ObjectAsSeen:
        """Take the last thing back."""
        return self._act(subject, lambda work: work.session.undo())

    def redo(self, subject: ClickedImage) -> ObjectAsSeen:
        """Do again what was taken back last."""
        return self._act(subject, lambda work: work.session.redo())

    def reset(self, subject: ClickedImage) -> ObjectAsSeen:
        """Drop the object."""
        return self._act(subject, InWork.begin)

    def larger(self, subject: ClickedImage, plane: Plane) -> ObjectAsSeen:
        """Take the next larger object around the same clicks."""
        return self._act(subject, lambda work: work.session.larger(plane))

    def smaller(self, subject: ClickedImage, plane: Plane) -> ObjectAsSeen:
        """Take the next smaller object around the same clicks."""
        return self._act(subject, lambda work: work.session.smaller(plane))

    def end_here(self, subject: ClickedImage, plane: Plane) -> ObjectAsSeen:
        """Let the object end in a plane."""
        return self._act(subject, lambda work: work.session.end_here(plane))

    def carry(
        self, subject: ClickedImage, plane: Plane, *, or_from_first: bool = False
    ) -> Generator[tuple[int, Plane], None, ObjectAsSeen]:
        """Carry the object to other slices.

        Parameters
        ----------
        subject, plane
            Where from.
        or_from_first
            Whether it is carried from its first plane where it does not lie in this one.

        Yields
        ------
        tuple
            Slices done so far, and the plane that was found last.
        """
        work = self._work(subject)
        state = work.session.state
        elsewhere = or_from_first and plane not in state.planes and state.origin is not None
        start = state.origin if elsewhere else plane
        with subject.computing():
            steps = work.session.carry(start)
            try:
                yield from steps
            finally:
                steps.close()  # type: ignore[attr-defined]
        return work.seen()

    def follow(self, subject: ClickedImage) -> Generator[tuple[int, Plane], None, ObjectAsSeen]:
        """Follow what mends changed through the slices beside; as :meth:`carry`."""
        work = self._work(subject)
        with subject.computing():
            steps = work.session.follow()
            try:
                yield from steps
            finally:
                steps.close()  # type: ignore[attr-defined]
        return work.seen()

    def attention(self, subject: ClickedImage, plane: Plane) -> list[PlacedMap]:
        """Return the attention with which the present answer in a plane was found, finest first."""
        session = self._work(subject).session
        found = session.state.planes.get(plane)
        if found is None or not found.answer.given.size:
            raise UserError("there is no answer in this plane yet whose attention could be shown: click first")
        with subject.computing():
            return session.image.answers(plane).attention(found.answer)

    def restore(
        self, subject: ClickedImage, stored: Mapping[str, Any], labels: ObjectLabels | None = None
    ) -> ObjectAsSeen:
        """Go on with a stored object; if it was accepted before, with its number in these labels."""

        def restore(work: InWork) -> None:
            work.session.restore(stored)
            work.again = again_stored(labels, stored.get("again"), parts_of(work.session.first_state))

        return self._act(subject, restore)

    def accept(self, subject: ClickedImage, into: Destination) -> Taken:
        """Take the object, and begin a new one.

        It is to be written then, and :meth:`written` or :meth:`give_back` called.

        Raises
        ------
        UserError
            If there is none, or it cannot be put there; then the object stays.
        """
        return self._accept(subject, into, [])

    def accept_all(self, subject: ClickedImage, into: Destination) -> Taken:
        """Take the suggestion that is the object in work, and all that wait as they are; as :meth:`accept`.

        Raises
        ------
        UserError
            If nothing is suggested, or all of them cannot be put there.
        """
        work = self._work(subject)
        if work.waiting is None:
            raise UserError("nothing is suggested: press N to look for similar objects first")
        waiting, work.waiting = work.waiting, None
        return self._accept(subject, into, waiting)

    def written(self, subject: ClickedImage, plans: Sequence[Plan], labels: Hashable) -> Suggested | None:
        """Note that objects were written into labels, and go on with the next suggestion; None if there are none."""
        work = self._work(subject)
        last = plans[-1]
        work.last = Again(last.value, last.is_class, last.accepted.time.isoformat(), last.session, labels)
        largest = [max(plan.accepted.slices, key=lambda part: int(part.mask.sum())) for plan in plans]
        work.examples = [*work.examples, *largest][-_EXAMPLES:]
        return None if work.waiting is None else self.next_suggestion(subject)

    def to_keep(
        self, subject: ClickedImage, plans: Sequence[Plan], labels: ObjectLabels, source: Source
    ) -> list[KeptObject]:
        """Return objects that were written into labels as what the network of clicks learns from."""
        from src_models.clicking.learning.kept_objects import corrections_of

        image = self._work(subject).session.image
        return [corrections_of(plan, image, subject.covering, labels.data, source) for plan in plans]

    def give_back(self, subject: ClickedImage, plans: Sequence[Plan]) -> ObjectAsSeen:
        """Go on with the first of some objects, which could not be written after all."""

        def give_back(work: InWork) -> None:
            work.again = plans[0].again
            work.session.restore(plans[0].session)

        return self._act(subject, give_back)

    def reopen(self, subject: ClickedImage, again: Again, labels: ObjectLabels) -> Reopened:
        """Work on an accepted object again: its clicks are given anew."""
        work = self._work(subject)
        work.again = None
        with subject.computing():
            work.session.restore(again.session)
        work.again = replace(again, parts=parts_of(work.session.state))
        return Reopened(work.seen(), painted(work.again, labels, subject.covering))

    def begin_with(
        self, subject: ClickedImage, labels: ObjectLabels, plane: Plane, place: tuple[int, int], time: str = NEVER
    ) -> ObjectAsSeen:
        """Begin with the object of labels at a place; accepting puts it in its place there, under its number.

        Parameters
        ----------
        subject
            The image.
        labels
            The labels, which cover it.
        plane, place
            Where: the plane, and row and column in it.
        time
            When it was accepted, if it was clicked before, in another image or seen from another side.

        Raises
        ------
        UserError
            If nothing lies there, or another object is in work.
        """
        from src_models.clicking.mends.beginning import object_at

        def begin(work: InWork) -> None:
            value, masks = object_at(labels.data, subject.covering, plane, place)
            work.session.begin_with(masks, plane)
            work.again = begun_again(value, labels.key, work.session.state, time)

        return self._act(subject, begin)

    def reopen_last(self, subject: ClickedImage, labels: ObjectLabels | None) -> Reopened | None:
        """Work on the object again that was accepted last; None if there is an object, or none in these labels."""
        work = self._work(subject)
        if work.session.state.planes or labels is None or work.last is None or work.last.labels != labels.key:
            return None
        return self.reopen(subject, work.last, labels)

    def suggest(
        self, subject: ClickedImage, plane: Plane, view: tuple[slice, slice], labels: ObjectLabels | None
    ) -> Generator[Progress, None, int]:
        """Look for objects in view that are like those accepted last; :meth:`next_suggestion` shows them.

        Parameters
        ----------
        subject, plane
            Where to look.
        view
            Rows and columns in view.
        labels
            Finished objects, which are not suggested.

        Returns
        -------
        int
            How many there are.

        Raises
        ------
        UserError
            If nothing was accepted yet, or the view lies outside of the plane or is too large.
        """
        from src_models.clicking.suggestions import suggest

        work = self._work(subject)
        if not work.examples:
            raise UserError("accept one or two objects first; then similar ones can be suggested")
        covering = subject.covering
        none = np.zeros(covering.plane_shape, bool)
        taken = none if labels is None else labels.data[covering.plane_index(plane)] > 0
        with subject.computing():
            found = yield from suggest(work.session.image, plane, work.examples, view, taken)
        work.waiting, work.plane = found, plane
        return len(found)

    def next_suggestion(self, subject: ClickedImage) -> Suggested | None:
        """Take the next suggestion as the object, to be accepted, mended or skipped; None if nothing is suggested."""
        work = self._work(subject)
        if work.waiting is None:
            return None
        work.begin()
        if not work.waiting:
            work.waiting = None
            return Suggested(work.seen(), None)
        first = work.waiting.pop(0)
        work.session.take(first.click, first.answer, work.plane)
        return Suggested(work.seen(), len(work.waiting))

    def drop_suggestions(self) -> None:
        """Suggest nothing any more."""
        for work in self._images.values():
            work.waiting = None

    def forget(self, keep: Callable[[Hashable], bool]) -> None:
        """Drop the objects of images that are gone."""
        self._images = {key: work for key, work in self._images.items() if keep(key)}

    def _accept(self, subject: ClickedImage, into: Destination, suggestions: Sequence[Suggestion]) -> Taken:
        work, labels = self._work(subject), into.labels
        session = work.session
        stored = session.to_dict()
        found: list[Found] = []
        again = (
            work.again if labels is not None and work.again is not None and work.again.labels == labels.key else None
        )
        try:
            if session.state.planes or not suggestions:
                found.append((session.accept(), stored))
            for suggestion in suggestions:
                session.take(suggestion.click, suggestion.answer, work.plane)
                taken = session.to_dict()
                found.append((session.accept(), taken))
            plans = plan_objects(
                labels,
                subject.covering,
                found,
                image=subject.name,
                value=into.value,
                overwrite=into.overwrite,
                again=again,
                above=0 if labels is None else self._numbers.get(labels.key, 0),
            )
        except UserError:
            session.restore(stored)
            raise
        work.again = None
        if labels is not None:
            given = [0, *(plan.value for plan in plans if not plan.is_class)]
            self._numbers[labels.key] = max(self._numbers.get(labels.key, 0), *given)
        return Taken(plans, work.seen())

    def _act(self, subject: ClickedImage, act: Callable[[InWork], object]) -> ObjectAsSeen:
        work = self._work(subject)
        with subject.computing():
            act(work)
        return work.seen()

    def _work(self, subject: ClickedImage) -> InWork:
        held = self._images.get(subject.key)
        if held is not None and held.subject.like(subject):
            return held
        with subject.computing():
            session = subject.session()
            if held is not None and held.subject.data.shape == subject.data.shape:
                session.restore(held.session.to_dict())
        work = InWork(subject, session) if held is None else replace(held, subject=subject, session=session)
        self._images[subject.key] = work
        return work
