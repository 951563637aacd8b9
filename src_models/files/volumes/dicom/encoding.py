"""Whether a file is DICOM, by its content, and how it says that it is encoded.

A file begins with 128 bytes of anything, then ``DICM`` (PS3.10, 7.1). Files of old scanners and of some exports lack
that preamble and begin with their first element: they are known by two elements that follow each other as the standard
has it (PS3.5, 7.1).
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from src_models.errors import ImageError

__all__ = ["BIG_ENDIAN", "DEFLATED", "EXPLICIT", "IMPLICIT", "is_dicom", "transfer_syntax"]

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"

_PREAMBLE = 128
_MAGIC = b"DICM"
_FIRST_GROUPS = (0x0002, 0x0008)  # the file's own, and what identifies the image
_MOST_BYTES = 256  # of the first element of any file
_SHORT = {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"IS", b"LO", b"PN", b"SH", b"TM", b"UI", b"UL", b"US"}
_LONG = {b"OB", b"OW", b"SQ", b"UN", b"UT"}  # their length has four bytes, after two that are empty
_UNDEFINED = 0xFFFFFFFF


def is_dicom(path: str | Path) -> bool:
    """Tell by its content whether a file is DICOM, with a preamble or without."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(2 * _MOST_BYTES + 32)
    except OSError:
        return False
    if head[_PREAMBLE:].startswith(_MAGIC):
        return True
    return any(_begins_with_elements(head, order) for order in "<>")


def _begins_with_elements(head: bytes, order: str) -> bool:
    first = _element(head, 0, order)
    if first is None or first[0][0] not in _FIRST_GROUPS:
        return False
    second = _element(head, first[1], order)
    return second is not None and second[0] > first[0] and second[0][0] in _FIRST_GROUPS


def _element(head: bytes, start: int, order: str) -> tuple[tuple[int, int], int] | None:
    """Return the tag of the element at a place, and where the next one begins; None where there is no short one."""
    if len(head) < start + 12:
        return None
    tag: tuple[int, int] = struct.unpack_from(f"{order}HH", head, start)
    kind = head[start + 4 : start + 6]
    if kind in _SHORT:
        length, begin = struct.unpack_from(f"{order}H", head, start + 6)[0], 8
    elif kind in _LONG:
        length, begin = struct.unpack_from(f"{order}I", head, start + 8)[0], 12
    else:
        length, begin = struct.unpack_from(f"{order}I", head, start + 4)[0], 8
    return (tag, start + begin + length) if length <= _MOST_BYTES else None


def transfer_syntax(path: Path, header: Any, rest: bytes) -> tuple[str, str]:
    """Return how a file is encoded (a UID), and what to remark of that; empty where the file says it.

    Parameters
    ----------
    path
        The file, for errors.
    header
        The data set that pydicom read of it.
    rest
        The first bytes (12 or more, if there are so many) that it did not read: the element of the pixels.

    Raises
    ------
    ImageError
        If the file does not say it, and its pixels are compressed.
    """
    said = str(header.file_meta.get("TransferSyntaxUID", "") or "")
    if said:
        return said, ""
    implicit, little = header.original_encoding
    length = rest[4:8] if implicit else rest[8:12]
    if len(length) == 4 and struct.unpack("<I" if little else ">I", length)[0] == _UNDEFINED:
        raise ImageError(
            f"{path}: its pixels are compressed, and it does not say how (it lacks the TransferSyntaxUID); "
            "export it again"
        )
    found = IMPLICIT if implicit else EXPLICIT if little else BIG_ENDIAN
    words = "Implicit VR Little Endian" if implicit else f"Explicit VR {'Little' if little else 'Big'} Endian"
    return found, f"it does not say how it is encoded (TransferSyntaxUID) and was read as {words}, which its bytes are"
