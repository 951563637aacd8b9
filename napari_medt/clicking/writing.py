"""Writing accepted objects into a Labels layer: with new numbers or as a class, never over finished objects unasked.

It is done in two steps: what has to look at all of the labels is worked out in a worker thread (:func:`plan_objects`);
what is written, and drawn, is no more than the objects (:func:`write_objects`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_medt.viewer.labels.object_records import note_records, records_of
from src_models.errors import UserError

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

    from napari_medt.viewer.viewed_image import ViewedImage
    from src_models.clicking.accepted import AcceptedObject, ObjectSlice

__all__ = [
    "Again",
    "Plan",
    "Written",
    "free_part",
    "plan_objects",
    "write_objects",
]

Places = tuple[NDArray[np.intp], ...]


@dataclass(slots=True)
class Again:
    """An accepted object that is worked on again.

    Parameters
    ----------
    record
        What is known of it (see :mod:`napari_medt.viewer.labels.object_records`).
    labels
        The labels that it lies in.
    parts
        Where it was, as its clicks say.
    """

    record: Mapping[str, Any]
    labels: napari.layers.Labels
    parts: Sequence[ObjectSlice] = ()

    @property
    def value(self) -> int:
        """Its number or class."""
        return int(self.record["value"])


@dataclass(frozen=True, slots=True)
class Plan:
    """How an object is to be written.

    Parameters
    ----------
    accepted
        The object.
    session
        The clicks that it came from, as a session stores them.
    value
        Its number or class.
    is_class
        Whether that is a class.
    again
        What it was before, if it was accepted before.
    gone
        Places that were the object's and no longer are.
    """

    accepted: AcceptedObject
    session: Mapping[str, Any]
    value: int
    is_class: bool = False
    again: Again | None = None
    gone: Places | None = None

    @property
    def own(self) -> int:
        """What the object may be written over, besides background."""
        return self.value if self.is_class or self.again is not None else 0


@dataclass(frozen=True, slots=True)
class Written:
    """What accepting an object did: its number or class, its pixels, and how many were left to finished objects."""

    value: int
    pixels: int
    kept_out: int


def free_part(
    labels: napari.layers.Labels | None, target: ViewedImage, part: ObjectSlice, *, own: int, overwrite: bool
) -> NDArray[np.bool_]:
    """Return the pixels of a part of an object that accepting it would write.

    Parameters
    ----------
    labels
        Where to; None for a new layer.
    target
        The image.
    part
        The object in one plane.
    own
        The class that is written, or the number that the object has already; 0 for a new object.
    overwrite
        Whether what others have is taken from them.
    """
    if labels is None or overwrite:
        return part.mask
    there = labels.data[target.index(part.plane, *part.region)]
    return part.mask & ((there == 0) | (there == own))


def plan_objects(
    labels: napari.layers.Labels | None,
    target: ViewedImage,
    found: Sequence[tuple[AcceptedObject, Mapping[str, Any]]],
    *,
    value: int | None = None,
    overwrite: bool = False,
    again: Again | None = None,
) -> list[Plan]:
    """Work out how objects are to be written. This looks at all of the labels.

    Parameters
    ----------
    labels
        Where to; None for new ones.
    target
        The image that they were clicked in.
    found
        The objects, each with the session that it came from.
    value
        The class to write; None numbers them from one above the highest number that there is or was.
    overwrite
        Whether what finished objects have is taken from them.
    again
        What the one object was before, if it was accepted before: it keeps its number.

    Raises
    ------
    UserError
        If the labels are of another shape, cannot hold the number, or nothing of an object is free.
    """
    is_class = value is not None if again is None else bool(again.record.get("class", False))
    if again is not None:
        value = again.value
    first = (1 if labels is None else _next_number(labels)) if value is None else value
    plans = [
        Plan(accepted, session, first + count if value is None else first, is_class, again)
        for count, (accepted, session) in enumerate(found)
    ]
    if labels is not None:
        _free(labels, target, plans, overwrite)
        if again is not None:
            plans = [replace(plan, gone=_gone(labels, target, plan, again)) for plan in plans]
    return plans


def write_objects(
    labels: napari.layers.Labels, target: ViewedImage, plans: Sequence[Plan], *, overwrite: bool = False
) -> list[Written]:
    """Write objects into labels, as one step of napari's undo; what several want is the first one's.

    An object that was accepted before takes the place of what it was: pixels that are no longer in it are background,
    unless others have taken them.

    Raises
    ------
    UserError
        As for :func:`plan_objects`: the labels may have changed meanwhile.
    """
    free = _free(labels, target, plans, overwrite)
    gone = [_still(labels, plan.gone, plan.value) for plan in plans if plan.gone is not None]
    at = _joined([*free, *gone], labels.ndim)
    whose = np.repeat(range(len(free) + len(gone)), [len(axes[0]) for axes in (*free, *gone)])
    if len(plans) > 1:
        _, first = np.unique(np.ravel_multi_index(at, labels.data.shape), return_index=True)
        at, whose = tuple(axis[first] for axis in at), whose[first]
    values = np.array([*(plan.value for plan in plans), *(0 for _ in gone)], labels.data.dtype)
    labels.data_setitem(at, values[whose])
    counts = np.bincount(whose, minlength=len(plans)).tolist()
    records = [_record(plan, target, own) for plan, own, count in zip(plans, free, counts, strict=False) if count]
    note_records(labels, records, gone=[plan.again.record for plan in plans if plan.again is not None])
    return [Written(plan.value, count, plan.accepted.area - count) for plan, count in zip(plans, counts, strict=False)]


def _free(labels: napari.layers.Labels, target: ViewedImage, plans: Sequence[Plan], overwrite: bool) -> list[Places]:
    """Return the pixels that each object would be written to; none for some of many, if others have all of it."""
    if labels.data.shape != target.shape:
        raise UserError(
            f"the labels {labels.name!r} have the shape {labels.data.shape} and {target.name} needs {target.shape}: "
            "choose other labels, or new ones"
        )
    if max(plan.value for plan in plans) > np.iinfo(labels.data.dtype).max:
        raise UserError(f"the labels {labels.name!r} are full ({labels.data.dtype}): choose new labels")
    free = []
    for plan in plans:
        parts = plan.accepted.slices
        masks = [free_part(labels, target, part, own=plan.own, overwrite=overwrite) for part in parts]
        places = [_places(target, part, mask) for part, mask in zip(parts, masks, strict=True)]
        free.append(_joined(places, labels.ndim))
    if not any(len(places[0]) for places in free):
        raise UserError(
            "all of this object belongs to finished objects: tick Overwrite finished objects to take it from them"
        )
    return free


def _gone(labels: napari.layers.Labels, target: ViewedImage, plan: Plan, again: Again) -> Places:
    """Return the places that were an object's and are not in it any more.

    A number is one object's, wherever it is; of a class, the pixels are its that its clicks found.
    """
    if plan.is_class:
        found = _joined([_places(target, part, part.mask) for part in again.parts], labels.ndim)
        former = _still(labels, found, plan.value)
    else:
        former = np.nonzero(np.asarray(labels.data) == plan.value)
    kept = _joined([_places(target, part, part.mask) for part in plan.accepted.slices], labels.ndim)
    shape = labels.data.shape
    outside = ~np.isin(np.ravel_multi_index(former, shape), np.ravel_multi_index(kept, shape))
    return tuple(axis[outside] for axis in former)


def _still(labels: napari.layers.Labels, places: Places, value: int) -> Places:
    """Return those of some places that labels hold a value at."""
    there = np.asarray(labels.data[places]) == value
    return tuple(axis[there] for axis in places)


def _places(target: ViewedImage, part: ObjectSlice, mask: NDArray[np.bool_]) -> Places:
    """Return the index arrays of an object's pixels in one plane, one for each axis of the labels."""
    rows, columns = np.nonzero(mask)
    core = iter((rows + part.region[0].start, columns + part.region[1].start))
    index = target.index(part.plane, *part.region)
    return tuple(next(core) if isinstance(at, slice) else np.full(len(rows), at) for at in index)


def _joined(places: Sequence[Places], ndim: int) -> Places:
    none = np.zeros(0, np.intp)
    return tuple(np.concatenate([none, *(axes[axis] for axes in places)]) for axis in range(ndim))


def _next_number(labels: napari.layers.Labels) -> int:
    return max([int(labels.data.max(initial=0)), *(entry["value"] for entry in records_of(labels))]) + 1


def _record(plan: Plan, target: ViewedImage, places: Places) -> dict[str, Any]:
    return {
        "value": plan.value,
        "class": plan.is_class,
        "image": target.layer.name,
        "axes": target.axes,
        "box": [[int(axis.min()) for axis in places], [int(axis.max()) for axis in places]],
        **plan.accepted.to_dict(),
        "session": dict(plan.session),
    }
