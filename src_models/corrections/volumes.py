"""Corrections for networks that see in 3D: whole volumes, and slices with what lies above and below them.

A corrected slice is a volume in which the other slices do not count.

>>> slices = np.arange(5 * 2 * 3).reshape(5, 2, 3)
>>> around = slices_around(slices, 4, deep=4)
>>> around.image[:, 0, 0].tolist(), around.place
([6, 12, 18, 24], 3)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.corrections.correction import MAKERS, Correction, CorrectionRecord, SlicesAround, Source
from src_models.errors import DataSetError, UserError

__all__ = ["check_planes", "in_slices", "in_volume", "slices_around", "span_around", "whole_volume"]

MOST_SLICES = 24  # of a volume: slices that follow each other tell much the same


def slices_around(slices: Any, place: int, deep: int) -> SlicesAround:
    """Return the slices that a network sees of one of them, as many as there are of `deep`.

    Parameters
    ----------
    slices
        (D, H, W) or (D, H, W, C), of which no more is read.
    place
        Which of them is corrected.
    deep
        How many are kept, the corrected one among them in the middle if it can be.
    """
    span = span_around(place, len(slices), deep)
    return SlicesAround(np.asarray(slices[span]), place - span.start)


def span_around(place: int, depth: int, deep: int) -> slice:
    """Return which slices of a stack of `depth` are kept around one: as many as there are of `deep`."""
    first = max(0, min(place - deep // 2, depth - deep))
    return slice(first, min(first + deep, depth))


def whole_volume(
    image: NDArray[Any], labels: NDArray[np.int32], source: Source, counts: NDArray[np.bool_] | None = None
) -> Correction:
    """Return a volume that is right as a whole, or where it counts.

    Parameters
    ----------
    image
        (D, H, W) or (D, H, W, C).
    labels
        (D, H, W).
    source
        What it is.
    counts
        Which voxels count; None for all.

    Raises
    ------
    UserError
        If none does.
    """
    if counts is not None and not counts.any():
        raise UserError(f"in {source.layer} nothing is marked that counts")
    all_count = counts is None or bool(counts.all())
    makers = np.where(labels > 0, MAKERS["brush"], MAKERS["network"]).astype(np.uint8)
    if counts is not None:
        makers[~counts] = MAKERS["unmarked"]
    record = CorrectionRecord(
        source=source,
        mode="slice" if all_count else "painted",
        region=((0, labels.shape[-2]), (0, labels.shape[-1])),
        made_by={name: int((makers == maker).sum()) for name, maker in MAKERS.items() if maker},
    )
    return Correction(image=image, labels=labels, predicted=np.zeros_like(labels), makers=makers, record=record)


def check_planes(found: Iterable[tuple[str, Correction]]) -> None:
    """Check that corrections, with their names, are of planes.

    Raises
    ------
    DataSetError
        If one is a volume.
    """
    for name, correction in found:
        if correction.labels.ndim != 2:
            raise DataSetError(
                f"{correction.record.source.file or name} is a stack or a volume, and this model learns from planes: "
                "put its slices into a set of corrections with napari-medt correct, and learn from that"
            )


def in_slices(name: str, correction: Correction, deep: int) -> list[tuple[str, Correction]]:
    """Return a volume as corrections of its slices, for a network that sees each between its neighbours (2.5D).

    Parameters
    ----------
    name, correction
        The volume; a plane is returned as it is.
    deep
        How many slices the network sees.

    Returns
    -------
    list of tuple
        Names and corrections of slices in which something counts: at most :data:`MOST_SLICES`, evenly spread.
    """
    if correction.labels.ndim == 2:
        return [(name, correction)]
    counting = np.flatnonzero(correction.counts.any(axis=(1, 2)))
    count = min(len(counting), MOST_SLICES)
    taken = [int(counting[at * len(counting) // count]) for at in range(count)]
    slices = []
    for place in taken:
        source = dataclasses.replace(correction.record.source, plane=(place,))
        one = dataclasses.replace(
            correction,
            image=correction.image[place],
            labels=correction.labels[place],
            predicted=correction.predicted[place],
            makers=correction.makers[place],
            record=dataclasses.replace(correction.record, source=source),
            around=slices_around(correction.image, place, deep),
        )
        slices.append((f"{name}{source.place_name}", one))
    return slices


def in_volume(name: str, correction: Correction, *masks: NDArray[np.bool_]) -> tuple[Any, ...]:
    """Return a correction, and masks of what counts in it, as volumes.

    Of a slice, the labels go on above and below, where they do not count: nobody said that an object ends there.

    Raises
    ------
    DataSetError
        If it is a slice that was kept without those around it.
    """
    if correction.labels.ndim == 3:
        return (correction, *masks)
    around = correction.around
    if around is None:
        raise DataSetError(
            f"{name} was kept without the slices around it, and a 3D model learns from volumes: mark the slice again "
            "while a 3D model is chosen"
        )

    def deep(mask: NDArray[Any]) -> NDArray[Any]:
        volume = np.zeros((len(around.image), *mask.shape), mask.dtype)
        volume[around.place] = mask
        return volume

    volume = dataclasses.replace(
        correction,
        image=around.image,
        labels=np.repeat(correction.labels[None], len(around.image), axis=0),
        predicted=np.repeat(correction.predicted[None], len(around.image), axis=0),
        makers=deep(correction.makers),
        around=None,
    )
    return (volume, *map(deep, masks))
