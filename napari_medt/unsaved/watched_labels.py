"""Labels layers that are kept on disk while a person works on them, and gone on with after a crash."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from napari_medt.unsaved.labels_autosave import LabelsAutosave

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

    from napari_medt.unsaved.unfinished_labels import LabelsHome

__all__ = ["WatchedLabels"]


class WatchedLabels:
    """Keeps labels layers of one kind on disk, each from when it is first worked on until it is saved or removed.

    Parameters
    ----------
    home
        Where they are kept.
    """

    def __init__(self, home: LabelsHome) -> None:
        self._home = home
        self._watched: dict[Hashable, LabelsAutosave] = {}

    def watch(
        self,
        layer: napari.layers.Labels,
        notes: Callable[[], Mapping[str, Any]],
        beside: NDArray[Any] | None = None,
    ) -> None:
        """Begin with a layer, unless that was done.

        Parameters
        ----------
        layer
            The labels.
        notes
            Gives what else is needed to go on.
        beside
            What is kept beside the labels, where the home has room for it.

        Raises
        ------
        UserError
            If the disk does not take them.
        """
        if layer.unique_id in self._watched:
            return
        folder = self._home.new()
        place = self._home.beside(folder)
        other = None if place is None or beside is None else (beside, place)
        self._watched[layer.unique_id] = saved = LabelsAutosave(layer, folder, notes, other)
        self._home.watched_again(saved)

    def note(self, layer: napari.layers.Labels | None) -> None:
        """Store anew what else is needed to go on."""
        saved = None if layer is None else self._watched.get(layer.unique_id)
        if saved is not None:
            saved.note_changed()

    def wrote(self, layer: napari.layers.Labels, region: tuple[slice, ...], beside: NDArray[Any]) -> None:
        """Keep a part of labels, and of what is kept beside them, that was written by a run, not by a person."""
        saved = self._watched.get(layer.unique_id)
        if saved is not None:
            saved.changed(region, beside)

    def problem(self) -> str | None:
        """Say why the last changes are not on disk; None when all is well."""
        return next((saved.problem for saved in self._watched.values() if saved.problem), None)

    def flush(self) -> None:
        """Wait until all is on disk."""
        for saved in self._watched.values():
            saved.flush()

    def kept(self) -> Callable[[], bool]:
        """Return what waits, in any thread, until all that was noticed is on disk, and says whether it is."""
        watched = list(self._watched.values())

        def wait() -> bool:
            for saved in watched:
                saved.wait()
            return all(saved.problem is None for saved in watched)

        return wait

    def drop(self, layer: napari.layers.Labels) -> None:
        """End with a layer that was saved: its journal goes."""
        self._drop(layer.unique_id)

    def drop_removed(self, viewer: napari.viewer.Viewer) -> None:
        """End with the layers that are no longer in a viewer: a person removed them."""
        for number in self._watched.keys() - {layer.unique_id for layer in viewer.layers}:
            self._drop(number)

    def leave(self, keep: Callable[[napari.layers.Labels], bool]) -> None:
        """Stop watching; labels for which `keep` says so are found at the next start."""
        for saved in self._watched.values():
            kept = keep(saved.layer)
            saved.close(keep=kept)
            if kept:
                self._home.leave(saved)
        self._watched = {}

    def _drop(self, number: Hashable) -> None:
        saved = self._watched.pop(number, None)
        if saved is not None:
            saved.close(keep=False)
