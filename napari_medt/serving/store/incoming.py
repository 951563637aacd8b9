"""Files that clients send: known by their content, and looked at before they are opened.

Formats that refer to other files, such as TIFF of several files or a header of NRRD with its values elsewhere, are not
taken: opening one would open what a client named.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import struct
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np

from napari_medt.serving.answers import Refusal
from src_models.disk.atomic import atomic_path

__all__ = ["MOST_BYTES", "check_content", "keep", "suffix_of"]

MOST_BYTES = 8 * 2**30  # of an image's values in memory
_HEADER = 1 << 20  # bytes; headers of Slicer's segmentations have some kB
_BLOCK = 1 << 20
# Bytes of NRRD's types by a word in their names; of those that are longest, for all others.
_TYPES = ((b"char", 1), (b"int8", 1), (b"short", 2), (b"int16", 2), (b"float", 4), (b"int32", 4))
_WIDEST = 8
_NIFTI = {348, 540}
_STARTS = {b"NRRD": ".nrrd", b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg"}

_UNKNOWN = "this is no volume in a format that the server takes: send NRRD, NIfTI, PNG or JPEG"


def suffix_of(file: IO[bytes]) -> str:
    """Tell by its content what a file is, as the suffix that it is to be kept by.

    Raises
    ------
    Refusal
        If it is nothing that is taken (400).
    """
    file.seek(0)
    start = file.read(8)
    file.seek(0)
    for magic, suffix in _STARTS.items():
        if start.startswith(magic):
            return suffix
    if start.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(file) as unpacked:
                inner = unpacked.read(4)
        except (OSError, EOFError, zlib.error):
            inner = b""
        file.seek(0)
        if _is_nifti(inner):
            return ".nii.gz"
    if _is_nifti(start[:4]):
        return ".nii"
    raise Refusal(400, _UNKNOWN)


def keep(file: IO[bytes], path: Path, *, overwrite: bool = False) -> str:
    """Write a file that was sent, whole or not at all.

    Returns
    -------
    str
        SHA-256 of its content.

    Raises
    ------
    OutputError
        If the disk is full, or the path exists already and may not be replaced.
    """
    digest = hashlib.sha256()
    file.seek(0)
    with atomic_path(path, overwrite=overwrite) as beside, beside.open("wb") as target:
        while block := file.read(_BLOCK):
            digest.update(block)
            target.write(block)
    return digest.hexdigest()


def check_content(path: Path) -> None:
    """Look at the header of a file that was sent.

    Raises
    ------
    Refusal
        If its values lie in another file, or are more than a server can hold in memory (400).
    """
    if path.suffix == ".nrrd":
        size = _nrrd_bytes(path)
    elif path.suffix in (".nii", ".gz"):
        size = _nifti_bytes(path)
    else:
        size = _picture_bytes(path)
    if size > MOST_BYTES:
        raise Refusal(
            413,
            f"its values take {size / 2**30:,.1f} GB in memory, and the server opens up to {MOST_BYTES / 2**30:.0f}: "
            "crop the volume",
        )


def _is_nifti(start: bytes) -> bool:
    return len(start) == 4 and not _NIFTI.isdisjoint((*struct.unpack("<i", start), *struct.unpack(">i", start)))


def _nrrd_bytes(path: Path) -> int:
    with path.open("rb") as file:
        start = file.read(_HEADER).replace(b"\r\n", b"\n")
    header, found, _ = start.partition(b"\n\n")
    if not found:
        raise Refusal(400, "this NRRD is damaged: its header has no end; export it again")
    fields = [line.partition(b":") for line in header.split(b"\n")[1:] if not line.startswith(b"#")]
    told = {name.strip().lower().replace(b" ", b""): value.strip() for name, _, value in fields}
    if b"datafile" in told:
        raise Refusal(400, "this NRRD has its values in another file: save it as one file (.nrrd, not .nhdr)")
    try:
        sizes = [int(size) for size in told.get(b"sizes", b"").split()]
    except ValueError as error:
        raise Refusal(400, "this NRRD is damaged: its sizes are no numbers; export it again") from error
    kind = told.get(b"type", b"")
    return math.prod(map(abs, sizes)) * next((size for word, size in _TYPES if word in kind), _WIDEST)


def _nifti_bytes(path: Path) -> int:
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    try:
        image: Any = nibabel.load(path)
        shape, dtype = image.shape, np.dtype(image.get_data_dtype())
    except (ImageFileError, HeaderDataError, OSError, EOFError, ValueError, TypeError, zlib.error) as error:
        raise Refusal(400, "this NIfTI is damaged: its header cannot be read; export it again") from error
    return math.prod(map(int, shape)) * dtype.itemsize


def _picture_bytes(path: Path) -> int:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return math.prod(picture.size) * 4
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Refusal(400, "this picture is damaged, or far too large; export it again") from error
