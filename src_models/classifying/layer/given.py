"""From what a person says of objects in a run on a layer to pictures that are kept, and back when it is run again.

A run may be of a part of a layer. What is kept says where in the whole layer an object lies, so that it is found again
whatever part is looked at.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from src_models.classifying.class_corrections import ClassCorrection, ClassItem, give_classes
from src_models.classifying.pictures.picture import model_size
from src_models.models.header import read_header

if TYPE_CHECKING:
    from src_models.classifying.layer.layer_run import ClassResult
    from src_models.corrections.correction import Source
    from src_models.images.region import Region
    from src_models.models.header import ModelHeader

__all__ = ["given_again", "given_class", "place_of"]

_NEAR = 1.0  # px: a middle that is nearer is that of the same object


def given_class(result: ClassResult, own: int, name: str, source: Source, *, by: str | None = None) -> ClassCorrection:
    """Return an object with the class that a person gave it, as it is kept.

    Parameters
    ----------
    result
        The run.
    own
        The object.
    name
        Its class.
    source
        What the image is; in which plane is known from the run.
    by
        Who gave it.

    Raises
    ------
    UserError
        If the class has no name, or the model's file is gone.
    """
    run, header = result.run, read_header(result.run.model)
    whole = _whole(run.region)
    cut, called = whole.cut(run.data), f"layer {run.layer_name!r}"
    row = result.table.row(own)
    plane, y, x = place_of(result, own)
    positions = dict(zip(_leading(whole), plane, strict=True)) | {"Y": y, "X": x}
    axes = whole.letters.replace("C", "")
    alone = replace(
        result.found,
        probabilities=result.found.probabilities[row : row + 1],
        ids=result.found.ids[row : row + 1],
        boxes=result.found.boxes[row : row + 1],
        positions=np.array([[positions[letter] for letter in axes]], float),
        planes=np.array([plane], np.int64).reshape(1, -1),
    )
    (correction,) = give_classes(
        cut,
        alone,
        {own: name},
        header,
        replace(source, axes=axes),
        axes=whole.sub_reading(cut, called),
        channels=whole.sub_chosen,
        zoom=_zoom(result, header),
        by=by,
        name=called,
    )
    return correction


def given_again(result: ClassResult, items: Iterable[ClassItem], source: Source) -> dict[int, str]:
    """Return which objects of a run have classes that were given before, and which.

    An object is the same where its middle is; one that was drawn anew, where the kept middle lies in it.

    Parameters
    ----------
    result
        The run.
    items
        What is kept.
    source
        What the image is.
    """
    axes = _whole(result.run.region).letters.replace("C", "")
    places = {own: place_of(result, own) for own in result.table.ids.tolist()}
    found: dict[int, str] = {}
    for item in items:
        record = item.record
        if (record.source.image, record.source.axes) != (source.image, axes):
            continue
        near = [
            own
            for own, (plane, y, x) in places.items()
            if plane == record.source.plane and math.dist(record.position, (y, x)) < _NEAR
        ]
        own = near[0] if near else _object_at(result, record.source.plane, record.position)
        if own is not None and own in result.table:
            found[own] = record.class_name
    return found


def place_of(result: ClassResult, own: int) -> tuple[tuple[int, ...], float, float]:
    """Return the plane of an object in the whole layer, and its middle there (px)."""
    region, table = result.run.region, result.table
    row = table.row(own)
    inside = dict(zip(table.axes, table.positions[row].tolist(), strict=True))
    plane, core = [], {}
    for letter, cut in zip(region.letters, region.index, strict=True):
        if letter == "C":
            continue
        at = float(cut) if isinstance(cut, int) else cut.start + inside[letter]
        if letter in "YX":
            core[letter] = at
        else:
            plane.append(round(at))
    return tuple(plane), core["Y"], core["X"]


def _whole(region: Region) -> Region:
    """Return all of a layer, with the same channels."""
    index = tuple(
        cut if letter == "C" else slice(0, size)
        for letter, cut, size in zip(region.letters, region.index, region.shape, strict=True)
    )
    return replace(region, index=index)


def _leading(region: Region) -> str:
    return "".join(letter for letter in region.letters if letter not in "CYX")


def _zoom(result: ClassResult, header: ModelHeader) -> float:
    """Return how much larger than in the image the model saw what it was asked about."""
    run, size = result.run, model_size(header)
    if run.looked_at == "objects":
        return run.zoom
    if run.looked_at == "tiles":
        return size / (run.tile or size)
    sides = [
        cut.stop - cut.start
        for letter, cut in zip(run.region.letters, run.region.index, strict=True)
        if letter in "YX" and isinstance(cut, slice)
    ]
    return float(size / max(sides))


def _object_at(result: ClassResult, plane: tuple[int, ...], position: tuple[float, float]) -> int | None:
    """Return the object of labels at a place in the whole layer; None where there is none."""
    labels, region = result.run.labels, result.run.region
    if labels is None:
        return None
    rest, core = iter(plane), dict(zip("YX", (round(at) for at in position), strict=True))
    letters = region.letters[:-1] if region.rgb else region.letters
    index = tuple(core[letter] if letter in core else 0 if letter == "C" else next(rest, 0) for letter in letters)
    inside = all(0 <= at < size for at, size in zip(index, labels.shape, strict=True))
    return int(labels[index]) or None if inside else None
