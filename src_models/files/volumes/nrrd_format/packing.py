"""Planes packed by gzip, those without a label nearly for free.

Of a volume with one object clicked in one slice, all other planes are zeros. Packed zeros are the same bytes every
time, as a block that refers to nothing before it (RFC 1951), so they are packed once; the checksum of what came before
goes on over zeros by a linear map, as CRC-32 is linear over the field of two elements.

>>> import gzip, io
>>> file = io.BytesIO()
>>> with PackedPlanes(file) as packed:
...     packed.write(b"begin")
...     packed.write_zeros(100_000)
...     packed.write(b"end")
>>> gzip.decompress(file.getvalue()) == b"begin" + bytes(100_000) + b"end", len(file.getvalue()) < 200
(True, True)
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, Self

__all__ = ["PackedPlanes"]

_COMPRESSION = 3  # labels are mostly runs of one number; more effort gains little
# Deflate, no flags, no time, no extra flags, system not told (RFC 1952): the same labels give the same file.
_START = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_BITS = 32


class PackedPlanes:
    """Packs what is written into an open file, as one member of gzip.

    Parameters
    ----------
    file
        To write to, in bytes; it stays open.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._deflate = zlib.compressobj(_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._checksum, self._size, self._in_block = 0, 0, False
        file.write(_START)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._file.write(self._deflate.flush())
            self._file.write(struct.pack("<II", self._checksum, self._size % 2**32))

    def write(self, content: bytes) -> None:
        """Write bytes."""
        self._file.write(self._deflate.compress(content))
        self._checksum = zlib.crc32(content, self._checksum)
        self._size += len(content)
        self._in_block = True

    def write_zeros(self, count: int) -> None:
        """Write as many bytes that are 0."""
        if self._in_block:  # what follows refers to nothing before, so that zeros can stand between
            self._file.write(self._deflate.flush(zlib.Z_FULL_FLUSH))
            self._in_block = False
        zeros = _zeros(count)
        self._file.write(zeros.packed)
        self._checksum = zeros.checksum_after(self._checksum)
        self._size += count


@dataclass(frozen=True, slots=True)
class _Zeros:
    """Packed zeros.

    Parameters
    ----------
    packed
        As a block that refers to nothing before it, and is not the last.
    alone
        Their checksum after nothing.
    by_bit
        How each bit of the checksum before them changes the one after.
    """

    packed: bytes
    alone: int
    by_bit: tuple[int, ...]

    def checksum_after(self, checksum: int) -> int:
        """Return the checksum of what had this one, with the zeros after it."""
        found = self.alone
        for bit, change in enumerate(self.by_bit):
            if checksum >> bit & 1:
                found ^= change
        return found


@lru_cache(maxsize=8)
def _zeros(count: int) -> _Zeros:
    content = bytes(count)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = deflate.compress(content) + deflate.flush(zlib.Z_FULL_FLUSH)
    alone = zlib.crc32(content, 0)
    return _Zeros(packed, alone, tuple(zlib.crc32(content, 1 << bit) ^ alone for bit in range(_BITS)))
