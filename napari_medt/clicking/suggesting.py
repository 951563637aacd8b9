"""Objects that are like those that were accepted last: looked for, and gone through one by one or all at once."""

from __future__ import annotations

from functools import partial

from napari_medt.clicking.context import ClickContext
from napari_medt.clicking.drawing import ClickDrawing
from src_models.clicking.in_work import ClickedImage
from src_models.clicking.sessions import Suggested
from src_models.errors import UserError

__all__ = ["Suggesting"]

_NO_MORE = "No more similar objects in view."


class Suggesting:
    """The suggestions of one Click widget; they belong to one plane of one image.

    Parameters
    ----------
    context
        The state of the widget.
    drawing
        Draws the object that is suggested.
    """

    def __init__(self, context: ClickContext, drawing: ClickDrawing) -> None:
        self._context = context
        self._drawing = drawing
        self.going_on = False  # one of them is the object in work

    def suggest(self) -> None:
        """Look for objects like those accepted last, or skip the one that is suggested."""
        context = self._context
        subject, target = context.subject(), context.target()
        if subject is None or target is None:
            return
        if self.going_on:
            self._ask_next(subject)
            return
        try:
            view = context.subjects.view(target)
        except UserError as error:
            context.report(str(error))
            return
        context.ask_steps(
            subject,
            partial(context.sessions.suggest, subject, target.plane, view, context.labels()),
            partial(self._found, subject),
            words="Looking for similar objects in view...",
        )

    def drop(self) -> None:
        """Suggest nothing any more."""
        self.clear()
        self._context.questions.ask(self._context.sessions.drop_suggestions)

    def clear(self) -> None:
        """Show that nothing is suggested."""
        self.going_on = False
        self._context.controls.set_suggestions(None)

    def show(self, suggested: Suggested | None) -> None:
        """Show a suggestion as the object, or that there is no further one; None where nothing is suggested."""
        if suggested is None:
            return
        if suggested.seen.key == self._context.subjects.key():  # else another image was chosen meanwhile
            self.going_on = suggested.left is not None
            self._context.controls.set_suggestions(suggested.left, _NO_MORE)
        self._drawing.show(suggested.seen)

    def _found(self, subject: ClickedImage, count: int | None) -> None:
        if subject.key != self._context.subjects.key():  # another image was chosen meanwhile
            return
        if count is None:
            self._context.controls.set_suggestions(None, _NO_MORE)
        else:
            self._ask_next(subject)

    def _ask_next(self, subject: ClickedImage) -> None:
        self._context.ask(subject, partial(self._context.sessions.next_suggestion, subject), self.show)
