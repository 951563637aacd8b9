"""The pictures that an audit of a model of classes looks at, as the network sees them, and where their objects lie.

>>> spread_over_classes([0, 0, 0, 0, 0, 0, 1, 1, 2], 5)
[0, 5, 6, 7, 8]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.classifying.class_order import class_order
from src_models.classifying.class_probabilities import Classified
from src_models.classifying.pictures.picture import model_size, prepared
from src_models.classifying.pictures.seen import SeenPicture, seen_picture
from src_models.files.class_sets.class_set import ClassSample, ClassSet
from src_models.images.model_image import ModelImage
from src_models.images.planes import LabelPlane
from src_models.models.header import ModelHeader

__all__ = ["PICTURES", "AuditedPicture", "pictures_of_run", "pictures_of_set", "spread_over_classes"]

PICTURES = 12  # enough for a standard error, few enough for a minute


@dataclass(frozen=True, slots=True, eq=False)
class AuditedPicture:
    """One picture.

    Parameters
    ----------
    name
        What it is called.
    values
        (C, H, W) float32, as the network takes it.
    inside
        (H, W), True on the object that the picture is of; None where that is not known.
    """

    name: str
    values: NDArray[np.float32]
    inside: NDArray[np.bool_] | None = None


def pictures_of_run(
    image: ModelImage, found: Classified, labels: Any = None, *, limit: int = PICTURES
) -> list[AuditedPicture]:
    """Return pictures of what a model told the classes of: objects, tiles or planes.

    Parameters
    ----------
    image
        The image of the run, read as it was there.
    found
        What the run gave.
    labels
        Of objects: the labels, of the image's shape without its channels.
    limit
        So many at most, of each class that was told as many as there are of others, as far as possible.
    """
    pictures = []
    for row in spread_over_classes(found.best.tolist(), limit):
        seen = seen_picture(image, found, row)
        inside = None
        if found.kind == "objects" and labels is not None:
            inside = _inside(
                LabelPlane(labels, image.planes, seen.plane), image.planes.shape, seen, int(found.ids[row])
            )
        pictures.append(AuditedPicture(f"{image.name} {found.ids[row]}", seen.values, inside))
    return pictures


def pictures_of_set(
    data: ClassSet, header: ModelHeader, *, split: str = "val", limit: int = PICTURES
) -> list[AuditedPicture]:
    """Return pictures of a set of classes, as a model sees them; of boxes, it is known where the object lies.

    Parameters
    ----------
    data
        The set.
    header
        The model's, which tells all classes of the set.
    split
        Which part of the set.
    limit
        So many at most, of each class as many as of others, as far as possible.

    Raises
    ------
    DataSetError
        If there is no such split, or the set has a class that the model does not tell.
    """
    class_order(data, header)
    samples, size = data.split(split), model_size(header)
    pictures = []
    for number in spread_over_classes([sample.label for sample in samples], limit):
        sample = samples[number]
        values = prepared(data.picture(sample, size), header, f"{data.root}, {sample.name}")
        pictures.append(AuditedPicture(sample.name, values, _in_box(sample, size)))
    return pictures


def spread_over_classes(labels: Sequence[int], limit: int) -> list[int]:
    """Return at most so many positions, of each class as many as of others where there are, evenly spread in each."""
    groups = [np.flatnonzero(np.asarray(labels) == label) for label in np.unique(labels)]
    wanted = [0] * len(groups)
    for _ in range(min(limit, len(labels))):  # one more of the class of which fewest are chosen yet
        open_ = [number for number, group in enumerate(groups) if wanted[number] < len(group)]
        wanted[min(open_, key=lambda number: wanted[number])] += 1
    chosen = [
        int(group[round(place)])
        for group, count in zip(groups, wanted, strict=True)
        for place in (np.linspace(0, len(group) - 1, count) if count > 1 else [0][:count])
    ]
    return sorted(chosen)


def _in_box(sample: ClassSample, size: int) -> NDArray[np.bool_] | None:
    """Return the box of an object in the square around its middle."""
    if sample.extent is None:
        return None
    places = np.abs(np.arange(size) + 0.5 - size / 2)
    rows, columns = (places < side / 2 for side in sample.extent)
    return np.asarray(np.outer(rows, columns))


def _inside(plane: LabelPlane, shape: Sequence[int], seen: SeenPicture, own: int) -> NDArray[np.bool_]:
    """Return where a picture shows an object; what it shows of the image mirrored is not the object."""
    rows, columns = (np.arange(side) for side in seen.values.shape[1:])
    whole = np.zeros((len(rows), len(columns)), bool)
    ys = np.rint([seen.place((float(row), 0.0))[0] for row in rows]).astype(int)
    xs = np.rint([seen.place((0.0, float(column)))[1] for column in columns]).astype(int)
    there = [(places >= 0) & (places < size) for places, size in zip((ys, xs), shape, strict=True)]
    ys, xs = ys[there[0]], xs[there[1]]
    if ys.size and xs.size:
        block = plane[slice(int(ys[0]), int(ys[-1]) + 1), slice(int(xs[0]), int(xs[-1]) + 1)]
        whole[np.ix_(*there)] = block[np.ix_(ys - ys[0], xs - xs[0])] == own
    return whole
