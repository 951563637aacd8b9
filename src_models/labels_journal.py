"""Labels that outlive the process: every change of an array is on disk within half a second.

A journal is a folder of two files. ``lock`` is held by the process for as long as it lives; the system frees it when
the process dies, however it dies. ``labels.log`` begins with a line that names its version and goes on with records:
length and CRC32 of a payload, which is a line of JSON and, in some, zlib-compressed labels. Their kinds:

``start``
    Shape and dtype of labels that are 0 everywhere; the records up to the next start belong to them.
``base``, ``complete``
    The parts of the labels that were not 0 when the journal began, and that none is missing.
``block``
    Labels that were written since.
``notes``
    What else is needed to go on.

The base of large labels takes its time, and work goes on meanwhile: blocks may lie between its parts. On reading, the
base comes first. Records are only ever appended, so a killed process can damage none but the last; a log that grew
large is rewritten beside and renamed.

Examples
--------
>>> import tempfile
>>> with tempfile.TemporaryDirectory() as parent:
...     journal = LabelsJournal.create(Path(parent) / "cells", np.zeros((3, 4), np.uint8), {"image": "cells.tif"})
...     journal.write((1, 2), np.full((2, 1), 7, np.uint8))
...     journal.close(keep=True)  # as if the process had been killed
...     (found,) = unfinished(Path(parent))
...     found.notes, read_journal(found.folder).labels.tolist()
({'image': 'cells.tif'}, [[0, 0, 0, 0], [0, 0, 7, 0], [0, 0, 7, 0]])
"""

from __future__ import annotations

import errno
import json
import logging
import math
import os
import re
import shutil
import struct
import sys
import threading
import time
import zlib
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
import platformdirs
from numpy.typing import NDArray

from src_models.atomic import check_new, output_error
from src_models.errors import UserError

__all__ = [
    "PENDING",
    "JournalError",
    "LabelsJournal",
    "Recovered",
    "Unfinished",
    "discard",
    "journals_folder",
    "read_journal",
    "unfinished",
]

VERSION = 1
PENDING = "session"  # notes of this name are worth going on with, even where no labels were made yet
_HEAD = b"napari-medt labels journal "
_LOG, _BESIDE, _LOCK = "labels.log", "labels.log.part", "lock"
_FRAME = struct.Struct("<II")

_DELAY = 0.25  # s; what comes within this time is brought to disk together
_STEP = 0.25  # s of reading large labels between two looks at what else came
_RETRY = 1.0  # s after the disk refused
_PART_BYTES = 2**22  # labels of one record; larger blocks become several
_FAST = 1  # of zlib: labels shrink well at any level
# A log is compacted when it grew by this many times the size of its labels, and by no less than this many bytes.
_GROWTH, _LEAST_GROWTH = 2, 2**22

_logger = logging.getLogger(__name__)

_Box = tuple[slice, ...]


class JournalError(UserError, ValueError):
    """Kept labels are unreadable, come from a newer version, or are still in use."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a journal holds.

    Parameters
    ----------
    labels
        The labels as they were last, integers or booleans of any shape.
    notes
        The last notes.
    time
        When the last record was written, in UTC.
    """

    labels: NDArray[Any]
    notes: dict[str, Any]
    time: datetime


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A journal whose process is gone.

    Parameters
    ----------
    folder
        Where it is.
    notes
        Its last notes.
    time
        When its last record was written, in UTC.
    """

    folder: Path
    notes: dict[str, Any]
    time: datetime


def journals_folder() -> Path:
    """Return the folder of this person's journals; it need not exist."""
    return platformdirs.user_state_path("napari-medt", appauthor=False) / "unfinished"


class LabelsJournal:
    """Writes labels to disk while a person works on them; made by :meth:`create`.

    No method waits for the disk but :meth:`flush` and :meth:`close`, and none raises what the disk refuses: it is said
    in :attr:`problem`, and tried again.

    Parameters
    ----------
    folder
        The journal's own folder.
    shape
        Shape of the labels.
    dtype
        Their dtype, integer or boolean.
    """

    def __init__(self, folder: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.folder = folder
        self._shape, self._dtype = _checked(shape, dtype)
        self._problem: str | None = None
        self._wake = threading.Condition()
        # Shared with the thread, under the condition:
        self._waiting: list[_Block | _Notes | _Source] = []
        self._unsaved = False
        self._urgent = self._closing = self._closed = False
        self._attempts = self._failed_attempt = 0
        # The thread's own:
        self._log = _Log(folder)
        self._unwritten: list[bytes] = []
        self._sources: deque[_Source] = deque()
        self._compaction: Generator[None, None, None] | None = None
        self._compact_at: int | None = None
        self._thread = threading.Thread(target=self._work, name="labels journal", daemon=True)

    @classmethod
    def create(cls, folder: Path, labels: NDArray[Any], notes: Mapping[str, Any]) -> Self:
        """Begin a journal in a new folder.

        Parameters
        ----------
        folder
            The folder to make, with its parents.
        labels
            The labels as they are now: integers or booleans of any shape. They are read later, part by part; until
            then they may change only where the change is given to :meth:`write` too.
        notes
            What JSON can hold of what is needed to go on.

        Returns
        -------
        LabelsJournal
            The journal, which writes until it is closed.

        Raises
        ------
        OutputError
            If `folder` exists already.
        ValueError
            If the labels are neither integers nor booleans.
        """
        check_new(folder)
        journal = cls(Path(folder), labels.shape, labels.dtype)
        try:
            journal._log.open()
        except OSError as error:
            journal._problem = str(output_error(folder, error))
        journal._waiting = [_Source(labels, _whole(labels.shape), whole=True), _Notes(_as_json(notes))]
        journal._thread.start()
        return journal

    @property
    def problem(self) -> str | None:
        """Why the last changes are not on disk, in a sentence; None when all is well."""
        return self._problem

    def write(self, start: Sequence[int], block: NDArray[Any]) -> None:
        """Keep new labels; they are copied.

        Parameters
        ----------
        start
            Where the block's first element lies, one index for each axis.
        block
            The labels from there on, with as many axes as the journal's.

        Raises
        ------
        ValueError
            If the block does not lie within the labels, or the journal is closed.
        """
        start = tuple(int(first) for first in start)
        self._check_inside(start, block.shape)
        if block.size:
            self._give(_Block(start, np.array(block, dtype=self._dtype, order="C")))

    def write_later(self, region: tuple[slice, ...], labels: NDArray[Any]) -> None:
        """Keep a part of labels that is too large to copy: it is read soon, piece by piece.

        Parameters
        ----------
        region
            The part, with start and stop for each axis.
        labels
            All the labels; until they are read, they may change only where the change is written too.

        Raises
        ------
        ValueError
            If the region does not lie within the labels, or the journal is closed.
        """
        self._check_inside([part.start for part in region], [part.stop - part.start for part in region])
        self._give(_Source(labels, region, whole=False))

    def snapshot(self, labels: NDArray[Any]) -> None:
        """Go on with other labels, of whatever shape and dtype, in place of those so far.

        Until they have been read, the journal gives those before them, or a mixture if shape and dtype stay the same.

        Parameters
        ----------
        labels
            The labels as they are now; read later, as in :meth:`create`.

        Raises
        ------
        ValueError
            If the labels are neither integers nor booleans, or the journal is closed.
        """
        self._shape, self._dtype = _checked(labels.shape, labels.dtype)
        self._give(_Source(labels, _whole(labels.shape), whole=True))

    def note(self, notes: Mapping[str, Any]) -> None:
        """Replace the notes.

        Parameters
        ----------
        notes
            What JSON can hold of what is needed to go on.

        Raises
        ------
        ValueError
            If the journal is closed.
        """
        self._give(_Notes(_as_json(notes)))

    def flush(self) -> None:
        """Wait until all that was given is on disk, or the disk refused it again (see :attr:`problem`)."""
        with self._wake:
            attempts = self._attempts
            self._urgent = True
            self._wake.notify_all()
            self._wake.wait_for(
                lambda: self._closed or self._failed_attempt > attempts or not (self._waiting or self._unsaved)
            )

    def close(self, keep: bool) -> None:
        """End the journal; may be called twice.

        Parameters
        ----------
        keep
            Whether the folder stays, with all that was given, to be found by :func:`unfinished`.
        """
        if self._closed:
            return
        if keep:
            self.flush()
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        self._thread.join()
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        self._log.close(keep)

    def _check_inside(self, start: Sequence[int], shape: Sequence[int]) -> None:
        fits = len(start) == len(shape) == len(self._shape) and all(
            0 <= first <= first + length <= size for first, length, size in zip(start, shape, self._shape, strict=True)
        )
        if not fits:
            raise ValueError(f"a block of {tuple(shape)} at {tuple(start)} is not inside labels of {self._shape}")

    def _give(self, item: _Block | _Notes | _Source) -> None:
        with self._wake:
            if self._closing:
                raise ValueError(f"the journal in {self.folder} is closed")
            if not self._waiting:  # else the thread knows already, and waking it up takes the caller's time
                self._wake.notify_all()
            elif isinstance(item, _Notes) and isinstance(self._waiting[-1], _Notes):
                self._waiting.pop()
            self._waiting.append(item)

    def _work(self) -> None:
        while self._wait():
            problem = None
            try:
                self._step()
            except OSError as error:
                problem = str(output_error(self.folder, error))
            except Exception as error:  # of lazy labels, anything; the thread has to go on
                problem = f"the labels cannot be read to be kept: {error}"
            self._report(problem)
        self._end_compaction()

    def _wait(self) -> bool:
        """Wait for something to do, and a moment for more of it; False when the journal is to end."""
        with self._wake:
            self._wake.wait_for(
                lambda: self._waiting or self._unsaved or self._compaction or self._urgent or self._closing
            )
            pause = _RETRY if self._problem else 0 if self._sources or self._compaction else _DELAY
            self._wake.wait_for(lambda: self._urgent or self._closing, pause)
            self._attempts += 1
            self._unsaved = True
            return not self._closing

    def _step(self) -> None:
        with self._wake:
            items, self._waiting = self._waiting, []
        for item in items:
            self._take(item)
        self._append()
        if self._sources:
            self._end_compaction()
            self._read_on()
        elif self._compact_at is None:
            self._compact_at = self._log.end + self._room()
        elif self._log.end > self._compact_at:
            self._compact_on()

    def _report(self, problem: str | None) -> None:
        with self._wake:
            if problem and problem != self._problem:
                _logger.warning(problem)
            self._problem = problem
            self._unsaved = bool(self._unwritten or self._sources)
            if problem:
                self._failed_attempt = self._attempts
            if problem or not self._unsaved:
                self._urgent = False
            self._wake.notify_all()

    def _take(self, item: _Block | _Notes | _Source) -> None:
        """Make records of what is small, and remember what is to be read."""
        if isinstance(item, _Notes):
            self._unwritten.append(_record("notes", notes=item.notes))
        elif isinstance(item, _Block):
            records = list(_parts("block", item.labels, _whole(item.labels.shape), item.start))
            self._unwritten.extend(records)
            for source in self._sources:
                if not source.whole:  # the base comes first anyway
                    source.over.extend(records)
        else:
            if item.whole:
                self._unwritten.append(_start(item.labels.shape, item.labels.dtype))
                self._sources.clear()
            self._sources.append(item)

    def _append(self) -> None:
        if any(self._unwritten):
            self._log.append(self._unwritten)
        self._unwritten = []

    def _read_on(self) -> None:
        """Bring as much of large labels to disk as a moment allows."""
        source, until = self._sources[0], time.monotonic() + _STEP
        kind = "base" if source.whole else "block"
        while source.next is not None:
            self._unwritten.extend(_parts(kind, source.labels, source.next))
            source.next = next(source.later, None)
            if time.monotonic() > until:
                break
        if source.next is None:
            self._unwritten.extend([_record("complete")] if source.whole else source.over)
            self._sources.popleft()
        self._append()

    def _compact_on(self) -> None:
        try:
            self._compaction, until = self._compaction or _compacting(self._log), time.monotonic() + _STEP
            for _ in self._compaction:
                if time.monotonic() > until:
                    return
        except (OSError, JournalError) as error:  # the long log is as good; when it has grown again, it is tried again
            _logger.warning("%s could not be compacted: %s", self.folder, error)
        self._compaction = None
        self._compact_at = self._log.end + self._room()

    def _end_compaction(self) -> None:
        if self._compaction is not None:
            self._compaction.close()
            self._compaction = None

    def _room(self) -> int:
        return max(_GROWTH * math.prod(self._shape) * self._dtype.itemsize, _LEAST_GROWTH)


def read_journal(folder: Path) -> Recovered:
    """Read what a journal holds; what is damaged at its end is left out.

    Parameters
    ----------
    folder
        The journal's folder.

    Returns
    -------
    Recovered
        The labels and notes as they were last.

    Raises
    ------
    JournalError
        If there is no journal, it cannot be read, or a newer version wrote it.
    """
    try:
        with (Path(folder) / _LOG).open("rb") as file:
            contents = _contents(file)
            return Recovered(contents.labels(file, _whole(contents.shape)), contents.notes, contents.time)
    except (OSError, zlib.error) as error:
        raise JournalError(f"the labels kept in {folder} cannot be read: {error}") from error


def unfinished(parent: Path) -> list[Unfinished]:
    """Find the journals in a folder that hold labels, or notes named ``PENDING``, and whose process is gone.

    Parameters
    ----------
    parent
        The folder that the journals' folders are in; it need not exist.

    Returns
    -------
    list of Unfinished
        Newest first. Unreadable ones are left where they are, with a line in the log.
    """
    found = []
    for path in Path(parent).glob(f"*/{_LOG}"):
        try:
            if _in_use(path.parent):
                continue
            with path.open("rb") as file:
                contents = _contents(file)
        except (OSError, JournalError) as error:
            _logger.warning("left out, but not deleted: %s", error)
            continue
        if contents.blocks or contents.notes.get(PENDING):
            found.append(Unfinished(path.parent, contents.notes, contents.time))
    return sorted(found, key=lambda journal: journal.time, reverse=True)


def discard(folder: Path) -> None:
    """Delete a journal.

    Parameters
    ----------
    folder
        The journal's folder. Files that are not the journal's stay, and so does the folder then.

    Raises
    ------
    JournalError
        If its process still lives, or it cannot be deleted.
    """
    try:
        if _in_use(folder):
            raise JournalError(f"the labels kept in {folder} are in use; close the viewer that they are shown in first")
        _remove(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise JournalError(f"{folder} cannot be deleted: {error.strerror or error}; delete it by hand") from error


@dataclass(frozen=True, slots=True)
class _Block:
    """Labels to be written."""

    start: tuple[int, ...]
    labels: NDArray[Any]


@dataclass(frozen=True, slots=True)
class _Notes:
    """Notes to be written."""

    notes: dict[str, Any]


class _Source:
    """Labels to be read and written part by part: a part of them, or the whole that a journal begins with."""

    def __init__(self, labels: NDArray[Any], region: _Box, *, whole: bool) -> None:
        self.labels = labels
        self.whole = whole
        self.later = _split(region, labels.dtype.itemsize)
        self.next: _Box | None = next(self.later)
        self.over: list[bytes] = []  # records of what was written since, to lie over this


class _Log:
    """The two files of a journal, as its process writes them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / _LOG
        self.end = 0  # of what is known to be on disk
        self._file: Any = None
        self._lock: BinaryIO | None = None

    def open(self) -> None:
        if self._lock is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(self.folder / _LOCK)
            if self._lock is None:
                raise FileExistsError(errno.EEXIST, "another process writes there")
        if self._file is None:
            # Unbuffered: what the disk refused must not be written later, where something else is by then.
            self._file = self.path.open("r+b" if self.end else "w+b", buffering=0)

    def append(self, records: Iterable[bytes]) -> None:
        """Bring records to disk, over whatever a failure left behind the end."""
        self.open()
        left = memoryview(b"".join(records) if self.end else b"".join([_HEAD, b"%d\n" % VERSION, *records]))
        self._file.truncate(self.end)
        self._file.seek(self.end)
        while left:
            left = left[self._file.write(left) :]
        os.fsync(self._file.fileno())
        if not self.end:
            _sync_folder(self.folder)
        self.end = self._file.tell()

    def replace(self, beside: Path) -> None:
        """Put another log in the place of this one."""
        end = beside.stat().st_size
        self._file.close()  # Windows renames no open file
        self._file = None
        beside.replace(self.path)
        self.end = end
        _sync_folder(self.folder)

    def close(self, keep: bool) -> None:
        if self._file is not None:
            self._file.close()
        if not keep:  # before the lock is free, so that nobody takes it for unfinished
            with suppress(OSError):
                self.path.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
        if not keep:
            with suppress(OSError):
                _remove(self.folder)


@dataclass(frozen=True, slots=True)
class _Record:
    """A whole record of a log: its line of JSON, and where its labels are in the file."""

    facts: dict[str, Any]
    at: int
    size: int

    @property
    def end(self) -> int:
        return self.at + self.size


@dataclass(slots=True)
class _Stretch:
    """The records from one start to the next."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    notes: dict[str, Any]
    complete: bool = False
    base: list[_Record] = field(default_factory=list)
    blocks: list[_Record] = field(default_factory=list)

    def take(self, record: _Record) -> None:
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
class _Contents:
    """What a log holds: labels of 0 with blocks put into them, in that order."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    blocks: list[_Record]
    corners: NDArray[np.int64]  # (blocks, 2, axes): where each begins and ends
    notes: dict[str, Any]
    time: datetime
    end: int

    def labels(self, file: BinaryIO, region: _Box) -> NDArray[Any]:
        """Put a part of the labels together."""
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


def _contents(file: BinaryIO) -> _Contents:
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
    return _Contents(
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


def _records(file: BinaryIO) -> Iterator[_Record]:
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
        yield _Record(json.loads(line), at - length + len(line), length - len(line))
        file.seek(at)


def _compacting(log: _Log) -> Generator[None, None, None]:
    """Rewrite a log with nothing but its labels as they are now, step by step; it may be written to between steps."""
    beside = log.folder / _BESIDE
    try:
        with log.path.open("rb") as old, beside.open("wb") as new:
            contents = _contents(old)
            when = contents.time.timestamp()
            new.write(b"%s%d\n%s" % (_HEAD, VERSION, _start(contents.shape, contents.dtype, when)))
            for region in _split(_whole(contents.shape), contents.dtype.itemsize):
                labels = contents.labels(old, region)
                new.writelines(_parts("base", labels, _whole(labels.shape), [part.start for part in region], when))
                yield
            new.write(_record("complete", time=when) + _record("notes", time=when, notes=contents.notes))
            old.seek(contents.end)
            shutil.copyfileobj(old, new)  # what was written meanwhile
            new.flush()
            os.fsync(new.fileno())
        log.replace(beside)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _record(kind: str, labels: bytes = b"", **facts: Any) -> bytes:
    line = json.dumps({"kind": kind, "time": time.time(), **facts}).encode()
    payload = b"%s\n%s" % (line, labels)
    return _FRAME.pack(len(payload), zlib.crc32(payload)) + payload


def _start(shape: Sequence[int], dtype: np.dtype[Any], when: float | None = None) -> bytes:
    return _record("start", shape=list(shape), dtype=np.dtype(dtype).str, time=when or time.time())


def _parts(
    kind: str,
    labels: NDArray[Any],
    region: _Box,
    origin: Sequence[int] | None = None,
    when: float | None = None,
) -> Iterator[bytes]:
    """Make records of a part of labels, of which `origin` is the first; nothing of what a base leaves out."""
    origin = origin or [0] * labels.ndim
    for box in _split(region, labels.dtype.itemsize):
        part = np.ascontiguousarray(labels[box], labels.dtype)
        if kind == "base" and not part.any():
            yield b""
        else:
            start = [first + cut.start for first, cut in zip(origin, box, strict=True)]
            compressed = zlib.compress(part.data, _FAST)
            yield _record(kind, compressed, start=start, shape=part.shape, time=when or time.time())


def _split(region: _Box, itemsize: int) -> Iterator[_Box]:
    """Cut a part of labels into pieces of at most `_PART_BYTES`: halves of halves, along the first axis that can be."""
    lengths = [part.stop - part.start for part in region]
    axis = next((axis for axis, length in enumerate(lengths) if length > 1), None)
    if axis is None or math.prod(lengths) * itemsize <= _PART_BYTES:
        yield region
        return
    cut = region[axis]
    middle = (cut.start + cut.stop) // 2
    for half in (slice(cut.start, middle), slice(middle, cut.stop)):
        yield from _split((*region[:axis], half, *region[axis + 1 :]), itemsize)


def _whole(shape: Sequence[int]) -> _Box:
    return tuple(slice(0, size) for size in shape)


def _box(first: NDArray[np.int64], last: NDArray[np.int64]) -> _Box:
    return tuple(slice(start, stop) for start, stop in zip(first.tolist(), last.tolist(), strict=True))


def _checked(shape: Sequence[int], dtype: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    dtype = np.dtype(dtype)
    if dtype.kind not in "biu":
        raise ValueError(f"labels are integers or booleans, not {dtype}")
    return tuple(int(size) for size in shape), dtype


def _as_json(notes: Mapping[str, Any]) -> dict[str, Any]:
    """Copy notes as JSON holds them, at once: they may change later, and a mistake is seen where it was made."""
    copied: dict[str, Any] = json.loads(json.dumps(dict(notes)))
    return copied


def _locked(path: Path) -> BinaryIO | None:
    """Open a file and lock it for as long as it is open; None if it is locked already."""
    file = path.open("a+b")
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        file.close()
        return None
    except OSError:
        file.close()
        raise
    return file


def _in_use(folder: Path) -> bool:
    file = _locked(Path(folder) / _LOCK)
    if file is None:
        return True
    file.close()
    return False


def _remove(folder: Path) -> None:
    for name in (_LOG, _BESIDE, _LOCK):
        (Path(folder) / name).unlink(missing_ok=True)
    with suppress(OSError):  # somebody else's files are in it
        Path(folder).rmdir()


def _sync_folder(folder: Path) -> None:
    """Bring the names in a folder to disk; Windows does so by itself."""
    if sys.platform != "win32":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
