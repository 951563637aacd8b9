"""What the parts of the Click widget share: the viewer, the controls, the object in work, and who does the work."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable
from typing import TypeVar

import napari.viewer
from napari.utils.notifications import show_error
from qtpy.QtWidgets import QWidget

from napari_medt.clicking.layers import ClickLayers
from napari_medt.clicking.panels.controls import ClickControls
from napari_medt.clicking.subjects import ClickSubjects
from napari_medt.clicking.writing import object_labels
from napari_medt.running.ordered_work import OrderedWork
from napari_medt.running.questions import Questions
from napari_medt.viewer.viewed_image import ViewedImage
from src_models.clicking.in_work import ClickedImage, ObjectAsSeen
from src_models.clicking.prompts import Prompt
from src_models.clicking.sessions import ClickSessions, Destination
from src_models.clicking.writing import ObjectLabels
from src_models.errors import UserError
from src_models.images.planes import Plane

__all__ = ["ClickContext"]

T = TypeVar("T")
S = TypeVar("S")


class ClickContext:
    """The state of one Click widget.

    Parameters
    ----------
    viewer
        The viewer that it works in.
    widget
        The widget.
    """

    def __init__(self, viewer: napari.viewer.Viewer, widget: QWidget) -> None:
        self.viewer = viewer
        self.controls = ClickControls(widget, viewer)
        self.layers = ClickLayers(viewer)
        self.subjects = ClickSubjects(viewer, self.controls)
        self.work = OrderedWork("clicks", widget)
        self.questions = Questions(self.work, self.report)
        self.sessions = ClickSessions()  # the worker thread's
        self.seen: ObjectAsSeen | None = None
        self.pending: list[tuple[Hashable, Plane, Prompt]] = []  # given, not answered yet
        self.opening: set[Hashable] = set()  # where an accepted object is being opened again

    def target(self, *, quiet: bool = False) -> ViewedImage | None:
        """Return the chosen image as it is viewed; what is wrong with it is said."""
        try:
            return self.subjects.target()
        except UserError as error:
            if not quiet:
                self.report(str(error))
            return None

    def subject(self, *, quiet: bool = False) -> ClickedImage | None:
        """Return what the worker thread needs to know of the chosen image; what is wrong with it is said."""
        try:
            return self.subjects.subject()
        except UserError as error:
            if not quiet:
                self.report(str(error))
            return None

    def ask(
        self,
        subject: ClickedImage,
        work: Callable[[], T],
        then: Callable[[T], object],
        *,
        refused: Callable[[], object] = lambda: None,
    ) -> None:
        """Have something done for an image by the worker thread.

        Parameters
        ----------
        subject
            The image.
        work
            What is done.
        then
            Hears what that returned, unless the image has gone.
        refused
            Hears that it could not be done, before a person is told why.
        """

        def answered(result: T) -> None:
            if subject.key in self.subjects.targets:
                then(result)

        def not_done(sentence: str) -> None:
            refused()
            self.report(sentence)

        self.questions.ask(work, answered, refused=not_done)

    def ask_steps(
        self,
        subject: ClickedImage,
        work: Callable[[], Generator[S, None, T]],
        then: Callable[[T | None], object],
        *,
        words: str | None = None,
        stepped: Callable[[S], object] = lambda _: None,
        interruptible: bool = False,
    ) -> None:
        """Have something done that takes long; as :meth:`ask`.

        Parameters
        ----------
        subject, work, then
            As there; `then` hears None if it was stopped.
        words
            What is said meanwhile.
        stepped
            Hears every step.
        interruptible
            Whether it is stopped when something else is asked for.
        """

        def going_on(step: S) -> None:
            if subject.key in self.subjects.targets:
                stepped(step)

        def answered(result: T | None) -> None:
            self.controls.set_busy(None)
            if subject.key in self.subjects.targets:
                then(result)

        def not_done(sentence: str) -> None:
            self.controls.set_busy(None)
            self.report(sentence)

        self.questions.ask_steps(work, answered, stepped=going_on, refused=not_done, interruptible=interruptible)
        if words is not None:
            self.controls.set_busy(words)

    def seen_of(self, key: Hashable) -> ObjectAsSeen | None:
        """Return an object as it stands, if it is the one in view."""
        return self.seen if self.seen is not None and self.seen.key == key else None

    def has_object(self) -> bool:
        """Whether an object is in work in the chosen image."""
        key = self.subjects.key()
        seen = self.seen_of(key)
        found = seen is not None and bool(seen.state.planes)
        return found or key in self.opening or any(of == key for of, _, _ in self.pending)

    def labels(self) -> ObjectLabels | None:
        """Return the labels that objects go into, for the worker thread; None for new ones."""
        layer = self.subjects.labels()
        return None if layer is None else object_labels(layer)

    def destination(self) -> Destination:
        """Return where accepted objects go, for the worker thread."""
        accepting = self.controls.accepting
        return Destination(self.labels(), accepting.value(), accepting.overwrite.isChecked())

    def own(self, seen: ObjectAsSeen) -> int:
        """Return what an object may be written over: its class, or the number that it has already; 0 if it is new."""
        labels = self.subjects.labels()
        if seen.again is not None and labels is not None and seen.again.labels == labels.unique_id:
            return seen.again.value
        return self.controls.accepting.value() or 0

    def report(self, message: str) -> None:
        """Say what is wrong."""
        sentence = message[:1].upper() + message[1:]
        self.controls.set_status(sentence)
        show_error(sentence)
