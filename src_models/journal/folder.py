"""The folder of a journal of labels: which files are in it, who may write them, and how they reach the disk.

``lock`` is held by the process for as long as it lives; the system frees it when the process dies, however it dies.
``labels.log`` holds the labels (see :mod:`src_models.journal.log`); a log that grew large is rewritten beside and
renamed.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Generator, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src_models.disk.folder_lock import try_lock
from src_models.journal.log import log_head, make_parts, make_record, make_start, read_contents, split_box, whole_box

if TYPE_CHECKING:
    from filelock import FileLock

__all__ = ["LOG", "LogFile", "compacting", "in_use", "remove"]

LOG = "labels.log"
_BESIDE, _LOCK = "labels.log.part", "lock"


class LogFile:
    """The two files of a journal, as its process writes them.

    Parameters
    ----------
    folder
        The journal's folder; :meth:`open` makes it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / LOG
        self.end = 0  #: of what is known to be on disk
        self._file: Any = None
        self._lock: FileLock | None = None

    def open(self) -> None:
        """Make the folder and the files where they are missing, and hold the lock.

        Raises
        ------
        OSError
            If the disk refuses, or another process holds the lock.
        """
        if self._lock is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = try_lock(self.folder / _LOCK)
            if self._lock is None:
                raise FileExistsError(errno.EEXIST, "another process writes there")
        if self._file is None:
            # Unbuffered: what the disk refused must not be written later, where something else is by then.
            self._file = self.path.open("r+b" if self.end else "w+b", buffering=0)

    def append(self, records: Iterable[bytes]) -> None:
        """Bring records to disk, over whatever a failure left behind the end.

        Parameters
        ----------
        records
            What to append.

        Raises
        ------
        OSError
            If the disk refuses; what was on it before is as it was.
        """
        self.open()
        left = memoryview(b"".join(records) if self.end else b"".join([log_head(), *records]))
        self._file.truncate(self.end)
        self._file.seek(self.end)
        while left:
            left = left[self._file.write(left) :]
        os.fsync(self._file.fileno())
        if not self.end:
            _sync_folder(self.folder)
        self.end = self._file.tell()

    def replace(self, beside: Path) -> None:
        """Put another log in the place of this one.

        Parameters
        ----------
        beside
            The other one, in the same folder.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        end = beside.stat().st_size
        self._file.close()  # Windows renames no open file
        self._file = None
        beside.replace(self.path)
        self.end = end
        _sync_folder(self.folder)

    def close(self, keep: bool) -> None:
        """Close the files, and free the lock.

        Parameters
        ----------
        keep
            Whether they stay; else they are deleted, with the folder.
        """
        if self._file is not None:
            self._file.close()
        if not keep:  # before the lock is free, so that nobody takes it for unfinished
            with suppress(OSError):
                self.path.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.release()
        if not keep:
            with suppress(OSError):
                remove(self.folder)


def compacting(log: LogFile) -> Generator[None, None, None]:
    """Rewrite a log with nothing but its labels as they are now, step by step; it may be written to between steps.

    Parameters
    ----------
    log
        The log.

    Yields
    ------
    None
        After each step; closed early, it leaves the log as it was.

    Raises
    ------
    OSError
        If the disk refuses; the log is as it was then.
    JournalError
        If the log cannot be read.
    """
    beside = log.folder / _BESIDE
    try:
        with log.path.open("rb") as old, beside.open("wb") as new:
            contents = read_contents(old)
            when = contents.time.timestamp()
            new.write(log_head() + make_start(contents.shape, contents.dtype, when))
            for region in split_box(whole_box(contents.shape), contents.dtype.itemsize):
                labels = contents.labels(old, region)
                new.writelines(
                    make_parts("base", labels, whole_box(labels.shape), [part.start for part in region], when)
                )
                yield
            new.write(make_record("complete", time=when) + make_record("notes", time=when, notes=contents.notes))
            old.seek(contents.end)
            shutil.copyfileobj(old, new)  # what was written meanwhile
            new.flush()
            os.fsync(new.fileno())
        log.replace(beside)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def in_use(folder: Path) -> bool:
    """Whether a journal's process, which may be this one, still lives and writes.

    Raises
    ------
    OSError
        If there is no such folder, or it cannot be looked into.
    """
    lock = try_lock(Path(folder) / _LOCK)
    if lock is None:
        return True
    lock.release()
    return False


def remove(folder: Path) -> None:
    """Delete the files of a journal, and the folder unless other files are in it.

    Raises
    ------
    OSError
        If a file cannot be deleted.
    """
    for name in (LOG, _BESIDE, _LOCK):
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
