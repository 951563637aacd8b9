"""Files that are either there whole or not at all.

Everything this package writes goes through here: it is written beside its place under a hidden name, brought to disk,
and renamed. A crash, a full disk or a cancelled run leaves the old file, or nothing.

Examples
--------
>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     target = Path(folder) / "answer.txt"
...     with atomic_path(target) as beside:
...         _ = beside.write_text("42")
...     target.read_text()
'42'
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from src_models.disk.names import LONGEST, fitting
from src_models.errors import OutputError

__all__ = ["atomic_path", "check_new", "check_writable", "output_error", "remove_stale"]

_STALE = 3600.0  # s; a file is written within minutes
_UNFINISHED = re.compile(r"\..+\.[0-9a-f]{8}\.part(\.[^.]+)?")

_REASONS = {
    errno.ENOSPC: "the disk is full; make room or choose another folder",
    errno.EDQUOT: "the disk quota is used up; make room or choose another folder",
    errno.EROFS: "the folder is read-only; choose another one",
    errno.EACCES: "there is no permission to write there; choose another folder",
    errno.EPERM: "there is no permission to write there; choose another folder",
    errno.ENOTDIR: "a part of that path is a file, not a folder; choose another folder",
    errno.EEXIST: "a file of that name is where the folder should be; choose another folder",
    errno.ENOENT: "that folder cannot be made; choose another one",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}


@contextmanager
def atomic_path(path: str | Path, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to; what is there on leaving becomes `path`.

    Parameters
    ----------
    path
        The file (or folder, for zarr) to make. Missing parent folders are made.
    overwrite
        Whether an existing `path` may be replaced.

    Yields
    ------
    Path
        A path in the same folder with the same suffix, where nothing is yet. If the block raises, what was written
        there is removed.

    Raises
    ------
    OutputError
        If `path` exists and `overwrite` is False, and for every failure of the file system (disk full, read-only, no
        permission), also those raised inside the block.
    """
    path = Path(path)
    check_new(path, overwrite=overwrite)
    ending = f".{secrets.token_hex(4)}.part{path.suffix}"
    beside = path.with_name("." + fitting(path.stem, f".{ending}.old") + ending)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield beside
        _bring_to_disk(beside)
        check_new(path, overwrite=overwrite)  # somebody may have written it meanwhile
        _replace(beside, path)
    except OutputError:
        raise
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        _remove(beside)


def check_new(path: str | Path, *, overwrite: bool = False) -> None:
    """Refuse a path that exists already, and a name that no file can have, before the work.

    Raises
    ------
    OutputError
        If `path` exists and `overwrite` is False, or its name is too long.
    """
    if len(os.fsencode(Path(path).name)) > LONGEST:
        raise OutputError(f"{path} cannot be written: {_REASONS[errno.ENAMETOOLONG]}")
    if not overwrite and os.path.lexists(path):
        raise OutputError(f"{path} exists already; choose another name, or allow overwriting (--overwrite)")


def check_writable(folder: str | Path) -> None:
    """Make a folder and try to write into it, so that a long run does not fail at its end.

    Raises
    ------
    OutputError
        If the folder cannot be made or written to.
    """
    folder = Path(folder)
    probe = folder / f".{secrets.token_hex(4)}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with probe.open("wb") as file:
            file.write(b"0")
    except OSError as error:
        raise output_error(folder, error) from error
    finally:
        _remove(probe)


def remove_stale(folder: str | Path) -> None:
    """Remove what processes that were killed have left half-written in a folder.

    That is what :func:`atomic_path` gives names to, untouched for an hour; what cannot be removed stays.
    """
    with suppress(OSError):
        for path in Path(folder).glob(".*.part*"):
            with suppress(OSError):
                if _UNFINISHED.fullmatch(path.name) and path.is_file() and time.time() - path.stat().st_mtime > _STALE:
                    path.unlink()


def output_error(path: str | Path, error: OSError) -> OutputError:
    """Turn a failure of the file system into a sentence about the path that was to be written."""
    reason = _REASONS.get(error.errno or 0, f"{error.strerror or error}; choose another folder")
    return OutputError(f"{path} cannot be written: {reason}")


def _bring_to_disk(path: Path) -> None:
    """Flush files to the disk: a rename alone may survive a power cut that the content does not."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    for file in files:
        descriptor = os.open(file, os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _replace(beside: Path, path: Path) -> None:
    """Rename; a folder (zarr) cannot be renamed over another and takes a detour."""
    if not path.is_dir() or path.is_symlink():
        beside.replace(path)
        return
    old = beside.with_name(f"{beside.name}.old")
    path.replace(old)
    try:
        beside.replace(path)
    except OSError:
        old.replace(path)
        raise
    _remove(old)


def _remove(path: Path) -> None:
    with suppress(OSError):  # also of a name that is too long to be looked for
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
