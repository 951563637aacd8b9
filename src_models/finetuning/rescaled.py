"""A correction at the scale at which a network sees its image.

A network that was made for a spacing sees images resampled to it (:mod:`src_models.images.spacing`), and so learns from
corrections that are: grey values linearly, who made what from the nearest pixel.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.corrections.correction import Correction
from src_models.images.resampling import resample

__all__ = ["rescaled"]


def rescaled(
    correction: Correction, resized: Sequence[int], *masks: NDArray[np.bool_], slice_at: int | None = None
) -> tuple[Any, ...]:
    """Return a correction, and masks of what counts in it, with labels of another shape; its image stays as it is.

    Parameters
    ----------
    correction
        A plane or a volume.
    resized
        The shape.
    masks
        Of the correction's shape.
    slice_at
        Of a volume that was made of one corrected slice, which it is: however far apart slices then lie, one that
        counts is left.
    """
    if tuple(resized) == correction.labels.shape:
        return (correction, *masks)

    def of(marks: NDArray[Any]) -> NDArray[Any]:
        if slice_at is None:
            return resample(marks, resized, order=0)
        volume = np.zeros(resized, marks.dtype)
        volume[_slices_of(slice_at, len(marks), resized[0])] = resample(marks[slice_at], resized[1:], order=0)
        return volume

    seen = dataclasses.replace(
        correction,
        labels=resample(correction.labels, resized, order=0),
        predicted=resample(correction.predicted, resized, order=0),
        makers=of(correction.makers),
    )
    return (seen, *map(of, masks))


def _slices_of(place: int, depth: int, resized: int) -> slice:
    """Return the slices, once there are `resized` in place of `depth`, whose centres lie in one of these; one at least.

    Examples
    --------
    >>> _slices_of(2, 4, 8), _slices_of(2, 9, 3)
    (slice(4, 6, None), slice(0, 1, None))
    """
    centres = (np.arange(resized) + 0.5) * depth / resized
    inside = np.flatnonzero((centres >= place) & (centres < place + 1))
    if len(inside):
        return slice(int(inside[0]), int(inside[-1]) + 1)
    nearest = min(int((place + 0.5) * resized / depth), resized - 1)
    return slice(nearest, nearest + 1)
