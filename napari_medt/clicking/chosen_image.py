"""Which image is clicked in: it is made ready when it is chosen, and forgotten when it is removed."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial

from qtpy.QtCore import QSignalBlocker

from napari_medt.clicking.context import ClickContext
from napari_medt.clicking.drawing import ClickDrawing
from napari_medt.clicking.suggesting import Suggesting
from napari_medt.clicking.unsaved import UnsavedObjects
from src_models.clicking.in_work import ObjectAsSeen
from src_models.images.grey.ct_windows import shows_ct

__all__ = ["ChosenImage"]


class ChosenImage:
    """The image of one Click widget; objects that were begun in others wait there.

    Parameters
    ----------
    context
        The state of the widget.
    drawing
        Draws the object in work.
    suggesting
        What belongs to one image alone.
    unsaved
        What of earlier work is gone on with, and what is forgotten.
    """

    def __init__(
        self, context: ClickContext, drawing: ClickDrawing, suggesting: Suggesting, unsaved: UnsavedObjects
    ) -> None:
        self._context = context
        self._drawing = drawing
        self._suggesting = suggesting
        self._unsaved = unsaved

    def changed(self) -> None:
        """Get ready for the chosen image."""
        context, controls = self._context, self._context.controls
        layer = controls.images.layer()
        self._suggesting.drop()
        controls.set_ready(layer is not None and controls.models.path() is not None)
        if layer is None:
            controls.window.set_layer(None)
            controls.set_ct(False)
            return
        earlier = dict(context.subjects.targets)
        target = context.target(quiet=True)
        if target is None:
            return
        key = context.subjects.key_of(target)
        before = earlier.get(key)
        if before is not None and before.data is not target.data:  # what is shown was found in other data
            context.seen = None
            context.layers.clear()
        is_ct = context.subjects.is_ct(target)
        if is_ct is not None:
            self._on_ct_known(key, is_ct)
            return
        context.questions.ask(partial(shows_ct, target.data, target.reading), partial(self._on_ct_known, key))

    def open(self) -> None:
        """Make the network and the image ready, so that the first click is answered at once."""
        context, subject = self._context, self._context.subject(quiet=True)
        if subject is None:
            return
        key = subject.key
        stored = self._unsaved.to_restore(key)
        if stored is None:
            context.ask(subject, partial(context.sessions.open, subject), self._drawing.show)
            return
        context.ask(
            subject,
            partial(context.sessions.restore, subject, stored, context.labels()),
            self._on_restored,
            refused=partial(self._unsaved.restored, key),
        )

    def layers_changed(self) -> None:
        """Forget images that were removed, and list the labels anew."""
        context = self._context
        gone = context.subjects.forget_removed()
        context.pending = [pending for pending in context.pending if pending[0] not in gone]
        context.opening.difference_update(gone)
        self._unsaved.forget(gone)
        if gone:
            context.questions.ask(partial(context.sessions.forget, lambda key: key not in gone))
        if context.seen is not None and context.seen.key in gone:
            context.seen = None
            context.layers.remove()
            context.controls.set_status("The image was removed; its object went with it.")
        with QSignalBlocker(context.controls.accepting):  # nothing may be drawn, and so added, while layers go
            context.subjects.offer_labels()

    def _on_restored(self, seen: ObjectAsSeen) -> None:
        self._unsaved.restored(seen.key)
        self._drawing.show(seen)

    def _on_ct_known(self, key: Hashable, is_ct: bool) -> None:
        context = self._context
        layer, target = context.controls.images.layer(), context.target(quiet=True)
        if layer is None or target is None or context.subjects.key() != key:
            return
        context.subjects.note_ct(target, is_ct)
        context.controls.set_ct(is_ct)
        context.controls.window.set_layer(layer if is_ct else None)
        context.subjects.offer_labels()
        self.open()
