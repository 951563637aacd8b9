"""Clicked objects that survive a crash: which labels are kept on disk while they are made, and how work goes on.

The labels and, with them, the clicks that are not accepted yet are in a journal (:mod:`napari_medt.labels_autosave`).
When a process is gone whose labels were not saved, the next one finds its journal.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from napari_medt.labels_autosave import LAYER_KEY, LabelsAutosave, recover
from napari_medt.layers import METADATA_KEY
from src_models.errors import UserError
from src_models.labels_journal import Unfinished, discard, journals_folder, read_journal, unfinished

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

__all__ = ["ObjectsAutosave", "UnfinishedWork", "find_left", "find_unfinished"]

Notes = Callable[[], Mapping[str, Any]]

# Labels of this process whose watching ended while they lived on: closing a dock is no crash.
_left: dict[Path, weakref.ref[Any]] = {}


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
        self._watched[layer.unique_id] = weakref.ref(_own(layer)), saved
        _forget_left(layer, saved)

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
            _left[saved.folder] = layer
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
        notes = self.journal.notes
        metadata = notes.get(LAYER_KEY, {}).get("metadata", {}).get(METADATA_KEY, {})
        count = len(metadata.get("objects", []))
        objects = "1 object" if count == 1 else f"{count} objects"
        when = self.journal.time.astimezone()
        return f"{objects} in {notes.get('image', 'an image')!r}, {when:%d %B, %H:%M}"

    @property
    def image_path(self) -> str | None:
        """The file of the image, where it came from one."""
        path = self.journal.notes.get("path")
        return path if path and Path(path).exists() else None

    @property
    def reader(self) -> str | None:
        """The plugin that read the image from its file."""
        return self.journal.notes.get("reader")

    @property
    def image_name(self) -> str:
        """The name that the image had in the viewer."""
        return str(self.journal.notes.get("image", ""))

    @property
    def session(self) -> Mapping[str, Any] | None:
        """The clicks that were not accepted, as a session was stored."""
        stored = self.journal.notes.get("session")
        return stored if isinstance(stored, Mapping) and stored.get("done") else None

    def open(self, viewer: napari.viewer.Viewer) -> napari.layers.Labels:
        """Add the labels to a viewer.

        Raises
        ------
        UserError
            If they cannot be read.
        """
        return recover(viewer, read_journal(self.journal.folder))

    def discard(self) -> None:
        """Delete it."""
        discard(self.journal.folder)


def find_unfinished() -> list[UnfinishedWork]:
    """Return what was left unfinished by processes that are gone, newest first."""
    found = []
    for journal in unfinished(journals_folder()):
        layer = _left.get(journal.folder)
        if layer is None or layer() is None:
            found.append(UnfinishedWork(journal))
    return found


def find_left(viewer: napari.viewer.Viewer) -> list[tuple[napari.layers.Labels, UnfinishedWork]]:
    """Return the labels in a viewer whose watching ended while they lived on, and what was kept of them."""
    own = {id(_own(layer)): layer for layer in viewer.layers}
    found = []
    for journal in unfinished(journals_folder()) if _left else []:
        layer = _left[journal.folder]() if journal.folder in _left else None
        if layer is not None and id(layer) in own:
            found.append((own[id(layer)], UnfinishedWork(journal)))
    return found


def _forget_left(layer: napari.layers.Labels, saved: LabelsAutosave) -> None:
    """Delete what an earlier watching of a layer left, once the new one has it on disk."""
    folders = [folder for folder, of in _left.items() if of() is _own(layer)]
    if folders:
        saved.flush()
    for folder in folders if saved.problem is None else []:
        del _left[folder]
        try:
            discard(folder)
        except UserError:
            continue  # it is found at the next start, which does no harm


def _own(layer: napari.layers.Labels) -> Any:
    """Return the layer itself: what napari hands to plugins is a new stand-in each time."""
    return getattr(layer, "__wrapped__", layer)
