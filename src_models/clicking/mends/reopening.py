"""Objects of labels that are worked on again: what they were before, and what of them was painted meanwhile."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from src_models.clicking.clicked_object import ObjectSlice
from src_models.clicking.writing import Again, ObjectLabels

if TYPE_CHECKING:
    from src_models.clicking.clicked_object import ObjectState
    from src_models.images.labels_axes import LabelsAxes

__all__ = ["NEVER", "again_stored", "begun_again", "painted", "parts_of"]

NEVER = ""  # when an object was accepted that nobody clicked


def parts_of(state: ObjectState) -> tuple[ObjectSlice, ...]:
    """Return where an object is."""
    return tuple(
        ObjectSlice(plane, found.answer.region, found.answer.mask, found.prompts)
        for plane, found in state.planes.items()
    )


def begun_again(value: int, labels: Hashable, state: ObjectState, time: str = NEVER) -> Again:
    """Return what an object was that was begun with a piece of labels; their number may be others', too.

    Parameters
    ----------
    value
        The number.
    labels
        The key of the labels.
    state
        The object as it was begun.
    time
        When it was accepted, if it was clicked before.
    """
    return Again(value, True, time, {}, labels, parts_of(state))


def again_stored(
    labels: ObjectLabels | None, was: Mapping[str, Any] | None, begun: Sequence[ObjectSlice]
) -> Again | None:
    """Return what a stored object was before, if labels know it.

    Parameters
    ----------
    labels
        The labels.
    was
        What is stored of it: number and time.
    begun
        Where it was if it was begun with a piece of labels.
    """
    if labels is None or was is None:
        return None
    if was["time"] == NEVER:
        return Again(int(was["value"]), True, NEVER, {}, labels.key, begun)
    for record in labels.records:
        if (record["value"], record["time"]) == (was["value"], was["time"]):
            return replace(Again.of(record, labels.key), parts=begun)
    return None


def painted(again: Again, labels: ObjectLabels, covering: LabelsAxes) -> int:
    """Return how many pixels of an object's planes have its number but are not found by its clicks, or the reverse."""
    if again.is_class:
        return 0
    count = 0
    for part in again.parts:
        there = labels.data[covering.index(part.plane, *part.region)]
        count += int(((there == again.value) & ~part.mask).sum() + ((there == 0) & part.mask).sum())
    return count
