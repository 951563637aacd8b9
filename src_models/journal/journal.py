"""Labels that outlive the process: every change of an array is on disk within half a second.

A journal is a folder of two files: one with the labels, which other programs may read (:mod:`src_models.journal.log`),
and one that tells whether its process lives (:mod:`src_models.journal.folder`). What processes that are gone left
unfinished is found by :mod:`src_models.journal.unfinished`, whose names are here too.

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

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from src_models.disk.atomic import check_new, output_error
from src_models.journal.folder import LogFile, compacting
from src_models.journal.given import Block, Notes, Source, as_json, checked_form
from src_models.journal.log import JournalError, make_parts, make_record, make_start, whole_box
from src_models.journal.unfinished import (
    PENDING,
    Recovered,
    Unfinished,
    discard,
    journals_folder,
    read_journal,
    unfinished,
)

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

_DELAY = 0.25  # s; what comes within this time is brought to disk together
_STEP = 0.25  # s of reading large labels between two looks at what else came
_RETRY = 1.0  # s after the disk refused
# A log is compacted when it grew by this many times the size of its labels, and by no less than this many bytes.
_GROWTH, _LEAST_GROWTH = 2, 2**22

_logger = logging.getLogger(__name__)


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
        self._shape, self._dtype = checked_form(shape, dtype)
        self._problem: str | None = None
        self._wake = threading.Condition()
        # Shared with the thread, under the condition:
        self._waiting: list[Block | Notes | Source] = []
        self._unsaved = False
        self._urgent = self._closing = self._closed = False
        self._attempts = self._failed_attempt = 0
        # The thread's own:
        self._log = LogFile(folder)
        self._unwritten: list[bytes] = []
        self._sources: deque[Source] = deque()
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
        journal._waiting = [Source(labels, whole_box(labels.shape), whole=True), Notes(as_json(notes))]
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
            self._give(Block(start, np.array(block, dtype=self._dtype, order="C")))

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
        self._give(Source(labels, region, whole=False))

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
        self._shape, self._dtype = checked_form(labels.shape, labels.dtype)
        self._give(Source(labels, whole_box(labels.shape), whole=True))

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
        self._give(Notes(as_json(notes)))

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

    def _give(self, item: Block | Notes | Source) -> None:
        with self._wake:
            if self._closing:
                raise ValueError(f"the journal in {self.folder} is closed")
            if not self._waiting:  # else the thread knows already, and waking it up takes the caller's time
                self._wake.notify_all()
            elif isinstance(item, Notes) and isinstance(self._waiting[-1], Notes):
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

    def _take(self, item: Block | Notes | Source) -> None:
        """Make records of what is small, and remember what is to be read."""
        if isinstance(item, Notes):
            self._unwritten.append(make_record("notes", notes=item.notes))
        elif isinstance(item, Block):
            records = list(make_parts("block", item.labels, whole_box(item.labels.shape), item.start))
            self._unwritten.extend(records)
            for source in self._sources:
                if not source.whole:  # the base comes first anyway
                    source.over.extend(records)
        else:
            if item.whole:
                self._unwritten.append(make_start(item.labels.shape, item.labels.dtype))
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
            self._unwritten.extend(make_parts(kind, source.labels, source.next))
            source.next = next(source.later, None)
            if time.monotonic() > until:
                break
        if source.next is None:
            self._unwritten.extend([make_record("complete")] if source.whole else source.over)
            self._sources.popleft()
        self._append()

    def _compact_on(self) -> None:
        try:
            self._compaction, until = self._compaction or compacting(self._log), time.monotonic() + _STEP
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
