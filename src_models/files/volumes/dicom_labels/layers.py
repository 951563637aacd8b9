"""Segments laid into one volume of numbers, where each voxel has room for one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.files.volumes.volume import Segment

__all__ = ["LaidSegments"]

_NAMED = 3


class LaidSegments:
    """Labels that segments are laid into; where they overlap, the one with the higher number is on top.

    Parameters
    ----------
    shape
        (slices, rows, columns) of the grid.
    numbers
        The largest of them says how many bits a label needs.

    Examples
    --------
    >>> laid = LaidSegments((1, 1, 3), [1, 2])
    >>> laid.lay(0, np.array([[0, 2, 2]]))
    >>> laid.lay(0, np.array([[1, 1, 0]]))
    >>> laid.labels.tolist(), laid.note([Segment(1, "liver"), Segment(2, "cyst")])
    ([[[1, 2, 2]]], '1 voxel is of more than one segment and shows the one with the higher number: cyst on liver')
    """

    def __init__(self, shape: tuple[int, int, int], numbers: Iterable[int]) -> None:
        self.labels: NDArray[Any] = np.zeros(shape, np.min_scalar_type(max(numbers, default=0)))
        self._overlaps: Counter[tuple[int, int]] = Counter()

    def lay(self, number: int, frame: NDArray[Any], rows: slice = slice(None), columns: slice = slice(None)) -> None:
        """Lay a frame of numbers, 0 where nothing is, into a part of slice `number`."""
        below = self.labels[number, rows, columns]
        both = (below != 0) & (frame != 0) & (below != frame)
        if both.any():
            pairs = np.stack([np.maximum(below, frame)[both], np.minimum(below, frame)[both]], axis=1)
            for (above, under), count in zip(*np.unique(pairs, axis=0, return_counts=True), strict=True):
                self._overlaps[int(above), int(under)] += int(count)
        np.maximum(below, frame, out=below, casting="unsafe")

    def note(self, segments: Sequence[Segment]) -> str:
        """Say what overlaps; empty if nothing does."""
        if not self._overlaps:
            return ""
        names = {one.value: one.name for one in segments}
        pairs = [f"{names.get(above, above)} on {names.get(under, under)}" for above, under in sorted(self._overlaps)]
        count = sum(self._overlaps.values())
        more = f" and {len(pairs) - _NAMED} more" if len(pairs) > _NAMED else ""
        begin = "1 voxel is" if count == 1 else f"{count} voxels are"
        verb = "shows" if count == 1 else "show"
        return (
            f"{begin} of more than one segment and {verb} the one with the higher number: "
            f"{', '.join(pairs[:_NAMED])}{more}"
        )
