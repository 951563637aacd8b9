"""One process at a time changes what lies in a folder: two windows, or a window and a shell, may share one.

A lock is held by the operating system and goes with its process, however that ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from src_models.disk.atomic import check_writable
from src_models.errors import OutputError

__all__ = ["locked", "try_lock"]

WAIT = 30.0  # s; what is done meanwhile takes a fraction of one
_NAME = ".lock"


@contextmanager
def locked(folder: str | Path) -> Iterator[None]:
    """Keep other processes from changing a folder, which is made where it does not exist.

    Where a file system has no locks, a file stands for one.

    Raises
    ------
    OutputError
        If the folder cannot be written to, or another process does not let go of it.
    """
    check_writable(folder)
    lock = FileLock(Path(folder) / _NAME)
    try:
        lock.acquire(timeout=WAIT)
    except Timeout as error:
        raise OutputError(f"{folder} is being written to by another program; wait for it, then try again") from error
    try:
        yield
    finally:
        lock.release()


def try_lock(path: Path) -> FileLock | None:
    """Lock a file, until it is released or the process ends; None if it is locked already.

    Parameters
    ----------
    path
        The file, which is made where it does not exist.

    Returns
    -------
    FileLock
        The lock, to be released in whatever thread.

    Raises
    ------
    OSError
        If there is no such folder, the file cannot be made, or the file system has no locks: a file that stands for one
        would outlive its process.
    """
    path.parent.stat()
    lock = FileLock(path, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    return lock
