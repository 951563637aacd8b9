"""What is known of objects that were accepted: by which clicks, with which model, when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_medt.viewer.layer_notes import notes_of, write_notes

if TYPE_CHECKING:
    import napari.layers

__all__ = ["note_records", "objects_of", "record_at", "records_of"]

Record = Mapping[str, Any]


def records_of(labels: napari.layers.Labels) -> list[Record]:
    """Return what is known of all objects that were clicked into labels, those that are gone included."""
    return list(notes_of(labels).objects)


def objects_of(labels: napari.layers.Labels) -> list[Record]:
    """Return what is known of the objects that were clicked into labels and are still there."""
    known = records_of(labels)
    present = set(np.unique(labels.data).tolist()) if known else set()
    return [entry for entry in known if entry["value"] in present]


def record_at(labels: napari.layers.Labels, value: int, index: Sequence[int]) -> Record | None:
    """Return what is known of the object with a number or class that lies at a place; None where nothing is.

    Parameters
    ----------
    labels
        The labels.
    value
        What they hold there.
    index
        The place: a position along each axis.
    """
    found = [entry for entry in records_of(labels) if entry["value"] == value and _holds(entry, index)]
    return min(found, key=_size, default=None)


def note_records(labels: napari.layers.Labels, entries: Iterable[Record], gone: Iterable[Record] = ()) -> None:
    """Keep what is known of objects, and forget others."""
    times, notes = {(entry["value"], entry["time"]) for entry in gone}, notes_of(labels)
    kept = [entry for entry in notes.objects if (entry["value"], entry["time"]) not in times]
    write_notes(labels, replace(notes, objects=(*kept, *map(dict, entries))))


def _holds(entry: Record, index: Sequence[int]) -> bool:
    box = entry.get("box")
    if box is None:  # of an earlier version
        return not entry.get("class", False)
    return all(low <= at <= high for low, high, at in zip(*box, index, strict=True))


def _size(entry: Record) -> float:
    low, high = entry.get("box", ((), ()))
    return float(np.prod([b - a + 1 for a, b in zip(low, high, strict=True)]))
