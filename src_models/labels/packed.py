"""Labels that are kept as they were, in a small part of the memory that they take."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.progress import finish

__all__ = ["PackedLabels", "pack", "pack_steps"]

_STRIP = 2**24  # bytes that are packed at a time; it takes some milliseconds

Box = tuple[slice, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PackedLabels:
    """Labels that nobody can change, each plane in strips of rows that are compressed one by one.

    Labels of objects take a hundredth of their memory or less, for neighbours mostly hold the same number.

    Parameters
    ----------
    shape
        (..., y, x).
    dtype
        Of the labels.
    strips
        The strips, plane after plane.

    Examples
    --------
    >>> labels = np.repeat(np.arange(4, dtype=np.int32), 10_000).reshape(200, 200)
    >>> packed = pack(labels)
    >>> bool((packed.unpack() == labels).all()), packed.nbytes < labels.nbytes // 100
    (True, True)
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    strips: tuple[bytes, ...]

    @property
    def nbytes(self) -> int:
        """How many bytes it takes."""
        return sum(map(len, self.strips))

    def unpack(self) -> NDArray[Any]:
        """Return the labels."""
        labels = np.empty(self.shape, self.dtype)
        for box, strip in zip(_boxes(self.shape, self.dtype), self.strips, strict=True):
            labels[box] = self._unpacked(box, strip)
        return labels

    def with_part(self, part: Sequence[slice], labels: NDArray[Any]) -> PackedLabels:
        """Return labels that hold others in a part; only strips of that part are packed again.

        Parameters
        ----------
        part
            A slice with start and stop for each axis.
        labels
            What the part holds.
        """
        return replace(
            self,
            strips=tuple(
                self._changed(box, strip, part, labels)
                for box, strip in zip(_boxes(self.shape, self.dtype), self.strips, strict=True)
            ),
        )

    def _changed(self, box: Box, strip: bytes, part: Sequence[slice], labels: NDArray[Any]) -> bytes:
        starts = [max(one.start, other.start) for one, other in zip(box, part, strict=True)]
        stops = [min(one.stop, other.stop) for one, other in zip(box, part, strict=True)]
        if any(start >= stop for start, stop in zip(starts, stops, strict=True)):
            return strip
        unpacked = self._unpacked(box, strip)
        unpacked[_within(box, starts, stops)] = labels[_within(part, starts, stops)]
        return _packed(unpacked)

    def _unpacked(self, box: Box, strip: bytes) -> NDArray[Any]:
        from imagecodecs import zstd_decode

        lengths = [cut.stop - cut.start for cut in box]
        return np.frombuffer(bytearray(zstd_decode(strip)), self.dtype).reshape(lengths)


def pack(labels: NDArray[Any]) -> PackedLabels:
    """Pack labels (..., y, x) at once; see :func:`pack_steps`."""
    return finish(pack_steps(labels))


def pack_steps(labels: NDArray[Any]) -> Generator[None, None, PackedLabels]:
    """Pack labels (..., y, x), yielding after every few milliseconds if there is more to do."""
    strips, since = [], 0
    for box in _boxes(labels.shape, labels.dtype):
        if since >= _STRIP:
            yield
            since = 0
        strips.append(_packed(labels[box]))
        since += labels[box].nbytes
    return PackedLabels(labels.shape, labels.dtype, tuple(strips))


def _packed(strip: NDArray[Any]) -> bytes:
    from imagecodecs import zstd_encode

    return bytes(zstd_encode(strip.tobytes(), level=1))


def _boxes(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Iterator[Box]:
    """Give the boxes of the strips, in order."""
    *planes, height, width = shape
    rows = max(1, _STRIP // max(1, width * dtype.itemsize))
    for *plane, top in product(*map(range, planes), range(0, height, rows)):
        yield (*(slice(at, at + 1) for at in plane), slice(top, min(top + rows, height)), slice(0, width))


def _within(box: Sequence[slice], starts: Sequence[int], stops: Sequence[int]) -> Box:
    """Return the index of a part of what a box holds."""
    return tuple(
        slice(start - cut.start, stop - cut.start) for cut, start, stop in zip(box, starts, stops, strict=True)
    )
