"""Labels of one kind that are kept while they are not saved: where, and what a process that is gone has left of them.

Each kind derives from :class:`UnfinishedLabels`, and says there what only it keeps.
"""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self
from uuid import uuid4

from numpy.typing import NDArray

from napari_medt.unsaved.napari_edits import layer_itself
from napari_medt.unsaved.unfinished_image import UnfinishedImage
from src_models.errors import UserError
from src_models.journal.journal import Unfinished, discard, journals_folder, read_journal, unfinished

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

    from napari_medt.unsaved.labels_autosave import LabelsAutosave
    from src_models.journal.journal import Recovered

__all__ = ["LabelsHome", "UnfinishedLabels"]


class LabelsHome:
    """The folders of the journals of one kind of labels, and what this process left there while its labels live on.

    Closing a dock is no crash: the journals stay, for the process may yet end, but are not offered as somebody's
    unfinished work. Once the labels are watched anew, the old journals go.

    Parameters
    ----------
    name
        Of the folder of the labels, among the person's state.
    beside
        Of the folder of other labels that belong to them, each of the same name as theirs; None where there are none.
    """

    def __init__(self, name: str, beside: str | None = None) -> None:
        self._name = name
        self._beside = beside
        self._left: dict[Path, tuple[weakref.ref[Any], Mapping[str, Any]]] = {}

    @property
    def folder(self) -> Path:
        """Where the journals of the labels lie."""
        return journals_folder().with_name(self._name)

    def new(self) -> Path:
        """Return the folder of a new journal, which is to be made."""
        return self.folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:8]}"

    def beside(self, folder: Path) -> Path | None:
        """Return the folder of what is kept beside the labels of a journal."""
        return None if self._beside is None else self.folder.with_name(self._beside) / folder.name

    def discard(self, folder: Path) -> None:
        """Delete a journal, and what is kept beside it.

        Raises
        ------
        UserError
            If it is in use, or cannot be deleted.
        """
        discard(folder)
        beside = self.beside(folder)
        if beside is not None:
            with suppress(UserError):  # nobody looks for it without the labels
                discard(beside)

    def leave(self, saved: LabelsAutosave) -> None:
        """Note that a journal is not written any more, though its labels may live."""
        self._left[saved.folder] = weakref.ref(saved.layer), saved.notes()

    def living(self) -> dict[Path, tuple[Any, Mapping[str, Any]]]:
        """Return the labels that live on, each by its journal, and what that notes of them, as :mod:`json` gives it."""
        left = {folder: (of(), notes) for folder, (of, notes) in list(self._left.items())}
        return {folder: (layer, notes) for folder, (layer, notes) in left.items() if layer is not None}

    def watched_again(self, saved: LabelsAutosave) -> None:
        """Delete what earlier watchings of labels left, once the new one has them on disk."""
        folders = [folder for folder, (layer, _) in self.living().items() if layer is saved.layer]
        if folders:
            saved.flush()
        for folder in folders if saved.problem is None else []:
            del self._left[folder]
            with suppress(UserError):  # it is found at the next start, which does no harm
                self.discard(folder)


@dataclass(frozen=True, slots=True)
class UnfinishedLabels(ABC):
    """Labels that were not saved before their process ended.

    Parameters
    ----------
    journal
        Where they are.
    """

    home: ClassVar[LabelsHome]

    journal: Unfinished

    @classmethod
    def find(cls) -> list[Self]:
        """Return what was left by processes that are gone, newest first; it is read in a worker thread."""
        found, living = unfinished(cls.home.folder), cls.home.living()
        return [cls(journal) for journal in found if journal.folder not in living]

    @classmethod
    def left_in(cls, viewer: napari.viewer.Viewer) -> list[tuple[napari.layers.Labels, Self]]:
        """Return the labels in a viewer whose watching ended while they lived on, newest first.

        Nothing is read from the disk.
        """
        own = {id(layer_itself(layer)): layer for layer in viewer.layers}
        return [
            (own[id(layer)], cls(Unfinished(folder, dict(notes), datetime.now(UTC))))
            for folder, (layer, notes) in reversed(cls.home.living().items())
            if id(layer) in own
        ]

    @property
    @abstractmethod
    def what(self) -> str:
        """What it is, for people, without when it was."""

    @property
    def words(self) -> str:
        """What it is, for people."""
        return f"{self.what}, {self.journal.time.astimezone():%d %B, %H:%M}"

    @property
    def image(self) -> UnfinishedImage:
        """The image that they belong to."""
        return UnfinishedImage.of(self.journal.notes)

    def read(self) -> tuple[Recovered, NDArray[Any] | None]:
        """Read the labels, and what is kept beside them, in a worker thread.

        Raises
        ------
        UserError
            If they cannot be read.
        """
        beside = self.home.beside(self.journal.folder)
        return read_journal(self.journal.folder), None if beside is None else read_journal(beside).labels

    def discard(self) -> None:
        """Delete it.

        Raises
        ------
        UserError
            If it cannot be deleted.
        """
        self.home.discard(self.journal.folder)
