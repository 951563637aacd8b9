"""Objects that are like those that were accepted last: looked for, and gone through one by one or all at once."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_medt.clicking.accepted_objects import AcceptedObjects
from napari_medt.clicking.context import Clicking
from src_models.errors import UserError

if TYPE_CHECKING:
    import napari.layers

    from src_models.clicking.suggestions import Suggestion

__all__ = ["Suggesting"]

Plane = tuple[int, ...]


class Suggesting:
    """The suggestions of one Click widget; they belong to one plane of one image.

    Parameters
    ----------
    clicking
        The state of the widget.
    accepted
        What was accepted.
    """

    def __init__(self, clicking: Clicking, accepted: AcceptedObjects) -> None:
        self._at = clicking
        self._accepted = accepted
        self._waiting: list[Suggestion] = []
        self._plane: Plane = ()
        self.going_on = False  # one of them is the object in work

    def suggest(self) -> None:
        """Look for objects like those accepted last, or skip the one that is suggested."""
        if self.going_on:
            self.show_next()
            return
        at = self._at
        subject, target = at.subject(), at.target()
        if subject is None or target is None:
            return
        examples = self._accepted.examples(subject.key)
        if not examples:
            at.report("Accept one or two objects first; then similar ones can be suggested.")
            return
        try:
            view = at.subjects.view(target)
        except UserError as error:
            at.report(str(error))
            return
        self._plane, labels = target.plane, at.subjects.labels()
        whole = at.subjects.whole(target)
        taken = partial(_taken, labels, target.index(target.plane, *whole), [cut.stop for cut in whole])
        at.ask("suggest", subject, partial(at.sessions.suggest, subject, target.plane, examples, view, taken))
        at.controls.set_busy("Looking for similar objects in view...")

    def found(self, key: Hashable, suggestions: list[Suggestion] | None) -> None:
        """Show what was found; None if it was stopped."""
        if key == self._at.subjects.key():  # else another image was chosen meanwhile
            self._waiting = list(suggestions or [])
            self.show_next()

    def accept_all(self) -> None:
        """Accept the one that is suggested, and all that wait."""
        if not self.going_on:
            self._at.report("Nothing is suggested: press N to look for similar objects first.")
            return
        waiting = list(self._waiting)
        self.drop()
        self._accepted.accept_all(self._plane, waiting)

    def after_accepting(self) -> None:
        """Go on with the next one."""
        if self.going_on:
            self.show_next()

    def drop(self, words: str = "") -> None:
        """Suggest nothing any more, and say why."""
        self._waiting, self.going_on = [], False
        self._at.controls.set_suggestions(None, words)

    def show_next(self) -> None:
        """Show the next suggestion as the object, to be accepted, mended or skipped."""
        at = self._at
        subject = at.subject()
        if subject is None:
            return
        at.again.pop(subject.key, None)
        at.ask("reset", subject, partial(at.sessions.reset, subject))
        if not self._waiting:
            self.drop("No more similar objects in view.")
            return
        self.going_on = True
        suggestion = self._waiting.pop(0)
        at.controls.set_suggestions(len(self._waiting))
        at.ask("take", subject, partial(at.sessions.take, subject, self._plane, suggestion))


def _taken(labels: napari.layers.Labels | None, index: Any, shape: list[int]) -> NDArray[np.bool_]:
    """Return the pixels of a plane that belong to finished objects."""
    return np.zeros(shape, bool) if labels is None else np.asarray(labels.data[index]) > 0
