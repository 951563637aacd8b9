"""Which image is clicked in: it is made ready when it is chosen, and forgotten when it is removed."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial

from qtpy.QtCore import QSignalBlocker

from napari_medt.clicking.context import Clicking
from napari_medt.clicking.drawing import ClickDrawing
from napari_medt.clicking.suggesting import Suggesting
from napari_medt.clicking.unsaved import UnsavedObjects
from src_models.clicking.in_work import ObjectAsSeen
from src_models.images.ct_windows import shows_ct

__all__ = ["ChosenImage"]


class ChosenImage:
    """The image of one Click widget; objects that were begun in others wait there.

    Parameters
    ----------
    clicking
        The state of the widget.
    drawing
        Draws the object in work.
    suggesting
        What belongs to one image alone.
    unsaved
        What of earlier work is gone on with, and what is forgotten.
    """

    def __init__(
        self, clicking: Clicking, drawing: ClickDrawing, suggesting: Suggesting, unsaved: UnsavedObjects
    ) -> None:
        self._at = clicking
        self._drawing = drawing
        self._suggesting = suggesting
        self._unsaved = unsaved

    def changed(self) -> None:
        """Get ready for the chosen image."""
        at, controls = self._at, self._at.controls
        layer = controls.images.layer()
        self._suggesting.drop()
        controls.set_ready(layer is not None and controls.models.path() is not None)
        if layer is None:
            controls.window.set_layer(None)
            controls.set_ct(False)
            return
        earlier = dict(at.subjects.targets)
        target = at.target(quiet=True)
        if target is None:
            return
        key = at.subjects.key_of(target)
        before = earlier.get(key)
        if before is not None and before.data is not target.data:  # what is shown was found in other data
            at.seen = None
            at.layers.clear()
        is_ct = at.subjects.is_ct(target)
        if is_ct is not None:
            self._on_ct_known(key, is_ct)
            return
        at.questions.ask(partial(shows_ct, target.data, bool(layer.rgb)), partial(self._on_ct_known, key))

    def open(self) -> None:
        """Make the network and the image ready, so that the first click is answered at once."""
        at, subject = self._at, self._at.subject(quiet=True)
        if subject is None:
            return
        key = subject.key
        stored = self._unsaved.to_restore(key)
        if stored is None:
            at.ask(subject, partial(at.sessions.open, subject), self._drawing.show)
            return
        at.ask(
            subject,
            partial(at.sessions.restore, subject, stored, at.labels()),
            self._on_restored,
            refused=partial(self._unsaved.restored, key),
        )

    def layers_changed(self) -> None:
        """Forget images that were removed, and list the labels anew."""
        at = self._at
        gone = at.subjects.forget_removed()
        at.pending = [pending for pending in at.pending if pending[0] not in gone]
        at.opening.difference_update(gone)
        self._unsaved.forget(gone)
        if gone:
            at.questions.ask(partial(at.sessions.forget, lambda key: key not in gone))
        if at.seen is not None and at.seen.key in gone:
            at.seen = None
            at.layers.remove()
            at.controls.set_status("The image was removed; its object went with it.")
        with QSignalBlocker(at.controls.accepting):  # nothing may be drawn, and so added, while layers go
            at.subjects.offer_labels()

    def _on_restored(self, seen: ObjectAsSeen) -> None:
        self._unsaved.restored(seen.key)
        self._drawing.show(seen)

    def _on_ct_known(self, key: Hashable, is_ct: bool) -> None:
        at = self._at
        layer, target = at.controls.images.layer(), at.target(quiet=True)
        if layer is None or target is None or at.subjects.key() != key:
            return
        at.subjects.note_ct(target, is_ct)
        at.controls.set_ct(is_ct)
        at.controls.window.set_layer(layer if is_ct else None)
        at.subjects.offer_labels()
        self.open()
