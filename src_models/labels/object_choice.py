"""Which of the objects that a network saw are kept: how sure it must be, how large they are, where they lie."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import UserError
from src_models.images.planes import LabelPlane, Planes
from src_models.labels.labelling import blocks
from src_models.models.header import InstanceSettings

__all__ = ["ObjectChoice", "drop_objects"]

# How far the logit of a threshold moves at a sensitivity of 1: from 0.5 to 0.018.
_SPAN = 4.0


@dataclass(frozen=True, slots=True)
class ObjectChoice:
    """What a person asks of the objects.

    Parameters
    ----------
    sensitivity
        From -1 to 1. The threshold on the probability of being an object moves against it, by ``4 * sensitivity`` on
        the scale of logits: 0.5 becomes 0.12 at 0.5, and 0.88 at -0.5.
    least_size
        Smallest diameter (px of the image) of objects that are kept.
    drop_edge
        Whether objects that touch the edge of the image are dropped.

    Raises
    ------
    UserError
        If a number is out of its range.

    Examples
    --------
    >>> round(ObjectChoice(0.5).of_instances(InstanceSettings(foreground=0.5)).foreground, 2)
    0.12
    >>> round(ObjectChoice(least_size=10).least_area(2), 1)
    78.5
    """

    sensitivity: float = 0.0
    least_size: float = 0.0
    drop_edge: bool = False

    def __post_init__(self) -> None:
        if not -1 <= self.sensitivity <= 1:
            raise UserError(f"the sensitivity {self.sensitivity!r} must lie between -1 and 1; 0 is the model's own")
        if not 0 <= self.least_size < math.inf:
            raise UserError(f"the least size {self.least_size!r} of the objects must be a number of pixels, 0 or more")

    def of_instances(self, settings: InstanceSettings) -> InstanceSettings:
        """Return the thresholds of a watershed at this sensitivity."""
        if self.sensitivity == 0:
            return settings
        return replace(settings, foreground=self._moved(settings.foreground), seed=self._moved(settings.seed))

    def of_classes(self, probabilities: NDArray[Any]) -> NDArray[Any]:
        """Return class probabilities (classes, *S) whose background, the first, is weighed by this sensitivity.

        The likeliest class is then what it would be were the threshold of two classes moved.
        """
        if self.sensitivity == 0:
            return probabilities
        weights = np.ones((len(probabilities), *(1,) * (probabilities.ndim - 1)), np.float32)
        weights[0] = math.exp(-_SPAN * self.sensitivity)
        return np.asarray(probabilities.astype(np.float32) * weights)

    def least_area(self, dimensions: int) -> float:
        """Return the area (or, for 3 dimensions, volume) in px of the smallest object that is kept."""
        return math.pi * self.least_size**2 / 4 if dimensions == 2 else math.pi * self.least_size**3 / 6

    def _moved(self, threshold: float) -> float:
        if not 0 < threshold < 1:
            return threshold
        logit = math.log(threshold / (1 - threshold)) - _SPAN * self.sensitivity
        return 1 / (1 + math.exp(-logit))


def drop_objects(labels: Any, planes: Planes, least_area: float, drop_edge: bool) -> tuple[int, int]:
    """Set small objects, and those at the edge, to 0, and number the others anew from 1.

    An object that goes through several planes is as large as it is in the plane where it is largest, and at the edge
    where it touches that in any of them. The edge is that of height and width: the first slice of a stack cuts
    objects, too, but nearly all of a thin one.

    Parameters
    ----------
    labels
        Object numbers, in the order of :attr:`Planes.label_axes`; read and written by region.
    planes
        The planes (or volumes) in which objects were found.
    least_area
        Pixels (or voxels) of the smallest object that is kept.
    drop_edge
        Whether objects at the edge go.

    Returns
    -------
    objects, outlines
        How many are left, and in how many planes these show, taken together.
    """
    largest, outlines, edge = np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1, bool)
    for plane in planes:
        here = LabelPlane(labels, planes, plane)
        areas = np.zeros(1, np.int64)
        for region in blocks(here.shape):
            block = here[region]
            areas = _sum(areas, np.bincount(block.ravel()))
            if drop_edge:
                edge = _sum(edge, _at_edge(block, region, here.shape))
        outlines = _sum(outlines, (areas > 0).astype(np.int64))
        longer, shorter = sorted((largest, areas), key=len, reverse=True)
        longer[: len(shorter)] = np.maximum(longer[: len(shorter)], shorter)
        largest = longer
    keep = (largest >= max(1.0, least_area)) & ~_sum(edge, np.zeros(len(largest), bool))
    keep[0] = False
    numbers = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    for plane in planes:
        here = LabelPlane(labels, planes, plane)
        for region in blocks(here.shape):
            here[region] = numbers[here[region]]
    return int(keep.sum()), int(outlines[keep].sum())


def _at_edge(block: NDArray[Any], region: tuple[slice, ...], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return, by number, which objects of a block touch the first or last row or column of the plane."""
    touching = [np.zeros(1, block.dtype)]
    for axis in (-2, -1):
        if region[axis].start == 0:
            touching.append(block.take(0, axis).ravel())
        if region[axis].stop == shape[axis]:
            touching.append(block.take(-1, axis).ravel())
    return np.bincount(np.concatenate(touching)) > 0


def _sum(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """Add two arrays, the shorter of which is continued with zeros; truths are joined by or."""
    longer, shorter = sorted((one, other), key=len, reverse=True)
    total = longer.copy()
    total[: len(shorter)] += shorter
    return total
