"""The pixels of one DICOM slice: whether they can be read, and reading them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.volumes.dicom.slices import Slice

__all__ = ["check_pixels", "read_pixels"]


def check_pixels(one: Slice) -> None:
    """Refuse a slice whose pixels cannot be read, as far as its header tells.

    Raises
    ------
    ImageError
        If the pixels are cut off, in colour, of odd types, or compressed by what no installed package reads.
    """
    path, (rows, columns) = one.path, one.shape
    if one.samples != 1:
        raise ImageError(f"{path}: its pixels are colours, not values of a scan; move it out of the folder")
    if one.bits_allocated not in (8, 16, 32) or not 1 <= one.bits_stored <= one.bits_allocated:
        raise ImageError(
            f"{path}: its pixels have {one.bits_stored} of {one.bits_allocated} bits, which is not read; "
            "convert the scan to NIfTI, for example with dcm2niix"
        )
    if _is_encapsulated(one.transfer_syntax):
        _check_decoder(one)
        needed = 1
    else:
        needed = rows * columns * one.bits_allocated // 8
    if one.pixel_bytes < needed:
        raise ImageError(
            f"{path}: the file is cut off ({max(one.pixel_bytes, 0)} bytes of pixels, and its header asks for "
            f"{needed}); copy or export it again"
        )


def _is_encapsulated(transfer_syntax: str) -> bool:
    from pydicom.uid import UID

    uid = UID(transfer_syntax)
    return bool(uid.is_transfer_syntax and uid.is_encapsulated)


def _check_decoder(one: Slice) -> None:
    from pydicom.pixels import get_decoder
    from pydicom.uid import UID

    uid = UID(one.transfer_syntax)
    try:
        if get_decoder(uid).is_available:
            return
    except NotImplementedError:
        raise ImageError(
            f"{one.path}: its pixels are compressed as {uid.name}, which is not read; convert the scan to NIfTI, "
            "for example with dcm2niix"
        ) from None
    package = "pylibjpeg-openjpeg" if "2000" in uid.name else "pylibjpeg-libjpeg"
    raise ImageError(
        f"{one.path}: its pixels are compressed as {uid.name}; install what reads that (pip install pylibjpeg "
        f"{package}) and start again, or convert the scan to NIfTI, for example with dcm2niix"
    )


def read_pixels(one: Slice, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Read the values (rows, columns) of a slice, rescaled.

    Raises
    ------
    ImageError
        If the file has gone, is cut off or damaged.
    """
    import pydicom
    from pydicom.pixels import pixel_array
    from pydicom.uid import UID

    try:
        content = pydicom.dcmread(one.path, force=True)
        content.file_meta.TransferSyntaxUID = UID(one.transfer_syntax)  # which not every file says itself
        stored = pixel_array(content)
        return one.rescaling(stored.reshape(one.shape), dtype)
    except Exception as error:  # each decoder has its own way to fail
        raise ImageError(
            f"{one.path}: the pixels are cut off or damaged ({error}); copy or export the file again"
        ) from error
