"""What napari itself keeps of edits of a labels layer, so that they can be undone: the only place that reads it.

napari hands out no public list of edits. Should a later one keep none, or in another form, there are none here, or an
edit is taken to lie everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import napari.layers

__all__ = ["Box", "Edits", "complete", "do_again", "grouped", "layer_itself", "volume"]

Box = tuple[slice, ...]


def layer_itself(layer: napari.layers.Layer | None) -> Any:
    """Return a layer itself: what napari hands to plugins is a new stand-in each time, without what is private."""
    return getattr(layer, "__wrapped__", layer)


class Edits:
    """napari's lists of what can be undone and done again, compared with what they were before.

    An edit is what napari makes of one dab of the brush; a list holds strokes, and a stroke is a list of edits.

    Parameters
    ----------
    layer
        The layer itself (see :func:`layer_itself`).
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
        stroke: list[Any] = getattr(self._layer, "_staged_history", [])
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


def grouped(edits: Iterable[Any], shape: Sequence[int]) -> list[tuple[Box, list[Any]]]:
    """Put consecutive edits together whose common box is at most twice as large as theirs are together."""
    groups: list[tuple[Box, list[Any]]] = []
    together = 0
    for edit in edits:
        box = _box_of(edit, shape)
        if groups:
            last, inside = groups[-1]
            both = tuple(slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(last, box, strict=True))
            if volume(both) <= 2 * (together + volume(box)):
                inside.append(edit)
                groups[-1] = both, inside
                together += volume(box)
                continue
        groups.append((box, [edit]))
        together = volume(box)
    return groups


def _box_of(edit: Any, shape: Sequence[int]) -> Box:
    """Return the part of the data that an edit lies in; all of it, if napari brings edits in a form yet unknown."""
    with suppress(AttributeError, IndexError, TypeError, ValueError):
        if hasattr(edit, "slice_key"):
            return complete(edit.slice_key, shape)
        indices = [np.asarray(index) for index in edit[0]]
        lows = [int(index.min()) for index in indices]
        if min(lows) >= 0:
            stops = [int(index.max()) + 1 for index in indices]
            return complete([slice(low, stop) for low, stop in zip(lows, stops, strict=True)], shape)
    return complete((), shape)


def do_again(edit: Any, block: NDArray[Any], start: Sequence[int]) -> None:
    """Do an edit to a copy of the part of the data that begins at `start`."""
    if hasattr(edit, "slice_key"):
        part = block[tuple(slice(c.start - s, c.stop - s) for c, s in zip(edit.slice_key, start, strict=True))]
        part[... if edit.mask is None else edit.mask] = edit.new_value
    else:
        indices, _, values = edit
        block[tuple(np.asarray(index) - first for index, first in zip(indices, start, strict=True))] = values


def complete(cuts: Sequence[slice], shape: Sequence[int]) -> Box:
    """Give slices a start and a stop within the data, and one to each axis that has none."""
    cuts = [*cuts, *[slice(None)] * (len(shape) - len(cuts))]
    ends = [cut.indices(size) for cut, size in zip(cuts, shape, strict=True)]
    return tuple(slice(start, max(start, stop)) for start, stop, _ in ends)


def volume(box: Box) -> int:
    """Return the number of labels in a part of the data."""
    return math.prod(cut.stop - cut.start for cut in box)
