"""The file that a journal of labels is: records that are appended, and what they add up to.

The file begins with a line that names its version and goes on with records: length and CRC32 of a payload, which is a
line of JSON and, in some, zlib-compressed labels. Their kinds:

``start``
    Shape and dtype of labels that are 0 everywhere; the records up to the next start belong to them.
``base``, ``complete``
    The parts of the labels that were not 0 when the journal began, and that none is missing.
``block``
    Labels that were written since.
``notes``
    What else is needed to go on.

The base of large labels takes its time, and work goes on meanwhile: blocks may lie between its parts. On reading, the
base comes first. Records are only ever appended, so a killed process can damage none but the last.

Examples
--------
>>> import tempfile
>>> block = np.full((1, 2), 7, np.uint8)
>>> records = [make_start((2, 3), block.dtype), *make_parts("block", block, whole_box(block.shape), (1, 1))]
>>> with tempfile.TemporaryFile() as file:
...     _ = file.write(log_head() + b"".join(records))
...     _ = file.seek(0)
...     contents = read_contents(file)
...     contents.labels(file, whole_box(contents.shape)).tolist()
[[0, 0, 0], [0, 7, 7]]
"""

from __future__ import annotations

import json
import math
import os
import re
import struct
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from src_models.errors import UserError

__all__ = [
    "VERSION",
    "Box",
    "Contents",
    "JournalError",
    "Record",
    "log_head",
    "make_parts",
    "make_record",
    "make_start",
    "read_contents",
    "split_box",
    "whole_box",
]

VERSION = 1
PART_BYTES = 2**22  # labels of one record; larger blocks become several
_HEAD = b"napari-medt labels journal "
_FRAME = struct.Struct("<II")
_FAST = 1  # of zlib: labels shrink well at any level

Box = tuple[slice, ...]


class JournalError(UserError, ValueError):
    """Kept labels are unreadable, come from a newer version, or are still in use."""


@dataclass(frozen=True, slots=True)
class Record:
    """A whole record of a log: its line of JSON, and where its labels are in the file.

    Parameters
    ----------
    facts
        The line of JSON.
    at
        Where the labels begin.
    size
        How many bytes they are.
    """

    facts: dict[str, Any]
    at: int
    size: int

    @property
    def end(self) -> int:
        """Where the next record begins."""
        return self.at + self.size


@dataclass(slots=True)
class _Stretch:
    """The records from one start to the next."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    notes: dict[str, Any]
    complete: bool = False
    base: list[Record] = field(default_factory=list)
    blocks: list[Record] = field(default_factory=list)

    def take(self, record: Record) -> None:
        kind = record.facts["kind"]
        if kind == "base":
            self.base.append(record)
        elif kind == "block":
            self.blocks.append(record)
        elif kind == "complete":
            self.complete = True
        elif kind == "notes":
            self.notes = record.facts["notes"]


@dataclass(frozen=True, slots=True)
class Contents:
    """What a log holds: labels of 0 with blocks put into them, in that order.

    Parameters
    ----------
    shape
        Shape of the labels.
    dtype
        Their dtype.
    blocks
        The records of the blocks.
    corners
        Where each block begins and ends: (blocks, 2, axes).
    notes
        The last notes.
    time
        When the last record was written, in UTC.
    end
        Where the next record begins.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    blocks: list[Record]
    corners: NDArray[np.int64]
    notes: dict[str, Any]
    time: datetime
    end: int

    def labels(self, file: BinaryIO, region: Box) -> NDArray[Any]:
        """Put a part of the labels together.

        Parameters
        ----------
        file
            The log that this was read from.
        region
            The part, with start and stop for each axis.

        Returns
        -------
        ndarray
            A new array.

        Raises
        ------
        zlib.error
            If a block cannot be decompressed.
        """
        low, high = np.array([[part.start, part.stop] for part in region]).T
        labels = np.zeros(high - low, self.dtype)
        starts, stops = self.corners[:, 0], self.corners[:, 1]
        for index in np.flatnonzero(((starts < high) & (stops > low)).all(axis=1)):
            start, record = starts[index], self.blocks[index]
            first, last = np.maximum(start, low), np.minimum(stops[index], high)
            file.seek(record.at)
            block = np.frombuffer(zlib.decompress(file.read(record.size)), self.dtype)
            block = block.reshape(record.facts["shape"])
            labels[_box(first - low, last - low)] = block[_box(first - start, last - start)]
        return labels


def read_contents(file: BinaryIO) -> Contents:
    """Find out what a log holds, without the labels themselves; what is damaged at its end is left out.

    Parameters
    ----------
    file
        The log, at its beginning.

    Returns
    -------
    Contents
        What it holds.

    Raises
    ------
    JournalError
        If it holds no labels, or a newer version wrote it.
    """
    stretches: list[_Stretch] = []
    record = None
    for record in _records(file):
        if record.facts["kind"] == "start":
            notes = stretches[-1].notes if stretches else {}
            stretches.append(_Stretch(tuple(record.facts["shape"]), np.dtype(record.facts["dtype"]), notes))
        elif stretches:
            stretches[-1].take(record)
    if record is None or not stretches:
        raise JournalError(f"{file.name} holds no labels; it was damaged, or its process died at once")
    used = _in_force(stretches)
    blocks = [record for stretch in used for record in (*stretch.base, *stretch.blocks)]
    starts = np.array([block.facts["start"] for block in blocks], np.int64).reshape(-1, len(used[0].shape))
    shapes = np.array([block.facts["shape"] for block in blocks], np.int64).reshape(starts.shape)
    return Contents(
        shape=used[0].shape,
        dtype=used[0].dtype,
        blocks=blocks,
        corners=np.stack([starts, starts + shapes], axis=1),
        notes=used[-1].notes,
        time=datetime.fromtimestamp(record.facts["time"], UTC),
        end=record.end,
    )


def _in_force(stretches: list[_Stretch]) -> list[_Stretch]:
    """Return the last stretch whose base is whole, and what was put over it while the base of another was read."""
    first = max((index for index, stretch in enumerate(stretches) if stretch.complete), default=0)
    form = stretches[first].shape, stretches[first].dtype
    return [stretch for stretch in stretches[first:] if (stretch.shape, stretch.dtype) == form]


def _records(file: BinaryIO) -> Iterator[Record]:
    """Go through the whole records up to the first that is damaged."""
    head = re.fullmatch(_HEAD + rb"([0-9]+)\n", file.readline(len(_HEAD) + 10))
    if head is None:
        raise JournalError(f"{file.name} holds no labels; it was damaged, or its process died at once")
    if int(head[1]) > VERSION:
        raise JournalError(f"{file.name} was written by a newer napari-medt: update it to read these labels")
    at, size = file.tell(), os.fstat(file.fileno()).st_size
    while len(frame := file.read(_FRAME.size)) == _FRAME.size:
        length, checksum = _FRAME.unpack(frame)
        at += _FRAME.size + length
        if not 0 < length <= size:  # a file system may leave zeros where a record was to be
            return
        payload = file.read(length)
        if len(payload) < length or zlib.crc32(payload) != checksum:
            return
        line = payload[: payload.index(b"\n") + 1]
        yield Record(json.loads(line), at - length + len(line), length - len(line))
        file.seek(at)


def log_head() -> bytes:
    """Return the line that a log begins with."""
    return b"%s%d\n" % (_HEAD, VERSION)


def make_record(kind: str, labels: bytes = b"", **facts: Any) -> bytes:
    """Make a record.

    Parameters
    ----------
    kind
        One of those that the module names.
    labels
        Compressed labels.
    **facts
        What else its line of JSON holds; the time is now, unless it is given.

    Returns
    -------
    bytes
        What to append to a log.
    """
    line = json.dumps({"kind": kind, "time": time.time(), **facts}).encode()
    payload = b"%s\n%s" % (line, labels)
    return _FRAME.pack(len(payload), zlib.crc32(payload)) + payload


def make_start(shape: Sequence[int], dtype: np.dtype[Any], when: float | None = None) -> bytes:
    """Make the record that labels begin with.

    Parameters
    ----------
    shape
        Shape of the labels.
    dtype
        Their dtype.
    when
        The time to note; None for now.

    Returns
    -------
    bytes
        What to append to a log.
    """
    return make_record("start", shape=list(shape), dtype=np.dtype(dtype).str, time=when or time.time())


def make_parts(
    kind: str,
    labels: NDArray[Any],
    region: Box,
    origin: Sequence[int] | None = None,
    when: float | None = None,
) -> Iterator[bytes]:
    """Make the records of a part of labels.

    Parameters
    ----------
    kind
        ``base`` or ``block``.
    labels
        The array.
    region
        Which part of it, with start and stop for each axis.
    origin
        Where the array's first element lies in the labels of the log; None for their first.
    when
        The time to note; None for now.

    Yields
    ------
    bytes
        One record after the other; nothing in place of one of background, which a base leaves out.
    """
    origin = origin or [0] * labels.ndim
    for box in split_box(region, labels.dtype.itemsize):
        part = np.ascontiguousarray(labels[box], labels.dtype)
        if kind == "base" and not part.any():
            yield b""
        else:
            start = [first + cut.start for first, cut in zip(origin, box, strict=True)]
            compressed = zlib.compress(part.data, _FAST)
            yield make_record(kind, compressed, start=start, shape=part.shape, time=when or time.time())


def split_box(region: Box, itemsize: int) -> Iterator[Box]:
    """Cut a part of labels into pieces that one record can hold: halves of halves, along the first axis that can be.

    Parameters
    ----------
    region
        The part, with start and stop for each axis.
    itemsize
        Bytes of one label.

    Yields
    ------
    tuple of slice
        One piece after the other, in the order of the array.
    """
    lengths = [part.stop - part.start for part in region]
    axis = next((axis for axis, length in enumerate(lengths) if length > 1), None)
    if axis is None or math.prod(lengths) * itemsize <= PART_BYTES:
        yield region
        return
    cut = region[axis]
    middle = (cut.start + cut.stop) // 2
    for half in (slice(cut.start, middle), slice(middle, cut.stop)):
        yield from split_box((*region[:axis], half, *region[axis + 1 :]), itemsize)


def whole_box(shape: Sequence[int]) -> Box:
    """Return the part of labels that is all of them."""
    return tuple(slice(0, size) for size in shape)


def _box(first: NDArray[np.int64], last: NDArray[np.int64]) -> Box:
    return tuple(slice(start, stop) for start, stop in zip(first.tolist(), last.tolist(), strict=True))
