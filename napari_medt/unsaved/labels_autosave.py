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
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_medt.viewer.placement import placement
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

_Box = tuple[slice, ...]


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

    Raises
    ------
    ImageError
        If the layer is a pyramid, which cannot be painted.
    OutputError
        If the folder exists already.
    """

    def __init__(self, layer: napari.layers.Labels, folder: Path, notes: Callable[[], Mapping[str, Any]]) -> None:
        if layer.multiscale:
            raise ImageError(f"{layer.name} is a pyramid, whose labels cannot be painted; choose labels of one level")
        # What napari hands to plugins keeps its lists of edits to itself.
        layer = getattr(layer, "__wrapped__", layer)
        self._layer = layer
        self._notes = notes
        self._edits = _Edits(layer)
        self._again: list[_Box] = []
        self._journal = LabelsJournal.create(folder, layer.data, self._all_notes())
        self._handlers = {
            "paint": self._on_paint,
            "data": self._on_data,
            **dict.fromkeys(("labels_update", "set_data", "reload", "visible"), self._on_edit),
            **dict.fromkeys(("name", "metadata", *_PLACED), self.note_changed),
        }
        for name, handler in self._handlers.items():
            layer.events[name].connect(handler)

    @property
    def folder(self) -> Path:
        """The journal's folder."""
        return self._journal.folder

    @property
    def problem(self) -> str | None:
        """Why the last changes are not on disk, in a sentence; None when all is well."""
        return self._journal.problem

    def changed(self, region: Sequence[slice | int] = ()) -> None:
        """Announce that labels were written into the layer's array.

        Parameters
        ----------
        region
            Where: a slice or position for each axis, first axes first; axes left out changed everywhere.
        """
        self._look()
        cuts = [cut if isinstance(cut, slice) else slice(cut, cut + 1 or None) for cut in region]
        self._save(_complete(cuts, self._layer.data.shape))

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
        self._journal.flush()

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
        self._journal.close(keep)

    def _all_notes(self) -> dict[str, Any]:
        layer = self._layer
        place = {name: np.asarray(value).tolist() for name, value in placement(layer).items() if name != "units"}
        units = [str(unit) for unit in layer.units]
        stored = {"name": layer.name, "metadata": _storable(layer.metadata), "units": units, **place}
        return {**self._notes(), LAYER_KEY: stored}

    def _on_paint(self, event: Event) -> None:
        edits = self._edits.finished(event.value)
        self._look()
        for box, inside in _grouped(edits, self._layer.data.shape):
            done = not self._is_large(box) and self._write_done(box, inside)
            if not done:  # the data may not hold it yet: what they hold now is written, and again what they hold then
                self._save(box)
                self._again.append(box)

    def _write_done(self, box: _Box, edits: list[Any]) -> bool:
        """Write a part of the data as it is with these edits done; False where their form is unknown."""
        start = [cut.start for cut in box]
        block = np.array(self._layer.data[box])
        try:
            for edit in edits:
                _apply(edit, block, start)
        except (AttributeError, IndexError, TypeError, ValueError):
            return False
        self._journal.write(start, block)
        return True

    def _on_data(self, event: Event) -> None:
        self._edits = _Edits(self._layer)
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
        for box, _ in _grouped(self._edits.since(), self._layer.data.shape):
            self._save(box)

    def _save(self, box: _Box) -> None:
        if self._is_large(box):
            self._journal.write_later(box, self._layer.data)
        else:
            self._journal.write([cut.start for cut in box], np.asarray(self._layer.data[box]))

    def _is_large(self, box: _Box) -> bool:
        return _volume(box) * np.dtype(self._layer.data.dtype).itemsize > _LARGEST_COPY


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
    return viewer.add_labels(recovered.labels, multiscale=False, **recovered.notes.get(LAYER_KEY, {}))


class _Edits:
    """napari's lists of what can be undone and done again, compared with what they were before.

    An edit is what napari makes of one dab of the brush; a list holds strokes, and a stroke is a list of edits.
    """

    def __init__(self, layer: napari.layers.Labels) -> None:
        self._layer = layer
        self._done, self._undone = self._lists()
        self._stroke: list[Any] = []  # the one being drawn
        self._drawn = 0  # its edits that are known

    def finished(self, stroke: list[Any]) -> list[Any]:
        """Return the edits of a stroke that napari just announced, less those that are known."""
        edits = stroke[self._drawn :] if stroke is self._stroke else stroke
        self._stroke, self._drawn = [], 0
        self._done = (*self._done, stroke)
        return list(edits)

    def since(self) -> list[Any]:
        """Return the edits that were made, undone, done again or dropped since the last look."""
        done, undone = self._lists()
        known, present = _ids(self._done + self._undone), _ids(done)
        strokes = [stroke for stroke in done + undone if id(stroke) not in known]
        if done or undone:  # else napari has cleared its lists
            # Undone, and lost when the next one came; or the first of a full list, which does no harm.
            strokes += [stroke for stroke in self._done if id(stroke) not in present]
        self._done, self._undone = done, undone
        return [edit for stroke in strokes for edit in stroke] + self._of_stroke(present)

    def _of_stroke(self, present: set[int]) -> list[Any]:
        """Return what is new in the stroke being drawn, and all of one that was given up."""
        stroke = getattr(self._layer, "_staged_history", [])
        edits: list[Any] = []
        if stroke is not self._stroke:
            edits = list(self._stroke)
            self._stroke, self._drawn = [], 0
        if stroke and id(stroke) not in present:
            edits += stroke[self._drawn :]
            self._stroke, self._drawn = stroke, len(stroke)
        return edits

    def _lists(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        return tuple(getattr(self._layer, "_undo_history", ())), tuple(getattr(self._layer, "_redo_history", ()))


def _ids(strokes: Iterable[Any]) -> set[int]:
    return {id(stroke) for stroke in strokes}


def _grouped(edits: Iterable[Any], shape: Sequence[int]) -> list[tuple[_Box, list[Any]]]:
    """Put consecutive edits together whose common box is at most twice as large as theirs are together."""
    groups: list[tuple[_Box, list[Any]]] = []
    together = 0
    for edit in edits:
        box = _box_of(edit, shape)
        if groups:
            last, inside = groups[-1]
            both = tuple(slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(last, box, strict=True))
            if _volume(both) <= 2 * (together + _volume(box)):
                inside.append(edit)
                groups[-1] = both, inside
                together += _volume(box)
                continue
        groups.append((box, [edit]))
        together = _volume(box)
    return groups


def _box_of(edit: Any, shape: Sequence[int]) -> _Box:
    """Return the part of the data that an edit lies in; all of it, if napari brings edits in a form yet unknown."""
    with suppress(AttributeError, IndexError, TypeError, ValueError):
        if hasattr(edit, "slice_key"):
            return _complete(edit.slice_key, shape)
        indices = [np.asarray(index) for index in edit[0]]
        lows = [int(index.min()) for index in indices]
        if min(lows) >= 0:
            stops = [int(index.max()) + 1 for index in indices]
            return _complete([slice(low, stop) for low, stop in zip(lows, stops, strict=True)], shape)
    return _complete((), shape)


def _apply(edit: Any, block: NDArray[Any], start: Sequence[int]) -> None:
    """Do an edit to a copy of the part of the data that begins at `start`."""
    if hasattr(edit, "slice_key"):
        part = block[tuple(slice(c.start - s, c.stop - s) for c, s in zip(edit.slice_key, start, strict=True))]
        part[... if edit.mask is None else edit.mask] = edit.new_value
    else:
        indices, _, values = edit
        block[tuple(np.asarray(index) - first for index, first in zip(indices, start, strict=True))] = values


def _complete(cuts: Sequence[slice], shape: Sequence[int]) -> _Box:
    """Give slices a start and a stop within the data, and one to each axis that has none."""
    cuts = [*cuts, *[slice(None)] * (len(shape) - len(cuts))]
    ends = [cut.indices(size) for cut, size in zip(cuts, shape, strict=True)]
    return tuple(slice(start, max(start, stop)) for start, stop, _ in ends)


def _volume(box: _Box) -> int:
    return math.prod(cut.stop - cut.start for cut in box)


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
