"""Arrays as nnInteractive's clients send and read them: a header and chunks that Blosc2 compressed.

What comes in is checked before anything is set aside for it, and before it reaches Blosc2: a small body can claim to be
a very large array, and a chunk can say another length than the one that is written before it.

>>> unpack(pack(np.arange(6, dtype=np.int16).reshape(1, 2, 3)), most=100).tolist()
[[[0, 1, 2], [3, 4, 5]]]
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import UserError

__all__ = ["PackingError", "pack", "unpack"]

MAGIC, VERSION = b"NNIA", 1
ZSTD, LZ4 = 1, 2
DTYPES = frozenset(
    ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64"]
)
MOST_AXES = 8
CHUNK = 1 << 30  # bytes: Blosc2 counts a chunk's in 32 bits
LEVEL = 3

# Of a chunk of Blosc2: version, flags, bytes of an item, lengths of the values, of a block and of the chunk.
BLOSC = struct.Struct("<BBBBiii")
EXTENDED = 32  # bytes of a header with filters
EXTENDED_FLAGS = 0x05
ZEROS, REPEATED = 1, 3  # kinds of chunks whose values are all alike; those of a higher number are not set at all
ODD = 0x8F  # flags of chunks with dictionaries, of another order of bytes, or yet to be read from a file
MOST_FILTER = 2  # none, shuffle, shuffle of bits; the others need more than the chunk itself
HEAD, COUNT, LENGTHS = struct.Struct("<4sBBBB"), struct.Struct("<I"), struct.Struct("<QQ")


class PackingError(UserError):
    """What was sent is no packed array, or one that is not taken."""


def pack(array: NDArray[Any]) -> bytes:
    """Return an array as clients read it: little endian, in the order of C, compressed by zstd.

    Raises
    ------
    PackingError
        If its values are of a type that is not sent.
    """
    import imagecodecs

    encode: Any = imagecodecs.blosc2_encode  # its types leave arrays out
    name = array.dtype.name
    if name not in DTYPES:
        raise PackingError(f"an array of {name} is not sent; convert it to one of {', '.join(sorted(DTYPES))}")
    whole = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
    # As signed integers of their own size: of others imagecodecs tells Blosc2 a wrong size, and it then makes chunks of
    # zeros that nobody can read.
    values = whole.reshape(-1).view(f"i{whole.itemsize}")
    step = CHUNK // whole.itemsize
    starts = range(0, values.size, step)
    parts = [
        HEAD.pack(MAGIC, VERSION, ZSTD, array.ndim, len(name)),
        name.encode("ascii"),
        struct.pack(f"<{array.ndim}q", *array.shape),
        COUNT.pack(len(starts)),
    ]
    for start in starts:
        chunk = values[start : start + step]
        packed = encode(chunk, level=LEVEL, compressor="zstd", shuffle="noshuffle")
        parts += [LENGTHS.pack(chunk.nbytes, len(packed)), bytes(packed)]
    return b"".join(parts)


def unpack(body: bytes | bytearray | memoryview, most: int) -> NDArray[Any]:
    """Return the array that a client packed.

    Parameters
    ----------
    body
        All that was sent.
    most
        Bytes that the array may have.

    Raises
    ------
    PackingError
        If it is none, is larger, or is not what it says of itself.
    """
    import imagecodecs

    decode: Any = imagecodecs.blosc2_decode
    view = memoryview(body)
    dtype, shape, offset = _head(view)
    large = dtype.itemsize * math.prod(max(1, size) for size in shape)  # an empty one may have a huge side as well
    if large > most:
        raise PackingError(
            f"the array {'x'.join(map(str, shape))} of {dtype} has {large / 2**20:.0f} MB, and at most "
            f"{most / 2**20:.0f} MB are taken: crop the volume first"
        )
    total = dtype.itemsize * math.prod(shape)
    chunks = _chunks(view, offset, total, dtype.itemsize)
    whole = np.empty(total, np.uint8)
    start = 0
    for length, chunk in chunks:
        values = whole[start : start + length]
        start += length
        if _special(chunk) == ZEROS:  # which Blosc2 refuses to read if a client told it a wrong size of items
            values[:] = 0
            continue
        try:
            decode(chunk, out=values)
        except (imagecodecs.Blosc2Error, ValueError) as error:
            raise PackingError("the array was damaged on its way: a chunk of it cannot be unpacked") from error
    return whole.view(dtype).reshape(shape)


def _head(view: memoryview) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Return type and shape of the array, and where its chunks begin."""
    if len(view) < HEAD.size:
        raise PackingError("what was sent is too short to be an array")
    magic, version, codec, axes, length = HEAD.unpack_from(view)
    if magic != MAGIC:
        raise PackingError("what was sent is no array of nnInteractive's")
    if version != VERSION:
        raise PackingError(
            f"the array is packed in version {version}, and version {VERSION} is read: update napari-medt"
        )
    if codec not in (ZSTD, LZ4):
        raise PackingError(f"the array is compressed by codec {codec}; 1 (zstd) and 2 (LZ4) are read")
    if axes > MOST_AXES:
        raise PackingError(f"the array has {axes} axes, and at most {MOST_AXES} are read")
    start = HEAD.size + length
    end = start + 8 * axes
    if len(view) < end + COUNT.size:
        raise PackingError("the array ends within its header")
    name = bytes(view[HEAD.size : start]).decode("ascii", "replace")
    if name not in DTYPES:
        raise PackingError(f"values of type {name[:20]!r} are not read; send one of {', '.join(sorted(DTYPES))}")
    shape = struct.unpack_from(f"<{axes}q", view, start)
    if any(size < 0 for size in shape):
        raise PackingError(f"the array has a side below zero: {shape}")
    return np.dtype(name).newbyteorder("<"), shape, end


def _chunks(view: memoryview, offset: int, total: int, itemsize: int) -> list[tuple[int, memoryview]]:
    """Return the chunks, and how many bytes each has when it is unpacked; together they are the whole array."""
    (count,) = COUNT.unpack_from(view, offset)
    offset += COUNT.size
    if count > len(view) // (LENGTHS.size + EXTENDED):
        raise PackingError(f"the array says that it has {count} chunks, and is shorter")
    chunks, found = [], 0
    for _ in range(count):
        if len(view) < offset + LENGTHS.size:
            raise PackingError("the array ends before its last chunk")
        length, packed = LENGTHS.unpack_from(view, offset)
        offset += LENGTHS.size
        chunk = view[offset : offset + packed]
        if len(chunk) < packed:
            raise PackingError("the array ends within a chunk")
        if length % itemsize or not 0 < length <= min(CHUNK, total - found):
            raise PackingError(f"a chunk of {length} bytes does not fit an array of {total}")
        _check_chunk(chunk, length)
        chunks.append((length, chunk))
        found, offset = found + length, offset + packed
    if found != total or offset != len(view):
        raise PackingError(f"the chunks hold {found} bytes, and the array has {total}")
    return chunks


def _check_chunk(chunk: memoryview, length: int) -> None:
    """Check what a chunk says of itself, by which Blosc2 would read and write."""
    if len(chunk) < EXTENDED:
        raise PackingError("a chunk of the array is too short")
    _, _, flags, typesize, values, block, packed = BLOSC.unpack_from(chunk)
    fits = values == length and packed == len(chunk) and 0 < block <= length and typesize > 0
    known = flags & EXTENDED_FLAGS == EXTENDED_FLAGS and _special(chunk) <= REPEATED
    filters = all(code <= MOST_FILTER for code in chunk[16:22])
    if not (fits and known and filters) or chunk[31] & ODD:
        raise PackingError("the array was damaged on its way: a chunk of it is not what it says")


def _special(chunk: memoryview) -> int:
    """Return whether a chunk stands for values that are all alike: 0 if not, else of which kind."""
    return (chunk[31] >> 4) & 7
