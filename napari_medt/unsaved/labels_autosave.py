"""What a person does to a labels layer goes into a journal, and comes back after a crash.

napari says that labels changed in several ways, none of which is enough alone:

* ``paint`` comes with the edits of a whole stroke, but only when the mouse button is released; after a single edit
  (a polygon, ``data_setitem``) it comes even before the data hold it.
* ``labels_update`` comes while a stroke is drawn, with a place on the canvas, not in the data.
* ``set_data`` comes after undo and redo, and whenever another slice is shown; it says nothing of what changed, which
  may be in a slice that is not shown.

All three are taken as an occasion to look at napari's own lists of edits: those that came, went, or are being drawn say
which parts of the data to write. They are few and looking at them is cheap; the data are never compared. Should a
later napari keep no such lists, finished strokes are still written, for they come with ``paint``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_medt.unsaved.napari_edits import Box, Edits, complete, do_again, grouped, layer_itself, volume
from napari_medt.viewer.placement import placement
from napari_medt.viewer.result_layers import restore_labels
from src_models.errors import ImageError
from src_models.journal.journal import LabelsJournal

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer
    from napari.utils.events import Event

    from src_models.journal.journal import Recovered

__all__ = ["LAYER_KEY", "LabelsAutosave", "recover"]

LAYER_KEY = "labels_layer"  # of a journal's notes: what is needed to add the layer again

# Copying more than this many bytes would be felt in the GUI; the journal then reads them from the layer.
_LARGEST_COPY = 2**24

_PLACED = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")


class LabelsAutosave:
    """Keeps a labels layer on disk while it is edited.

    Painting, erasing, filling, polygons, ``data_setitem``, undo, redo and ``layer.data = other`` are noticed. What is
    written into the layer's array must be announced with :meth:`changed`. An undo in a hidden layer is noticed when
    the layer is next edited or shown.

    Parameters
    ----------
    layer
        The layer, with one resolution.
    folder
        The folder to make for its journal (see :class:`src_models.journal.journal.LabelsJournal`).
    notes
        Gives what JSON can hold of what else is needed to go on. It is asked now, when the layer's name, place or
        metadata change, and at :meth:`note_changed`.
    beside
        What goes with the labels, and the folder to make for its own journal, which ends with theirs.

    Raises
    ------
    ImageError
        If the layer is a pyramid, which cannot be painted.
    OutputError
        If a folder exists already.
    """

    def __init__(
        self,
        layer: napari.layers.Labels,
        folder: Path,
        notes: Callable[[], Mapping[str, Any]],
        beside: tuple[NDArray[Any], Path] | None = None,
    ) -> None:
        if layer.multiscale:
            raise ImageError(f"{layer.name} is a pyramid, whose labels cannot be painted; choose labels of one level")
        layer = layer_itself(layer)
        self._layer = layer
        self._notes = notes
        self._edits = Edits(layer)
        self._again: list[Box] = []
        # First, for nobody looks for it without the labels.
        self._beside = None if beside is None else LabelsJournal.create(beside[1], beside[0], {})
        self._journal = LabelsJournal.create(folder, layer.data, self._all_notes())
        self._journals = [journal for journal in (self._journal, self._beside) if journal is not None]
        self._handlers = {
            "paint": self._on_paint,
            "data": self._on_data,
            **dict.fromkeys(("labels_update", "set_data", "reload", "visible"), self._on_edit),
            **dict.fromkeys(("name", "metadata", *_PLACED), self.note_changed),
        }
        for name, handler in self._handlers.items():
            layer.events[name].connect(handler)

    @property
    def layer(self) -> napari.layers.Labels:
        """The layer itself, not a stand-in."""
        return self._layer

    @property
    def folder(self) -> Path:
        """The journal's folder."""
        return self._journal.folder

    @property
    def problem(self) -> str | None:
        """Why the last changes are not on disk, in a sentence; None when all is well."""
        return next((journal.problem for journal in self._journals if journal.problem), None)

    def changed(self, region: Sequence[slice | int] = (), beside: NDArray[Any] | None = None) -> None:
        """Announce that labels were written into the layer's array.

        Parameters
        ----------
        region
            Where: a slice or position for each axis, first axes first; axes left out changed everywhere.
        beside
            All that goes with the labels, where it changed in the same place.
        """
        self._look()
        cuts = [cut if isinstance(cut, slice) else slice(cut, cut + 1 or None) for cut in region]
        box = complete(cuts, self._layer.data.shape)
        self._save(box)
        if self._beside is not None and beside is not None:
            self._beside.write([cut.start for cut in box], beside[box])

    def note_changed(self, event: Event | None = None) -> None:
        """Store the notes again."""
        self._journal.note(self._all_notes())

    def notes(self) -> dict[str, Any]:
        """Return the notes as they are now, as they come back from the disk."""
        notes: dict[str, Any] = json.loads(json.dumps(self._all_notes()))
        return notes

    def flush(self) -> None:
        """Wait until all is on disk, or the disk refused it (see :attr:`problem`)."""
        self._look()
        self.wait()

    def wait(self) -> None:
        """Wait like :meth:`flush` for what was noticed so far; this is for any thread."""
        for journal in self._journals:
            journal.flush()

    def close(self, keep: bool) -> None:
        """Stop watching; may be called twice.

        Parameters
        ----------
        keep
            Whether the journal stays, to be found at the next start.
        """
        for name, handler in self._handlers.items():
            self._layer.events[name].disconnect(handler)
        if keep and self._handlers:
            self._look()
        self._handlers = {}
        for journal in self._journals:
            journal.close(keep)

    def _all_notes(self) -> dict[str, Any]:
        layer = self._layer
        place = {name: np.asarray(value).tolist() for name, value in placement(layer).items() if name != "units"}
        units = [str(unit) for unit in layer.units]
        stored = {"name": layer.name, "metadata": _storable(layer.metadata), "units": units, **place}
        return {**self._notes(), LAYER_KEY: stored}

    def _on_paint(self, event: Event) -> None:
        edits = self._edits.finished(event.value)
        self._look()
        for box, inside in grouped(edits, self._layer.data.shape):
            done = not self._is_large(box) and self._write_done(box, inside)
            if not done:  # the data may not hold it yet: what they hold now is written, and again what they hold then
                self._save(box)
                self._again.append(box)

    def _write_done(self, box: Box, edits: list[Any]) -> bool:
        """Write a part of the data as it is with these edits done; False where their form is unknown."""
        start = [cut.start for cut in box]
        block = np.array(self._layer.data[box])
        try:
            for edit in edits:
                do_again(edit, block, start)
        except (AttributeError, IndexError, TypeError, ValueError):
            return False
        self._journal.write(start, block)
        return True

    def _on_data(self, event: Event) -> None:
        self._edits = Edits(self._layer)
        self._again = []
        self._journal.snapshot(self._layer.data)
        self.note_changed()

    def _on_edit(self, event: Event) -> None:
        self._look()

    def _look(self) -> None:
        """Write what napari's lists of edits say has changed since they were last looked at."""
        again, self._again = self._again, []
        for box in again:
            self._save(box)
        for box, _ in grouped(self._edits.since(), self._layer.data.shape):
            self._save(box)

    def _save(self, box: Box) -> None:
        if self._is_large(box):
            self._journal.write_later(box, self._layer.data)
        else:
            self._journal.write([cut.start for cut in box], np.asarray(self._layer.data[box]))

    def _is_large(self, box: Box) -> bool:
        return volume(box) * np.dtype(self._layer.data.dtype).itemsize > _LARGEST_COPY


def recover(viewer: napari.viewer.Viewer, recovered: Recovered) -> napari.layers.Labels:
    """Add the labels of a journal to a viewer, with their name, place and metadata.

    Parameters
    ----------
    viewer
        The viewer.
    recovered
        What :func:`src_models.journal.journal.read_journal` gave.

    Returns
    -------
    napari.layers.Labels
        The layer.
    """
    return restore_labels(viewer, recovered.labels, recovered.notes.get(LAYER_KEY, {}))


def _storable(metadata: Mapping[Any, Any]) -> dict[str, Any]:
    """Return what JSON can hold of a layer's metadata."""
    stored = {}
    for key, value in metadata.items():
        if not isinstance(key, str):
            continue
        if isinstance(value, Mapping):
            stored[key] = _storable(value)
            continue
        with suppress(TypeError, ValueError):
            json.dumps(value)
            stored[key] = value
    return stored
