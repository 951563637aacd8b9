"""Reusing freed memory while a network runs.

By default the C library hands each large tensor's memory back to the system when it is freed, and the next tensor is
built of fresh pages that the system clears first. On a CPU that costs operations bound by memory traffic (joining,
enlarging, activation) several times their own time. Where the C library is glibc, this keeps the memory for the
length of a run and hands it back at the end; elsewhere it does nothing.
"""

from __future__ import annotations

import ctypes
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["reused_memory"]

# Parameters of mallopt (malloc.h), and the values that glibc starts with or grows to by itself.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -2, -3, -4
_KEEP = {_TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 64 * 2**20, _MMAP_MAX: 0}
_DEFAULT = {_TRIM_THRESHOLD: 64 * 2**20, _TOP_PAD: 128 * 2**10, _MMAP_THRESHOLD: 32 * 2**20, _MMAP_MAX: 65536}

_lock = threading.Lock()
_blocks: set[object] = set()  # the `with` blocks that are open, in any thread


@contextmanager
def reused_memory() -> Iterator[None]:
    """Keep freed memory for reuse inside the ``with`` block; hand it back when the last such block ends."""
    libc = _glibc()
    if libc is None:
        yield
        return
    block = object()
    with _lock:
        _blocks.add(block)
        _set(libc, _KEEP)
    try:
        yield
    finally:
        with _lock:
            _blocks.discard(block)
            if not _blocks:
                _set(libc, _DEFAULT)
                libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None


def _set(libc: ctypes.CDLL, values: dict[int, int]) -> None:
    for parameter, value in values.items():
        libc.mallopt(parameter, value)
