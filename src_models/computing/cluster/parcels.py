"""Bytes that every worker is sent once, known by what is in them.

A model is read, and lies in memory, once in each process that works, however many tasks need it: a task names it by its
SHA-256 alone.

Examples
--------
>>> key = key_of(b"weights")
>>> keep(key, b"weights")
>>> parcel(key)
b'weights'
>>> forget(key)
"""

from __future__ import annotations

import hashlib

__all__ = ["forget", "keep", "key_of", "parcel"]

_kept: dict[str, bytes] = {}


def key_of(content: bytes) -> str:
    """Return the SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()


def keep(key: str, content: bytes) -> None:
    """Keep bytes in this process, until :func:`forget`."""
    _kept[key] = content


def forget(key: str) -> None:
    """Let go of bytes; of those that are not here, nothing happens."""
    _kept.pop(key, None)


def parcel(key: str) -> bytes:
    """Return the bytes of a key.

    Raises
    ------
    KeyError
        If they were not sent to this process.
    """
    return _kept[key]
