"""Labels of this process whose watching ended while they lived on: closing a dock is no crash.

Their journals stay, for the process may yet end. While the labels live, they are not offered as somebody's unfinished
work; once they are watched anew, the old journals go.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medt.unsaved.napari_edits import layer_itself
from src_models.errors import UserError

if TYPE_CHECKING:
    import napari.layers

    from napari_medt.unsaved.labels_autosave import LabelsAutosave

__all__ = ["LeftLabels"]


class LeftLabels:
    """Which labels belong to which journal.

    Parameters
    ----------
    discard
        Deletes a journal, and what belongs to it.
    """

    def __init__(self, discard: Callable[[Path], None]) -> None:
        self._discard = discard
        self._layers: dict[Path, weakref.ref[Any]] = {}
        self._notes: dict[Path, Mapping[str, Any]] = {}

    def leave(self, saved: LabelsAutosave, layer: weakref.ref[Any]) -> None:
        """Note that a journal is not written any more, though its labels may live."""
        self._layers[saved.folder] = layer
        self._notes[saved.folder] = saved.notes()

    def living(self, folder: Path) -> Any:
        """Return the labels of a journal; None if they are gone, or were another process's."""
        return self._layers[folder]() if folder in self._layers else None

    def all_living(self) -> list[tuple[Any, Path, Mapping[str, Any]]]:
        """Return the labels that live, each with its journal and what that notes of them, as :mod:`json` gives it."""
        living = [(of(), folder, self._notes[folder]) for folder, of in self._layers.items() if folder in self._notes]
        return [(layer, folder, notes) for layer, folder, notes in living if layer is not None]

    def watched_again(self, layer: napari.layers.Labels, saved: LabelsAutosave) -> None:
        """Delete what earlier watchings of labels left, once the new one has them on disk."""
        folders = [folder for folder, of in self._layers.items() if of() is layer_itself(layer)]
        if folders:
            saved.flush()
        for folder in folders if saved.problem is None else []:
            del self._layers[folder], self._notes[folder]
            with suppress(UserError):  # it is found at the next start, which does no harm
                self._discard(folder)
