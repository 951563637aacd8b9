"""What the parts of the Click widget share: the viewer, the controls, the object in work, and who does the work."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import napari.viewer
from napari.utils.notifications import show_error
from qtpy.QtWidgets import QWidget

from napari_medt.clicking.layers import ClickLayers
from napari_medt.clicking.panels.controls import ClickControls
from napari_medt.clicking.subjects import ClickSubjects
from napari_medt.clicking.writing import Again
from napari_medt.running.ordered_work import OrderedWork
from napari_medt.viewer.viewed_image import ViewedImage
from src_models.clicking.prompts import Prompt
from src_models.clicking.sessions import ClickedImage, ClickSessions, ObjectAsSeen
from src_models.errors import UserError

__all__ = ["Clicking"]

Plane = tuple[int, ...]


class Clicking:
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
        self.sessions = ClickSessions()
        self.seen: ObjectAsSeen | None = None
        self.pending: list[tuple[Hashable, Plane, Prompt]] = []  # given, not answered yet
        self.again: dict[Hashable, Again] = {}  # accepted objects that are worked on again
        self.opening: set[Hashable] = set()  # where one of them is being opened

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

    def ask(self, what: str, subject: ClickedImage, work: Any, *, interruptible: bool = False) -> None:
        """Have something done by the worker thread."""
        self.work.ask((what, subject.key), work, interruptible=interruptible)

    def seen_of(self, key: Hashable) -> ObjectAsSeen | None:
        """Return an object as it stands, if it is the one in view."""
        return self.seen if self.seen is not None and self.seen.key == key else None

    def has_object(self) -> bool:
        """Whether an object is in work in the chosen image."""
        key = self.subjects.key()
        seen = self.seen_of(key)
        found = seen is not None and bool(seen.state.planes)
        return found or key in self.opening or any(of == key for of, _, _ in self.pending)

    def again_of(self, key: Hashable) -> Again | None:
        """Return what the object in work was before; None if it is new in the labels that are chosen."""
        again = self.again.get(key)
        return again if again is not None and again.labels == self.subjects.labels() else None

    def own(self, key: Hashable) -> int:
        """Return what an object may be written over: its class, or the number that it has already; 0 if it is new."""
        again = self.again_of(key)
        return again.value if again is not None else self.controls.accepting.value() or 0

    def report(self, message: str) -> None:
        """Say what is wrong."""
        sentence = message[:1].upper() + message[1:]
        self.controls.set_status(sentence)
        show_error(sentence)
