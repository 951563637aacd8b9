"""Accepted objects as corrections of the network of clicks: each is kept with what lies around it.

They lie in a set of corrections (:mod:`src_models.corrections.correction_set`), one item for an object in a plane: the
part of the image around it, in its own grey values; the labels there, so that neighbours are known; and how grey values
became the network's, since that was measured on the whole image. An object that was carried through a stack is kept in
a few of its slices.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from src_models.corrections.correction import MAKERS, Bounds, Correction, CorrectionRecord, Source
from src_models.corrections.correction_set import CorrectionItem, CorrectionSet

if TYPE_CHECKING:
    from src_models.clicking.click_image import ClickImage
    from src_models.clicking.clicked_object import AcceptedObject, ObjectSlice
    from src_models.clicking.writing import Plan
    from src_models.images.labels_axes import LabelsAxes

__all__ = ["KeptObject", "corrections_of", "count_items", "keep_objects", "object_id", "withdraw_objects"]

MOST_SLICES = 5  # of an object that was carried
# What is kept around an object, as a share of its longer side; at least and at most (px).
AROUND, LEAST, MOST = 1.5, 64, 512


@dataclass(frozen=True, slots=True, eq=False)
class KeptObject:
    """An object that is to be kept.

    Parameters
    ----------
    id
        What tells it from others.
    earlier
        What told it, where it was accepted before and was worked on again: that is replaced.
    corrections
        The object, plane by plane; none where nothing of it was written.
    """

    id: str
    earlier: str | None
    corrections: tuple[Correction, ...]


def object_id(value: int, time: str) -> str:
    """Return what tells an accepted object from all others: its number or class, and when it was accepted."""
    return f"{value} of {time}"


def corrections_of(
    plan: Plan, image: ClickImage, covering: LabelsAxes, labels: NDArray[Any], source: Source
) -> KeptObject:
    """Return an object that was written into labels as it is kept.

    Parameters
    ----------
    plan
        How it was written.
    image
        The image that it was clicked in.
    covering
        How labels cover the image.
    labels
        The labels, with the object in them.
    source
        What the image is; of which plane is known here.
    """
    accepted = plan.accepted
    own = object_id(plan.value, accepted.time.isoformat())
    earlier = None if plan.again is None else object_id(plan.again.value, plan.again.time)
    parts = [_correction(part, plan, image, covering, labels, source) for part in _chosen(accepted)]
    return KeptObject(own, earlier, tuple(part for part in parts if part is not None))


def keep_objects(folder: Path, objects: Sequence[KeptObject]) -> int:
    """Write objects into their set, and return how many it holds then; those that it holds already are not added.

    Raises
    ------
    UserError
        If the folder holds other things, the image has other channels than those before, or the disk does not take it;
        then the set is as it was.
    """
    kept = CorrectionSet.open(folder)
    there = {_id(item.record) for item in kept.items}
    corrections = [correction for each in objects if each.id not in there for correction in each.corrections]
    earlier = {each.earlier for each in objects} - {None}
    replaced = [item.name for item in kept.items if _id(item.record) in earlier]
    if corrections:
        kept.put(corrections, replaced)
    return count_items(kept.items)


def count_items(items: Sequence[CorrectionItem]) -> int:
    """Return how many objects there are among items: one that was carried through a stack has several."""
    return len({_id(item.record) or item.name for item in items})


def withdraw_objects(folder: Path, ids: Collection[str]) -> int:
    """Leave objects out from now on, whose files stay; return how many are left.

    Raises
    ------
    UserError
        If the folder holds other things, or the disk does not take it.
    """
    kept = CorrectionSet.open(folder)
    for item in kept.items:
        if _id(item.record) in ids:
            kept.withdraw(item.name)
    return count_items(kept.items)


def _id(record: CorrectionRecord) -> str | None:
    return None if record.clicked is None else str(record.clicked.get("object"))


def _chosen(accepted: AcceptedObject) -> list[ObjectSlice]:
    """Return a few of an object's slices: those with something that a person gave, and others evenly spread."""
    given = [part for part in accepted.slices if part.prompts][:MOST_SLICES]
    others = [part for part in accepted.slices if part not in given]
    free = min(MOST_SLICES - len(given), len(others))
    places = np.linspace(0, len(others) - 1, free).round().astype(int)
    return [*given, *(others[place] for place in places)]


def _correction(
    part: ObjectSlice, plan: Plan, image: ClickImage, covering: LabelsAxes, labels: NDArray[Any], source: Source
) -> Correction | None:
    """Return what is kept of an object in a plane; None where others have all of it."""
    written = part.mask & (labels[covering.index(part.plane, *part.region)] == plan.value)
    if not written.any():
        return None
    bounds = _around(written, part.region, covering.plane_shape)
    cut = slice(*bounds[0]), slice(*bounds[1])
    inside = np.zeros([last - first for first, last in bounds], bool)
    within = (slice(own.start - at.start, own.stop - at.start) for own, at in zip(part.region, cut, strict=True))
    inside[tuple(within)] = written
    around = np.where(inside, 0, labels[covering.index(part.plane, *cut)]).astype(np.int32)
    number = plan.value
    if plan.is_class:  # others may have the same
        number = int(around.max(initial=0)) + 1
    else:
        around[around == number] = 0
    pixels = image.pixels(part.plane, cut)
    pixels = pixels.astype(np.uint8) if pixels.dtype == bool else pixels
    record = CorrectionRecord(
        source=dataclasses.replace(source, plane=part.plane),
        mode="painted",
        region=bounds,
        made_by={"network": 0, "click": int(inside.sum()), "brush": 0},
        prompts=tuple({"object": number, **prompt.to_dict()} for prompt in part.prompts),
        model_name=image.network.model.header.name,
        model_sha256=plan.accepted.model_sha256,
        clicked={
            "object": object_id(plan.value, plan.accepted.time.isoformat()),
            "normalisation": dataclasses.asdict(image.normalisation(part.plane)),
        },
    )
    return Correction(
        image=pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, -1),
        labels=np.where(inside, number, around).astype(np.int32),
        predicted=np.zeros(inside.shape, np.int32),
        makers=np.where(inside, MAKERS["click"], MAKERS["unmarked"]).astype(np.uint8),
        record=record,
    )


def _around(mask: NDArray[np.bool_], region: Sequence[slice], shape: Sequence[int]) -> Bounds:
    """Return the rows and columns of a plane that show an object with all that was looked at, and more around it."""
    spans = [np.flatnonzero(mask.any(axis)) for axis in (1, 0)]
    longest = max(int(along[-1] - along[0]) + 1 for along in spans)
    reach = int(np.clip(AROUND * longest, LEAST, MOST))
    bounds = [
        (
            min(part.start, max(0, part.start + int(along[0]) - reach)),
            max(part.stop, min(length, part.start + int(along[-1]) + 1 + reach)),
        )
        for part, along, length in zip(region, spans, shape, strict=True)
    ]
    return bounds[0], bounds[1]
