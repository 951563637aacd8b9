"""How accepted objects are written into labels: with new numbers or as a class, never over finished objects unasked.

It is done in two steps: what has to look at all of the labels is worked out beforehand, in any thread
(:func:`plan_objects`); what is then written is no more than the objects (:func:`pixels_of`).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import UserError

if TYPE_CHECKING:
    from src_models.clicking.clicked_object import AcceptedObject, ObjectSlice
    from src_models.images.labels_axes import LabelsAxes

__all__ = ["Again", "ObjectLabels", "Pixels", "Plan", "Written", "free_part", "pixels_of", "plan_objects"]

Places = tuple[NDArray[np.intp], ...]
Record = Mapping[str, Any]
Found = tuple["AcceptedObject", Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ObjectLabels:
    """Labels that objects go into: their array, and no layer.

    Parameters
    ----------
    key
        Which labels.
    name
        What to call them in messages.
    data
        The array.
    records
        What is known of the objects that were clicked into them, those that are gone included.
    """

    key: Hashable
    name: str
    data: NDArray[Any]
    records: Sequence[Record] = ()


@dataclass(frozen=True, slots=True)
class Again:
    """An accepted object that is worked on again.

    Parameters
    ----------
    value
        Its number or class.
    is_class
        Whether that is a class.
    time
        When it was accepted, as its record says; value and time tell an object from all others.
    session
        The clicks that it came from, as a session stores them.
    labels
        The key of the labels that it lies in.
    parts
        Where it was, as its clicks say.
    """

    value: int
    is_class: bool
    time: str
    session: Mapping[str, Any]
    labels: Hashable
    parts: Sequence[ObjectSlice] = ()

    @classmethod
    def of(cls, record: Record, labels: Hashable) -> Again:
        """Return the object of a record, in the labels with a key."""
        is_class = bool(record.get("class", False))
        return cls(int(record["value"]), is_class, str(record["time"]), record.get("session", {}), labels)


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


@dataclass(frozen=True, slots=True)
class Pixels:
    """What is written.

    Parameters
    ----------
    places
        An index array for each axis of the labels; no place comes twice.
    values
        What they are to hold.
    written
        What that does, object by object.
    records
        What is known of the objects that have any pixels.
    """

    places: Places
    values: NDArray[Any]
    written: Sequence[Written]
    records: Sequence[dict[str, Any]]


def free_part(
    labels: NDArray[Any] | None, covering: LabelsAxes, part: ObjectSlice, *, own: int, overwrite: bool
) -> NDArray[np.bool_]:
    """Return the pixels of a part of an object that accepting it would write.

    Parameters
    ----------
    labels
        Where to; None for new ones.
    covering
        How they cover the image.
    part
        The object in one plane.
    own
        The class that is written, or the number that the object has already; 0 for a new object.
    overwrite
        Whether what others have is taken from them.
    """
    if labels is None or overwrite:
        return part.mask
    there = labels[covering.index(part.plane, *part.region)]
    return np.asarray(part.mask & ((there == 0) | (there == own)))


def plan_objects(
    labels: ObjectLabels | None,
    covering: LabelsAxes,
    found: Sequence[Found],
    *,
    image: str = "the image",
    value: int | None = None,
    overwrite: bool = False,
    again: Again | None = None,
    above: int = 0,
) -> list[Plan]:
    """Work out how objects are to be written. This looks at all of the labels.

    Parameters
    ----------
    labels
        Where to; None for new ones.
    covering
        How labels cover the image.
    found
        The objects, each with the session that it came from.
    image
        What to call the image in messages.
    value
        The class to write; None numbers them from one above the highest number that there is or was.
    overwrite
        Whether what finished objects have is taken from them.
    again
        What the one object was before, if it was accepted before: it keeps its number.
    above
        A number that was given already, and may not be written yet.

    Raises
    ------
    UserError
        If the labels are of another shape, cannot hold the number, or nothing of an object is free.
    """
    is_class = value is not None if again is None else again.is_class
    if again is not None:
        value = again.value
    first = max(_highest(labels), above) + 1 if value is None else 0
    plans = [
        Plan(accepted, session, first + count if value is None else value, is_class, again)
        for count, (accepted, session) in enumerate(found)
    ]
    if labels is not None:
        _free(labels, covering, plans, overwrite, image)
        if again is not None:
            plans = [replace(plan, gone=_gone(labels.data, covering, plan, again)) for plan in plans]
    return plans


def pixels_of(
    plans: Sequence[Plan],
    labels: ObjectLabels,
    covering: LabelsAxes,
    *,
    image: str = "the image",
    overwrite: bool = False,
    notes: Record | None = None,
) -> Pixels:
    """Return the pixels that objects are written to as labels are now; what several want is the first one's.

    An object that was accepted before takes the place of what it was: pixels that are no longer in it are background,
    unless others have taken them.

    Parameters
    ----------
    plans
        The objects.
    labels, covering, image, overwrite
        As for :func:`plan_objects`.
    notes
        What else is kept in every object's record.

    Raises
    ------
    UserError
        As for :func:`plan_objects`: the labels may have changed meanwhile.
    """
    free = _free(labels, covering, plans, overwrite, image)
    gone = [_still(labels.data, plan.gone, plan.value) for plan in plans if plan.gone is not None]
    at = _joined([*free, *gone], labels.data.ndim)
    whose = np.repeat(range(len(free) + len(gone)), [len(axes[0]) for axes in (*free, *gone)])
    if len(plans) > 1:
        _, first = np.unique(np.ravel_multi_index(at, labels.data.shape), return_index=True)
        at, whose = tuple(axis[first] for axis in at), whose[first]
    values = np.array([*(plan.value for plan in plans), *(0 for _ in gone)], labels.data.dtype)
    counts = np.bincount(whose, minlength=len(plans)).tolist()
    records = [_record(plan, own, notes or {}) for plan, own, count in zip(plans, free, counts, strict=False) if count]
    written = [
        Written(plan.value, count, plan.accepted.area - count) for plan, count in zip(plans, counts, strict=False)
    ]
    return Pixels(at, values[whose], written, records)


def _free(
    labels: ObjectLabels, covering: LabelsAxes, plans: Sequence[Plan], overwrite: bool, image: str
) -> list[Places]:
    """Return the pixels that each object would be written to; none for some of many, if others have all of it."""
    if labels.data.shape != covering.shape:
        raise UserError(
            f"the labels {labels.name!r} have the shape {labels.data.shape} and {image} needs {covering.shape}: "
            "choose other labels, or new ones"
        )
    if max(plan.value for plan in plans) > np.iinfo(labels.data.dtype).max:
        raise UserError(f"the labels {labels.name!r} are full ({labels.data.dtype}): choose new labels")
    free = []
    for plan in plans:
        parts = plan.accepted.slices
        masks = [free_part(labels.data, covering, part, own=plan.own, overwrite=overwrite) for part in parts]
        places = [_places(covering, part, mask) for part, mask in zip(parts, masks, strict=True)]
        free.append(_joined(places, labels.data.ndim))
    if not any(len(places[0]) for places in free):
        raise UserError(
            "all of this object belongs to finished objects: tick Overwrite finished objects to take it from them"
        )
    return free


def _gone(labels: NDArray[Any], covering: LabelsAxes, plan: Plan, again: Again) -> Places:
    """Return the places that were an object's and are not in it any more.

    A number is one object's, wherever it is; of a class, the pixels are its that its clicks found.
    """
    if plan.is_class:
        found = _joined([_places(covering, part, part.mask) for part in again.parts], labels.ndim)
        former = _still(labels, found, plan.value)
    else:
        former = np.nonzero(labels == plan.value)
    kept = _joined([_places(covering, part, part.mask) for part in plan.accepted.slices], labels.ndim)
    outside = ~np.isin(np.ravel_multi_index(former, labels.shape), np.ravel_multi_index(kept, labels.shape))
    return tuple(axis[outside] for axis in former)


def _still(labels: NDArray[Any], places: Places, value: int) -> Places:
    """Return those of some places that labels hold a value at."""
    there = labels[places] == value
    return tuple(axis[there] for axis in places)


def _places(covering: LabelsAxes, part: ObjectSlice, mask: NDArray[np.bool_]) -> Places:
    """Return the index arrays of an object's pixels in one plane, one for each axis of the labels."""
    rows, columns = np.nonzero(mask)
    core = iter((rows + part.region[0].start, columns + part.region[1].start))
    index = covering.index(part.plane, *part.region)
    return tuple(next(core) if isinstance(at, slice) else np.full(len(rows), at) for at in index)


def _joined(places: Sequence[Places], ndim: int) -> Places:
    none = np.zeros(0, np.intp)
    return tuple(np.concatenate([none, *(axes[axis] for axes in places)]) for axis in range(ndim))


def _highest(labels: ObjectLabels | None) -> int:
    """Return the highest number that there is or was."""
    if labels is None:
        return 0
    return max([int(labels.data.max(initial=0)), *(int(entry["value"]) for entry in labels.records)])


def _record(plan: Plan, places: Places, notes: Record) -> dict[str, Any]:
    return {
        "value": plan.value,
        "class": plan.is_class,
        **notes,
        "box": [[int(axis.min()) for axis in places], [int(axis.max()) for axis in places]],
        **plan.accepted.to_dict(),
        "session": dict(plan.session),
    }
