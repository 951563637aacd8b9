"""The planes (or volumes) of an image that a network sees one after the other.

A 2D network sees each (Y, X) plane of a stack or time series, a 3D network each (Z, Y, X) volume. This maps a plane and
a region in it to indices into the image, whatever the order of its axes, and into labels, which have the image's axes
without the channels.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.images.axes import AxesReading

__all__ = ["LabelPlane", "Plane", "Planes"]

Plane = tuple[int, ...]  # position along the axes besides those that the network sees


class Planes:
    """How an image divides into planes.

    Parameters
    ----------
    reading
        How the image is read.
    dimensions
        2 or 3: the network's.
    name
        The image, for errors.

    Raises
    ------
    ImageError
        If a 3D network meets an image without depth.
    """

    def __init__(self, reading: AxesReading, dimensions: int, name: str = "the image") -> None:
        self.reading = reading
        self.spatial = "ZYX"[-dimensions:]
        missing = [letter for letter in self.spatial if letter not in reading.axes]
        if missing:
            raise ImageError(
                f"{name} is read as {reading.describe()} and has no depth (Z); a 3D model needs a stack. Give its axes "
                "if they are read wrongly"
            )
        self.leading = [letter for letter in reading.axes if letter not in self.spatial and letter != "C"]
        self.shape = tuple(reading.size(letter) for letter in self.spatial)

    def __len__(self) -> int:
        """Return the number of planes."""
        return int(np.prod([self.reading.size(letter) for letter in self.leading], dtype=int))

    def __iter__(self) -> Iterator[Plane]:
        """Yield each plane's position along the leading axes."""
        return itertools.product(*(range(self.reading.size(letter)) for letter in self.leading))

    def __contains__(self, plane: object) -> bool:
        """Whether there is a plane at a position along the leading axes."""
        if not isinstance(plane, tuple) or len(plane) != len(self.leading):
            return False
        return all(0 <= place < size for place, size in zip(plane, self.leading_shape, strict=True))

    def time_of(self, plane: Plane) -> int:
        """Return the point in time that a plane belongs to; 0 without an axis of time."""
        return plane[self.leading.index("T")] if "T" in self.leading else 0

    def neighbour(self, plane: Plane, offset: int) -> Plane:
        """Return the plane so many slices away; beyond the ends, and in an image without depth, the nearest one."""
        if "Z" not in self.leading:
            return plane
        axis = self.leading.index("Z")
        place = min(max(plane[axis] + offset, 0), self.leading_shape[axis] - 1)
        return (*plane[:axis], place, *plane[axis + 1 :])

    @property
    def leading_shape(self) -> tuple[int, ...]:
        """Lengths of the leading axes."""
        return tuple(self.reading.size(letter) for letter in self.leading)

    @property
    def label_axes(self) -> str:
        """Axes of the labels, in order."""
        return self.reading.axes.replace("C", "")

    @property
    def label_shape(self) -> tuple[int, ...]:
        """Shape of the labels."""
        return tuple(self.reading.size(letter) for letter in self.label_axes)

    def read(self, image: Any, plane: Plane, region: Sequence[slice]) -> NDArray[Any]:
        """Read a region of a plane: (C, *region), in memory; of the channels that were chosen, if any were."""
        index = list(self._index(self.reading.axes, plane, region))
        chosen = self.reading.chosen
        if chosen is not None:
            index[self.reading.axes.index("C")] = slice(min(chosen), max(chosen) + 1)
        block = np.asarray(image[tuple(index)])
        order = [letter for letter in self.reading.axes if letter in self.spatial or letter == "C"]
        if "C" not in order:
            block, order = block[None], ["C", *order]
        block = np.transpose(block, [order.index(letter) for letter in "C" + self.spatial])
        return block if chosen is None or len(chosen) == 1 else block[[each - min(chosen) for each in chosen]]

    def label_index(self, plane: Plane, region: Sequence[slice]) -> tuple[int | slice, ...]:
        """Return the index of a region of a plane in the labels."""
        return self._index(self.label_axes, plane, region)

    def to_label_order(self, block: NDArray[Any]) -> NDArray[Any]:
        """Bring a block in the order (Z,) Y, X to the order of the labels' axes."""
        order = [letter for letter in self.label_axes if letter in self.spatial]
        return np.transpose(block, [self.spatial.index(letter) for letter in order])

    def from_label_order(self, block: NDArray[Any]) -> NDArray[Any]:
        """Undo :meth:`to_label_order`; axes after the spatial ones stay where they are."""
        order = [letter for letter in self.label_axes if letter in self.spatial]
        rest = range(len(order), block.ndim)
        return np.transpose(block, [*(order.index(letter) for letter in self.spatial), *rest])

    def _index(self, axes: str, plane: Plane, region: Sequence[slice]) -> tuple[int | slice, ...]:
        where: dict[str, int | slice] = dict(zip(self.leading, plane, strict=True))
        where.update(zip(self.spatial, region, strict=True))
        return tuple(where.get(letter, slice(None)) for letter in axes)


class LabelPlane:
    """One plane of the labels, in the order (Z,) Y, X, to read and to write by region."""

    def __init__(self, labels: Any, planes: Planes, plane: Plane) -> None:
        self._labels = labels
        self._planes = planes
        self._plane = plane
        self.shape = planes.shape

    def __getitem__(self, region: Sequence[slice]) -> NDArray[Any]:
        """Read a region."""
        return self._planes.from_label_order(np.asarray(self._labels[self._planes.label_index(self._plane, region)]))

    def __setitem__(self, region: Sequence[slice], values: NDArray[Any]) -> None:
        """Write a region."""
        self._labels[self._planes.label_index(self._plane, region)] = self._planes.to_label_order(values)
