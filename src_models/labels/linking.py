"""Linking the outlines of one object in neighbouring planes: the same number through depth, or through time.

A 2D network sees each plane of a stack alone, so one nucleus that shows in six planes is outlined six times. Planes are
gone through in order. Two outlines in neighbouring planes can be one object where their intersection over union (IoU)
is high, or where nearly all of the smaller one lies within the other, as at the ends of round objects. Of all such
pairs the one with the highest IoU is linked first, then the next one whose two outlines are both free. Each outline is
so linked to at most one in the next plane: of two halves of an object that splits, the more similar one keeps its
number and the other one begins anew. An object that is missed in a single plane goes on after it.

Only two planes are looked at together, block by block, so labels of any size on disk can be linked.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import UserError
from src_models.images.planes import LabelPlane, Planes
from src_models.labels.labelling import blocks

__all__ = ["ENOUGH_IOU", "LEAST_IOU", "WITHIN", "link_axes", "link_objects"]

# Chosen on spheres of known identity (benchmarks/linked_stacks.py).
ENOUGH_IOU = 0.4
WITHIN, LEAST_IOU = (
    0.8,
    0.03,
)  # the share of the smaller outline that lies within the other, and what IoU is needed then
LINKABLE = "ZT"  # through depth first: what is followed through time are then whole objects

Ids = NDArray[np.int64]
Frame = Sequence[LabelPlane]


def link_axes(link: str, planes: Planes) -> str:
    """Return the axes to link through, as letters, in the order in which they are linked.

    Parameters
    ----------
    link
        What a person asked for: letters among z and t, or none.
    planes
        How the image divides: an axis that it lacks, or that the network sees whole, needs no linking.

    Raises
    ------
    UserError
        If `link` holds another letter.
    """
    wanted = link.upper()
    if not set(wanted) <= set(LINKABLE):
        raise UserError(f"objects can be linked through z, t or zt, not through {link!r}")
    return "".join(
        letter
        for letter in LINKABLE
        if letter in wanted and letter in planes.leading and planes.reading.size(letter) > 1
    )


def link_objects(labels: Any, planes: Planes, axes: str) -> Iterator[int]:
    """Give the outlines of one object the same number in all planes; numbers go from 1, in order of appearance.

    Parameters
    ----------
    labels
        Objects, numbered differently in each plane, in the axes of the image without channels; NumPy or zarr, changed
        in place, by region.
    planes
        How they divide into planes.
    axes
        From :func:`link_axes`.

    Yields
    ------
    int
        After each plane (for each of the axes), the number that the next object gets.
    """
    linked: list[str] = []
    for letter in axes:
        next_id = 1
        others = [each for each in planes.leading if each != letter and each not in linked]
        for place in itertools.product(*(range(planes.reading.size(each)) for each in others)):
            chain = _Chain(planes.shape, next_id)
            for step in range(planes.reading.size(letter)):
                at = {**dict(zip(others, place, strict=True)), letter: step}
                ranges = [[at[each]] if each in at else range(planes.reading.size(each)) for each in planes.leading]
                frame = [LabelPlane(labels, planes, plane) for plane in itertools.product(*ranges)]
                chain.add(frame)
                next_id = chain.next_id
                yield next_id
        linked.append(letter)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A frame that was linked already: its planes, its numbers in order, and how many pixels each has."""

    frame: Frame
    ids: Ids
    sizes: Ids


class _Chain:
    """Frames that follow each other along one axis; each is one plane, or all planes of one point in time."""

    def __init__(self, shape: Sequence[int], next_id: int) -> None:
        self._regions = blocks(shape)
        self._before: list[_Seen] = []  # the last frame, and the one before it
        self.next_id = next_id

    def add(self, frame: Frame) -> None:
        """Link a frame to those before it, and write its numbers."""
        ids, sizes = self._sizes(frame)
        final = np.zeros(len(ids), np.int64)
        gone_on: Ids = np.zeros(0, np.int64)
        for seen in self._before:
            free = np.flatnonzero(final == 0)
            ended = ~np.isin(seen.ids, gone_on)
            if free.size and ended.any():
                self._match(seen, ended, frame, ids, sizes, final)
            gone_on = np.concatenate([gone_on, seen.ids])
        new = final == 0
        final[new] = self.next_id + np.arange(int(new.sum()))
        self.next_id += int(new.sum())
        self._write(frame, ids, final)
        order = np.argsort(final)
        self._before = [_Seen(frame, final[order], sizes[order]), *self._before[:1]]

    def _sizes(self, frame: Frame) -> tuple[Ids, Ids]:
        found = [_counted(plane[region]) for plane in frame for region in self._regions]
        return _summed(found)

    def _match(self, seen: _Seen, ended: NDArray[np.bool_], frame: Frame, ids: Ids, sizes: Ids, final: Ids) -> None:
        """Fill in the final numbers of the outlines that go on what ended in an earlier frame."""
        pairs, shared = self._overlaps(seen.frame, frame)
        one, other = np.searchsorted(seen.ids, pairs[:, 0]), np.searchsorted(ids, pairs[:, 1])
        iou = shared / (seen.sizes[one] + sizes[other] - shared)
        within = shared / np.minimum(seen.sizes[one], sizes[other])
        able = ended[one] & ((iou >= ENOUGH_IOU) | ((within >= WITHIN) & (iou >= LEAST_IOU)))
        taken = np.zeros(len(seen.ids), bool)
        for k in np.flatnonzero(able)[np.argsort(-iou[able], kind="stable")]:
            if not taken[one[k]] and final[other[k]] == 0:
                taken[one[k]] = True
                final[other[k]] = seen.ids[one[k]]

    def _overlaps(self, before: Frame, frame: Frame) -> tuple[Ids, Ids]:
        """Return the pairs of numbers that meet, (n, 2), and in how many pixels."""
        found = []
        for earlier, plane in zip(before, frame, strict=True):
            for region in self._regions:
                old, new = earlier[region].astype(np.int64), plane[region].astype(np.int64)
                both = (old > 0) & (new > 0)
                found.append(_counted(old[both] << 32 | new[both]))
        keys, shared = _summed(found)
        return np.stack([keys >> 32, keys & 0xFFFFFFFF], axis=1), shared

    def _write(self, frame: Frame, ids: Ids, final: Ids) -> None:
        lookup = np.concatenate([[0], final])
        for plane in frame:
            for region in self._regions:
                here = plane[region]
                plane[region] = lookup[np.searchsorted(ids, here, side="right")].astype(here.dtype)


def _counted(values: NDArray[Any]) -> tuple[Ids, Ids]:
    found, counts = np.unique(values[values > 0], return_counts=True)
    return found.astype(np.int64), counts.astype(np.int64)


def _summed(parts: Sequence[tuple[Ids, Ids]]) -> tuple[Ids, Ids]:
    """Add up the counts of what several parts hold."""
    found, inverse = np.unique(np.concatenate([keys for keys, _ in parts]), return_inverse=True)
    counts = np.zeros(len(found), np.int64)
    np.add.at(counts, inverse, np.concatenate([counts for _, counts in parts]))
    return found, counts
