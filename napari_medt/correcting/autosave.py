"""Labels that are being corrected survive a crash, with what the network had found in them.

Both are in journals (:mod:`napari_medt.unsaved.labels_autosave`): the labels with what is needed to go on, and beside
them the prediction, whose journal they name.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from numpy.typing import NDArray

from napari_medt.correcting.labels import begin, prediction_of
from napari_medt.unsaved.labels_autosave import LabelsAutosave, recover
from napari_medt.unsaved.left_labels import LeftLabels, layer_itself
from napari_medt.unsaved.unfinished_image import UnfinishedImage
from napari_medt.viewer.layer_notes import Correction, notes_of
from src_models.errors import UserError
from src_models.journal.journal import LabelsJournal, Unfinished, discard, journals_folder, read_journal, unfinished

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

    from src_models.journal.journal import Recovered

__all__ = ["CorrectionsAutosave", "UnfinishedCorrection", "find_unfinished"]

Notes = Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class _Watched:
    layer: weakref.ref[Any]
    labels: LabelsAutosave
    predicted: LabelsJournal

    def close(self, keep: bool) -> None:
        self.labels.close(keep)
        self.predicted.close(keep)

    def wait(self) -> None:
        self.labels.wait()
        self.predicted.flush()

    def problem(self) -> str | None:
        return self.labels.problem or self.predicted.problem


class CorrectionsAutosave:
    """Keeps labels that are being corrected on disk, each until it is removed."""

    def __init__(self) -> None:
        self._watched: dict[Hashable, _Watched] = {}

    def watch(self, labels: napari.layers.Labels, notes: Notes) -> None:
        """Begin with labels that are being corrected, unless that was done.

        Parameters
        ----------
        labels
            The labels.
        notes
            Gives what else is needed to go on: the image's name, file and reader.

        Raises
        ------
        UserError
            If the disk does not take them.
        """
        prediction = prediction_of(labels)
        if labels.unique_id in self._watched or prediction is None:
            return
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:8]}"
        predicted = LabelsJournal.create(_predictions() / name, prediction.data, {})
        try:
            saved = LabelsAutosave(labels, _corrections() / name, lambda: {**notes(), "predicted": name})
        except UserError:
            predicted.close(keep=False)
            raise
        self._watched[labels.unique_id] = _Watched(weakref.ref(layer_itself(labels)), saved, predicted)
        _LEFT.watched_again(labels, saved)

    def wrote(self, labels: napari.layers.Labels, region: tuple[slice, ...]) -> None:
        """Keep a part of labels and of their prediction that was written by a run, not by a person."""
        held, prediction = self._watched.get(labels.unique_id), prediction_of(labels)
        if held is not None and prediction is not None:
            held.predicted.write([cut.start for cut in region], prediction.data[region])
            held.labels.changed(region)

    def problem(self) -> str | None:
        """Say why the last changes are not on disk; None when all is well."""
        return next((problem for held in self._watched.values() if (problem := held.problem())), None)

    def flush(self) -> None:
        """Wait until all is on disk."""
        for held in self._watched.values():
            held.labels.flush()
            held.predicted.flush()

    def kept(self) -> Callable[[], bool]:
        """Return what waits, in any thread, until all that was noticed is on disk, and says whether it is."""
        watched = list(self._watched.values())

        def wait() -> bool:
            for saved in watched:
                saved.wait()
            return all(saved.problem() is None for saved in watched)

        return wait

    def drop_removed(self, viewer: napari.viewer.Viewer) -> None:
        """End with the labels that are no longer in a viewer: a person removed them."""
        there = {layer.unique_id for layer in viewer.layers}
        for number in [number for number in self._watched if number not in there]:
            self._watched.pop(number).close(keep=False)

    def leave(self, keep: Callable[[Any], bool]) -> None:
        """Stop watching; labels for which `keep` says so are found at the next start."""
        for held in self._watched.values():
            layer = held.layer()
            kept = layer is not None and keep(layer)
            held.close(keep=kept)
            if kept:
                _LEFT.leave(held.labels, held.layer)
        self._watched = {}


@dataclass(frozen=True, slots=True)
class UnfinishedCorrection:
    """Labels that were being corrected when their process ended.

    Parameters
    ----------
    journal
        Where they are.
    """

    journal: Unfinished

    @property
    def words(self) -> str:
        """What it is, for people."""
        when = self.journal.time.astimezone()
        return f"corrections of {self.image.name!r}, {when:%d %B, %H:%M}"

    @property
    def image(self) -> UnfinishedImage:
        """The image that they belong to."""
        return UnfinishedImage.of(self.journal.notes)

    @property
    def folder(self) -> str | None:
        """Where what is marked goes."""
        return self.journal.notes.get("folder")

    def read(self) -> tuple[Recovered, NDArray[Any]]:
        """Read the labels, and what the network had found in them, in a worker thread.

        Raises
        ------
        UserError
            If they cannot be read.
        """
        return read_journal(self.journal.folder), read_journal(self._predicted).labels

    @staticmethod
    def add(viewer: napari.viewer.Viewer, recovered: Recovered, predicted: NDArray[Any]) -> napari.layers.Labels:
        """Add the labels to a viewer, with what the network had found in them.

        Raises
        ------
        UserError
            If the two do not belong together.
        """
        labels = recover(viewer, recovered)
        known = notes_of(labels).correction or Correction()
        begin(labels, predicted, model_name=known.model_name, model_sha256=known.model_sha256)
        return labels

    def discard(self) -> None:
        """Delete it."""
        _discard(self.journal.folder)

    @property
    def _predicted(self) -> Path:
        return _predictions() / str(self.journal.notes.get("predicted", ""))


def find_unfinished() -> list[UnfinishedCorrection]:
    """Return what was left unfinished by processes that are gone, newest first; it is read in a worker thread."""
    return [
        UnfinishedCorrection(journal) for journal in unfinished(_corrections()) if _LEFT.living(journal.folder) is None
    ]


def _corrections() -> Path:
    return journals_folder().with_name("unfinished-corrections")


def _predictions() -> Path:
    return journals_folder().with_name("unfinished-predictions")


def _discard(folder: Path) -> None:
    """Delete the journal of labels and, of the same name, that of their prediction."""
    discard(folder)
    with suppress(UserError):  # nobody looks for it without the labels
        discard(_predictions() / folder.name)


_LEFT = LeftLabels(_discard)
