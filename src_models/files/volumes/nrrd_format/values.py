"""The values of an NRRD file: raw, or packed by gzip or bzip2, or as text; behind the header or in a file beside it.

Raw planes in order are read when they are needed, as those of a plain NIfTI; all else is unpacked into memory at once.
A header that comes from elsewhere cannot make any other file be read: values lie in the header's own folder.
"""

from __future__ import annotations

import bz2
import gzip
import math
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.volumes.nrrd_format.header import NrrdHeader
from src_models.files.volumes.raw_planes import damaged

__all__ = ["TYPE_NAMES", "Stored"]

_PIECE = 64 * 2**20
_TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
_CODES = {name: code for code, names in _TYPES.items() for name in names}
TYPE_NAMES = {code: "float" if code == "f4" else "double" if code == "f8" else np.dtype(code).name for code in _TYPES}
_RAW, _TEXT = ("raw",), ("text", "txt", "ascii")
_PACKED: dict[str, Any] = {"gzip": gzip.open, "gz": gzip.open, "bzip2": bz2.open, "bz2": bz2.open}


class Stored:
    """Where values are stored, and how.

    Parameters
    ----------
    header
        Of the file.
    sizes
        Of the axes, the fastest first.
    path
        The file that the header was read from.

    Raises
    ------
    ImageError
        If the values are of a kind that is not read, lie elsewhere than beside the header, or are not there.
    """

    def __init__(self, header: NrrdHeader, sizes: Sequence[int], path: Path) -> None:
        self.encoding = header.fields.get("encoding", "raw").lower()
        self.shape = tuple(sizes[::-1])
        self.dtype = _type(header, self.encoding, path)
        self.header_path = path
        self.path, start = _place(header, path)
        self.length = math.prod(self.shape) * self.dtype.itemsize
        self._lines, self._bytes = _whole(header, "lineskip", path), _whole(header, "byteskip", path)
        self._start = start
        if self.encoding not in (*_RAW, *_TEXT, *_PACKED):
            raise ImageError(
                f"{path}: its values are stored in a way that is not read ({self.encoding}); save it again, packed by "
                "gzip"
            )

    @property
    def offset(self) -> int | None:
        """Where raw values begin in their file; None if they are packed."""
        if self.encoding not in _RAW:
            return None
        if self._bytes == -1:  # the last of the file
            return self.path.stat().st_size - self.length
        with self.path.open("rb") as file:
            self._seek(file)
            return file.tell() + self._bytes

    def read(self) -> NDArray[Any]:
        """Return all values, slowest axis first.

        Raises
        ------
        ImageError
            If there are fewer than the header says, or they are damaged.
        """
        try:
            if self.encoding in _TEXT:
                return self._read_text()
            content = self._content()
        except (OSError, EOFError, ValueError, MemoryError) as error:  # zlib's error is an OSError's or a ValueError's
            raise damaged(self.header_path, "NRRD", error) from error
        except Exception as error:
            raise damaged(self.header_path, "NRRD", error) from error
        if len(content) < self.length:
            raise ImageError(
                f"{self.header_path}: the file is cut off ({len(content)} bytes of values, and its header asks for "
                f"{self.length}); copy or export it again"
            )
        return np.frombuffer(content, self.dtype).reshape(self.shape)

    def _content(self) -> bytearray:
        with self.path.open("rb") as file:
            if self.encoding in _RAW:
                file.seek(self.offset or 0)
                return _up_to(file, self.length)
            self._seek(file)
            with _PACKED[self.encoding](file, "rb") as unpacked:
                unpacked.read(max(self._bytes, 0))
                return _up_to(unpacked, self.length)

    def _read_text(self) -> NDArray[Any]:
        with self.path.open("rb") as file:
            self._seek(file)
            words = file.read().split()
        return np.array(words[: math.prod(self.shape)]).astype(np.float64).astype(self.dtype).reshape(self.shape)

    def _seek(self, file: IO[bytes]) -> None:
        file.seek(self._start)
        for _ in range(self._lines):
            file.readline()


def _up_to(file: IO[bytes], length: int) -> bytearray:
    """Read no more than the header asks for, however much there is."""
    content = bytearray()
    while len(content) < length and (piece := file.read(min(_PIECE, length - len(content)))):
        content += piece
    return content


def _type(header: NrrdHeader, encoding: str, path: Path) -> np.dtype[Any]:
    named = header.fields.get("type", "")
    code = _CODES.get(" ".join(named.lower().split()))
    if code is None:
        raise ImageError(f"{path}: its values are of a type that is not read ({named or 'none is named'})")
    order = header.fields.get("endian", "").lower()
    if code[1] != "1" and encoding not in _TEXT and order not in ("little", "big"):
        raise ImageError(f"{path}: its header does not tell the order of bytes (endian); export it again")
    return np.dtype((">" if order == "big" else "<") + code)


def _whole(header: NrrdHeader, field: str, path: Path) -> int:
    try:
        return int(header.fields.get(field, "0"))
    except ValueError:
        raise ImageError(f"{path}: its header is damaged ({field}); export it again as NRRD") from None


def _place(header: NrrdHeader, path: Path) -> tuple[Path, int]:
    """Return the file of the values and where they begin in it."""
    named = header.fields.get("datafile")
    if named is None:
        return path, header.size
    if named.upper().startswith("LIST") or "%" in named:
        raise ImageError(f"{path}: its values are spread over several files; save it again as one .nrrd")
    if Path(named).name != named or "\\" in named:
        raise ImageError(
            f"{path}: its values are said to lie in another folder ({named}); put that file beside it, and write its "
            'name alone after "data file:"'
        )
    place = path.with_name(named)
    if not place.is_file():
        raise ImageError(f"{path}: the file with its values ({named}) is not beside it; copy both files together")
    return place, 0
