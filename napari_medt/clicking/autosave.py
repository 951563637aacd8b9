"""Clicked objects that survive a crash: which labels are kept on disk while they are made, and how work goes on.

The labels and, with them, the clicks that are not accepted yet are in a journal
(:mod:`napari_medt.unsaved.labels_autosave`). When a process is gone whose labels were not saved, the next one finds its
journal.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from napari_medt.unsaved.labels_autosave import LAYER_KEY, LabelsAutosave
from napari_medt.unsaved.left_labels import LeftLabels, layer_itself
from napari_medt.unsaved.unfinished_image import UnfinishedImage
from napari_medt.viewer.layer_notes import LayerNotes
from src_models.journal.journal import Unfinished, discard, journals_folder, read_journal, unfinished

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

    from src_models.journal.journal import Recovered

__all__ = ["ObjectsAutosave", "UnfinishedWork", "find_left", "find_unfinished"]

Notes = Callable[[], Mapping[str, Any]]

_LEFT = LeftLabels(discard)


class ObjectsAutosave:
    """Keeps labels layers on disk, each from when it is first worked on until it is saved or removed."""

    def __init__(self) -> None:
        self._watched: dict[Hashable, tuple[weakref.ref[Any], LabelsAutosave]] = {}

    def watch(self, layer: napari.layers.Labels, notes: Notes) -> None:
        """Begin with a layer, unless that was done.

        Parameters
        ----------
        layer
            The labels.
        notes
            Gives what else is needed to go on (see :meth:`UnfinishedWork.of`).

        Raises
        ------
        UserError
            If the disk does not take it.
        """
        if layer.unique_id in self._watched:
            return
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:8]}"
        saved = LabelsAutosave(layer, journals_folder() / name, notes)
        self._watched[layer.unique_id] = weakref.ref(layer_itself(layer)), saved
        _LEFT.watched_again(layer, saved)

    def note(self, layer: napari.layers.Labels | None) -> None:
        """Store anew what else is needed to go on."""
        held = None if layer is None else self._watched.get(layer.unique_id)
        if held is not None:
            held[1].note_changed()

    def problem(self) -> str | None:
        """Say why the last changes are not on disk; None when all is well."""
        return next((saved.problem for _, saved in self._watched.values() if saved.problem), None)

    def flush(self) -> None:
        """Wait until all is on disk."""
        for _, saved in self._watched.values():
            saved.flush()

    def kept(self) -> Callable[[], bool]:
        """Return what waits, in any thread, until all that was noticed is on disk, and says whether it is."""
        watched = [saved for _, saved in self._watched.values()]

        def wait() -> bool:
            for saved in watched:
                saved.wait()
            return all(saved.problem is None for saved in watched)

        return wait

    def drop(self, layer: napari.layers.Labels) -> None:
        """End with a layer that was removed, or saved: its journal goes."""
        held = self._watched.pop(layer.unique_id, None)
        if held is not None:
            held[1].close(keep=False)

    def drop_removed(self, viewer: napari.viewer.Viewer) -> None:
        """End with the layers that are no longer in a viewer."""
        there = {layer.unique_id for layer in viewer.layers}
        for number in [number for number in self._watched if number not in there]:
            self._watched.pop(number)[1].close(keep=False)

    def leave(self) -> None:
        """Stop watching: what is not saved is found at the next start."""
        for layer, saved in self._watched.values():
            saved.close(keep=True)
            _LEFT.leave(saved, layer)
        self._watched = {}


@dataclass(frozen=True, slots=True)
class UnfinishedWork:
    """Labels that were not saved before their process ended, and the clicks that were not accepted.

    Parameters
    ----------
    journal
        Where they are.
    """

    journal: Unfinished

    @property
    def words(self) -> str:
        """What it is, for people."""
        stored = self.journal.notes.get(LAYER_KEY, {})
        count = len(LayerNotes.read(stored.get("metadata", {})).objects)
        objects = "1 object" if count == 1 else f"{count} objects"
        when = self.journal.time.astimezone()
        return f"{objects} in {self.image.name!r}, {when:%d %B, %H:%M}"

    @property
    def image(self) -> UnfinishedImage:
        """The image that they belong to."""
        return UnfinishedImage.of(self.journal.notes)

    @property
    def session(self) -> Mapping[str, Any] | None:
        """The clicks that were not accepted, as a session was stored."""
        stored = self.journal.notes.get("session")
        return stored if isinstance(stored, Mapping) and stored.get("done") else None

    def read(self) -> Recovered:
        """Read the labels, in a worker thread; :func:`~napari_medt.unsaved.labels_autosave.recover` adds them.

        Raises
        ------
        UserError
            If they cannot be read.
        """
        return read_journal(self.journal.folder)

    def discard(self) -> None:
        """Delete it."""
        discard(self.journal.folder)


def find_unfinished() -> list[UnfinishedWork]:
    """Return what was left unfinished by processes that are gone, newest first; it is read in a worker thread."""
    return [
        UnfinishedWork(journal) for journal in unfinished(journals_folder()) if _LEFT.living(journal.folder) is None
    ]


def find_left(viewer: napari.viewer.Viewer) -> list[tuple[napari.layers.Labels, UnfinishedWork]]:
    """Return the labels in a viewer whose watching ended while they lived on, and what was kept of them, newest first.

    This reads nothing from the disk.
    """
    own = {id(layer_itself(layer)): layer for layer in viewer.layers}
    return [
        (own[id(layer)], UnfinishedWork(Unfinished(folder, dict(notes), datetime.now(UTC))))
        for layer, folder, notes in reversed(_LEFT.all_living())
        if id(layer) in own
    ]
