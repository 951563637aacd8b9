"""The header of an NRRD file: lines of text before its values, or in a file of its own (``.nhdr``).

A line is ``field: value``, which the format defines, or ``key:=value``, which programs add; 3D Slicer keeps its
segments in the latter. A blank line ends the header. The format is described at http://teem.sourceforge.net/nrrd/format.html.

Why no library: pynrrd (MIT) keeps the ASCII letters of a header alone and drops the others without a word, so that a
segment called "Gefäß" comes back as "Gef" and cannot be written at all, and it opens whatever path a header names as
the place of its values, which for a file from elsewhere must not be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from src_models.errors import ImageError

__all__ = ["NrrdHeader", "format_header", "format_vector", "header_in", "read_header", "vectors"]

_MAGIC = re.compile(rb"NRRD000[1-5]\s*$")
_LONGEST = 16 * 2**20  # bytes of a header
_VECTOR = re.compile(r"\(([^()]*)\)|\bnone\b")


@dataclass(frozen=True, slots=True)
class NrrdHeader:
    """What stands in a header.

    Parameters
    ----------
    fields
        By name, in small letters and without blanks ("data file" and "datafile" are one field).
    pairs
        The ``key:=value`` lines, as they are meant: without escapes.
    size
        Bytes of the header, with the blank line after it.
    """

    fields: Mapping[str, str]
    pairs: Mapping[str, str]
    size: int

    def words(self, field: str) -> list[str]:
        """Return the words of a field, without quotation marks; none if it is not there."""
        found = re.findall(r'"([^"]*)"|(\S+)', self.fields.get(field, ""))
        return [quoted or plain for quoted, plain in found]

    def numbers(self, field: str) -> list[float]:
        """Return the numbers of a field; what is none is NaN."""
        return [_number(word) for word in self.words(field)]


def read_header(path: Path) -> NrrdHeader:
    """Read the header of a file.

    Raises
    ------
    ImageError
        If the file is missing, or is no NRRD.
    """
    try:
        with path.open("rb") as file:
            return header_in(file, path)
    except FileNotFoundError as error:
        raise ImageError(f"{path}: there is no such file; check the name") from error
    except OSError as error:
        raise ImageError(f"{path}: it cannot be read ({error.strerror or error})") from error


def header_in(file: IO[bytes], path: Path) -> NrrdHeader:
    """Read the header that an open file begins with; `path` is what to call it (:class:`ImageError` if it has none)."""
    magic = file.readline(64)
    if not magic:
        raise ImageError(f"{path}: the file is empty (0 bytes); copy or export it again")
    if not _MAGIC.match(magic):
        raise ImageError(f"{path}: its content is no NRRD, whatever its name says; export it again as NRRD")
    fields: dict[str, str] = {}
    pairs: dict[str, str] = {}
    while raw := file.readline(_LONGEST):
        if file.tell() > _LONGEST:
            raise ImageError(f"{path}: its header has no end; export it again as NRRD")
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if not line.strip():
            break
        if line.startswith("#"):
            continue
        _take(line, fields, pairs, path)
        if "datafile" in fields and fields["datafile"].upper().startswith("LIST"):
            break  # what follows are names of files
    return NrrdHeader(fields, pairs, file.tell())


def _take(line: str, fields: dict[str, str], pairs: dict[str, str], path: Path) -> None:
    key, found, value = line.partition(":")
    if not found:
        raise ImageError(f"{path}: a line of its header is none of NRRD ({line[:60]!r}); export it again as NRRD")
    if value.startswith("="):
        pairs[key] = re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], value[1:])
    else:
        fields.setdefault(key.strip().lower().replace(" ", ""), value.strip())


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return float("nan")


def vectors(text: str) -> list[list[float] | None]:
    """Read vectors such as ``(1,0,0) none (0,0,2.5)``; what is ``none``, or no number, is None.

    >>> vectors("none (1,0,0) (0, 2.5,0)")
    [None, [1.0, 0.0, 0.0], [0.0, 2.5, 0.0]]
    """
    found: list[list[float] | None] = []
    for match in _VECTOR.finditer(text):
        numbers = [_number(word) for word in (match[1] or "").split(",")]
        found.append(None if match[1] is None or any(one != one for one in numbers) else numbers)
    return found


def format_vector(numbers: list[float]) -> str:
    """Write a vector so that reading it gives the same numbers.

    >>> format_vector([0.1, -0.0, 2.0])
    '(0.1,0.0,2.0)'
    """
    return f"({','.join(repr(float(number) + 0.0) for number in numbers)})"


def format_header(fields: Mapping[str, str], pairs: Mapping[str, str] | None = None) -> bytes:
    """Write a header of version 5, with the blank line that ends it."""
    lines = ["NRRD0005", *(f"{name}: {value}" for name, value in fields.items())]
    for key, value in (pairs or {}).items():
        escaped = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "")
        lines.append(f"{key}:={escaped}")
    return ("\n".join(lines) + "\n\n").encode()
