"""The pixels of DICOM files: where they lie, whether they can be read, and reading one frame of them.

Pixels that are stored as they are in memory are read from their place in the file, all others by pydicom's decoders; in
both ways a frame alone is read, and no header again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.volumes.dicom.damage import damaged
from src_models.files.volumes.dicom.encoding import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT

__all__ = ["StoredPixels", "check_pixels", "read_frame"]

_ORDERS: dict[str, Literal["<", ">"]] = {IMPLICIT: "<", EXPLICIT: "<", BIG_ENDIAN: ">"}


@dataclass(frozen=True, slots=True)
class StoredPixels:
    """The pixels of a file, without reading them.

    Parameters
    ----------
    path
        The file.
    transfer_syntax
        How they are encoded, a UID.
    begin
        The byte of the file at which they begin.
    size
        Bytes from there to the end of the file.
    shape
        Rows and columns.
    frames
        How many frames there are.
    samples
        Numbers per pixel.
    bits_allocated, bits_stored, signed
        Type of the stored numbers.
    photometric
        PhotometricInterpretation.
    fractions
        Whether they are stored as fractions (FloatPixelData), not as integers.
    offsets
        ExtendedOffsetTable and its lengths, where the file has them: where compressed frames begin.
    """

    path: Path
    transfer_syntax: str
    begin: int
    size: int
    shape: tuple[int, int]
    frames: int = 1
    samples: int = 1
    bits_allocated: int = 16
    bits_stored: int = 16
    signed: bool = False
    photometric: str = "MONOCHROME2"
    fractions: bool = False
    offsets: tuple[bytes, bytes] | None = None

    @property
    def stored_type(self) -> np.dtype[Any]:
        """Type of the stored numbers."""
        return np.dtype(f"{'i' if self.signed else 'u'}{self.bits_allocated // 8}")

    @property
    def stored_limits(self) -> tuple[int, int]:
        """Smallest and largest number that may be stored."""
        half = 2 ** (self.bits_stored - 1)
        return (-half, half - 1) if self.signed else (0, 2 * half - 1)

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame that is not compressed."""
        return self.shape[0] * self.shape[1] * self.samples * self.bits_allocated // 8


def check_pixels(pixels: StoredPixels) -> None:
    """Refuse pixels that cannot be read, as far as the header tells.

    Raises
    ------
    ImageError
        If they are cut off, in colour, of odd types, or compressed by what no installed package reads.
    """
    path = pixels.path
    if pixels.samples != 1:
        raise ImageError(f"{path}: its pixels are colours, not values of a scan; move it out of the folder")
    odd = pixels.bits_allocated not in (8, 16, 32) or not 1 <= pixels.bits_stored <= pixels.bits_allocated
    if odd or pixels.fractions:
        what = "are fractions" if pixels.fractions else f"have {pixels.bits_stored} of {pixels.bits_allocated} bits"
        raise ImageError(
            f"{path}: its pixels {what}, which is not read; convert the scan to NIfTI, for example with dcm2niix"
        )
    if _is_encapsulated(pixels.transfer_syntax):
        _check_decoder(path, pixels.transfer_syntax)
        needed = 1
    else:
        needed = pixels.frames * pixels.frame_bytes
    if pixels.size < needed:
        raise ImageError(
            f"{path}: the file is cut off ({max(pixels.size, 0)} bytes of pixels, and its header asks for {needed}); "
            "copy or export it again"
        )


def _is_encapsulated(transfer_syntax: str) -> bool:
    from pydicom.uid import UID

    uid = UID(transfer_syntax)
    return bool(uid.is_transfer_syntax and uid.is_encapsulated)


def _check_decoder(path: Path, transfer_syntax: str) -> None:
    from pydicom.pixels import get_decoder
    from pydicom.uid import UID

    uid = UID(transfer_syntax)
    try:
        if get_decoder(uid).is_available:
            return
    except NotImplementedError:
        raise ImageError(
            f"{path}: its pixels are compressed as {uid.name}, which is not read; convert the scan to NIfTI, "
            "for example with dcm2niix"
        ) from None
    package = "pylibjpeg-openjpeg" if "2000" in uid.name else "pylibjpeg-libjpeg"
    raise ImageError(
        f"{path}: its pixels are compressed as {uid.name}; install what reads that (pip install pylibjpeg "
        f"{package}) and start again, or convert the scan to NIfTI, for example with dcm2niix"
    )


def read_frame(pixels: StoredPixels, frame: int = 0) -> NDArray[Any]:
    """Read the stored numbers (rows, columns) of a frame.

    Parameters
    ----------
    pixels
        That were checked by :func:`check_pixels`.
    frame
        Its number, from 0.

    Raises
    ------
    ImageError
        If the file has gone, is cut off or damaged.
    """
    order = _ORDERS.get(pixels.transfer_syntax)
    try:
        if order is None or (order == ">" and pixels.bits_allocated == 8):  # whose bytes may be swapped in pairs
            stored = _decoded(pixels, frame)
        else:
            with pixels.path.open("rb") as file:
                file.seek(pixels.begin + frame * pixels.frame_bytes)
                stored = np.frombuffer(file.read(pixels.frame_bytes), pixels.stored_type.newbyteorder(order))
        return stored.reshape(pixels.shape).astype(pixels.stored_type, copy=False)
    except Exception as error:  # each decoder has its own way to fail
        raise damaged(pixels.path, "the pixels are", error) from None


def _decoded(pixels: StoredPixels, frame: int) -> NDArray[Any]:
    from pydicom import dcmread
    from pydicom.pixels import get_decoder, pixel_array
    from pydicom.uid import UID

    if pixels.transfer_syntax == DEFLATED:  # the file is compressed as a whole
        return pixel_array(dcmread(pixels.path), index=frame, raw=True)
    options: Any = {
        "rows": pixels.shape[0],
        "columns": pixels.shape[1],
        "number_of_frames": pixels.frames,
        "samples_per_pixel": 1,
        "bits_allocated": pixels.bits_allocated,
        "bits_stored": pixels.bits_stored,
        "pixel_representation": int(pixels.signed),
        "photometric_interpretation": pixels.photometric,
        "pixel_keyword": "PixelData",
        "pixel_vr": "OB" if pixels.bits_allocated == 8 else "OW",
    }
    if pixels.offsets is not None:
        options["extended_offsets"] = pixels.offsets
    with pixels.path.open("rb") as file:
        file.seek(pixels.begin)
        stored, _ = get_decoder(UID(pixels.transfer_syntax)).as_array(file, index=frame, raw=True, **options)
    return stored
