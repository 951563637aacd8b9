"""What one DICOM file says of the slice in it: everything but the pixels.

Attributes are those of DICOM PS3.3: C.7.6.2 (image plane), C.7.6.3 (pixels), C.8.2.1 (CT image).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.volumes.dicom.encoding import DEFLATED, IMPLICIT, transfer_syntax
from src_models.files.volumes.rescaling import Rescaling

__all__ = ["NoSlice", "Slice", "read_slice"]

_TAGS = [
    "SpecificCharacterSet", "SOPClassUID", "Modality", "SeriesInstanceUID", "SeriesDescription", "SliceThickness",
    "SpacingBetweenSlices", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns",
    "SamplesPerPixel", "NumberOfFrames", "BitsAllocated", "BitsStored", "PixelRepresentation", "RescaleSlope",
    "RescaleIntercept", "PixelPaddingValue", "PixelPaddingRangeLimit", "ImageType",
]  # fmt: skip
# Images whose files hold one slice each, with its place: CT, MR and PET.
_SLICE_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.4",
    "1.2.840.10008.5.1.4.1.1.128",
}
# What folders of scans hold beside them: segmentations, and contours of structures.
_LABELS = {
    "1.2.840.10008.5.1.4.1.1.66.4": "holds labels (a segmentation); open it by itself",
    "1.2.840.10008.5.1.4.1.1.66.7": "holds labels (a segmentation); open it by itself",
    "1.2.840.10008.5.1.4.1.1.481.3": "holds contours of structures; open it by itself",
}
_DIRECTORY = "1.2.840.10008.1.3.10"
_NEEDED = {"ImagePositionPatient": 3, "ImageOrientationPatient": 6, "PixelSpacing": 2}
_HEAD = 12  # bytes of an element before its value, at the most (PS3.5, 7.1.2 and 7.1.3)
_SQUARE = 1e-2  # cosine of rows and columns: more is no rounding


@dataclass(frozen=True, slots=True)
class NoSlice:
    """A DICOM file that holds no slice of a scan.

    Parameters
    ----------
    path
        The file.
    reason
        What it is instead, to follow its name in a sentence.
    expected
        Whether folders of scans hold such a file by rule, so that nobody misses it.
    """

    path: Path
    reason: str
    expected: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """One slice of a scan, without its pixels.

    Parameters
    ----------
    path
        The file.
    series, description, modality
        SeriesInstanceUID, SeriesDescription, Modality; empty where the file does not say them.
    shape
        Rows and columns.
    position
        (3,): the centre of the first pixel (mm; left, posterior, superior).
    across, down
        (3,): direction of a row and of a column, of length 1.
    spacing
        Distance (mm) of neighbouring rows and of neighbouring columns.
    thickness
        SliceThickness (mm); None where the file does not say it.
    step
        Distance (mm) to the next slice as far as this file knows: SpacingBetweenSlices, else SliceThickness, else 1.
    localizer
        Whether it is an overview that is no part of the scan, as ImageType says.
    samples
        Numbers per pixel.
    bits_allocated, bits_stored, signed
        Type of the stored numbers.
    rescaling
        From stored numbers to values.
    padding
        Smallest and largest stored number that stands for no tissue (PixelPaddingValue, PixelPaddingRangeLimit); None
        where the file names none.
    transfer_syntax
        How the pixels are encoded, a UID.
    pixel_bytes
        Bytes from the first pixel to the end of the file.
    remarks
        What a person should know of how the file was read, each to follow its name in a sentence.
    """

    path: Path
    series: str
    description: str
    modality: str
    shape: tuple[int, int]
    position: NDArray[np.float64]
    across: NDArray[np.float64]
    down: NDArray[np.float64]
    spacing: tuple[float, float]
    thickness: float | None
    step: float
    localizer: bool
    samples: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    rescaling: Rescaling
    padding: tuple[int, int] | None
    transfer_syntax: str
    pixel_bytes: int
    remarks: tuple[str, ...] = ()

    @property
    def normal(self) -> NDArray[np.float64]:
        """(3,): the direction at a right angle to the slice."""
        return np.cross(self.across, self.down)

    @property
    def stored_type(self) -> np.dtype[Any]:
        """Type of the stored numbers."""
        return np.dtype(f"{'i' if self.signed else 'u'}{self.bits_allocated // 8}")

    @property
    def stored_limits(self) -> tuple[int, int]:
        """Smallest and largest number that may be stored."""
        half = 2 ** (self.bits_stored - 1)
        return (-half, half - 1) if self.signed else (0, 2 * half - 1)


def read_slice(path: Path) -> Slice | NoSlice:
    """Read the header of a DICOM file.

    Raises
    ------
    ImageError
        If it is damaged or cut off in its header, or is a slice that does not say where it is.
    """
    import pydicom

    try:
        with path.open("rb") as file:
            header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=_TAGS, force=True)
            begin = file.tell()
            head = file.read(_HEAD)
        syntax, remark = transfer_syntax(path, header, head)
        if syntax == DEFLATED:
            pixel_bytes = _deflated_bytes(path)
        else:
            pixel_bytes = path.stat().st_size - begin - (8 if syntax == IMPLICIT else _HEAD)
        return _slice(path, header, syntax, pixel_bytes, [remark] if remark else [])
    except ImageError:
        raise
    except Exception as error:  # each kind of value has its own way to be damaged
        raise ImageError(f"{path}: the DICOM file is cut off or damaged ({error}); copy or export it again") from error


def _deflated_bytes(path: Path) -> int:
    """Return how many bytes the pixels have in a file that is compressed as a whole (PS3.5, A.5)."""
    import pydicom

    return len(pydicom.dcmread(path, specific_tags=["PixelData"]).get("PixelData", b""))


def _slice(path: Path, header: Any, syntax: str, pixel_bytes: int, remarks: list[str]) -> Slice | NoSlice:
    modality = str(header.get("Modality", "") or "")
    labels = _LABELS.get(str(header.get("SOPClassUID", "")))
    if labels is not None:
        return NoSlice(path, labels)
    if int(header.get("NumberOfFrames") or 1) > 1:
        return NoSlice(path, "holds many frames in one file; convert it to NIfTI, for example with dcm2niix")
    numbers = {name: _numbers(header, name, count) for name, count in _NEEDED.items()}
    missing = [name for name, found in numbers.items() if found is None]
    if missing or not header.get("Rows") or not header.get("Columns"):
        return _without_place(path, header, modality, missing)
    position, orientation, spacing = (np.array(numbers[name]) for name in _NEEDED)
    across, down = _directions(path, orientation)
    if not (np.isfinite(position).all() and (spacing > 0).all()):
        raise ImageError(f"{path}: its place or the size of its pixels is no number that can be; export it again")
    thickness = abs(float(header.get("SliceThickness") or 0)) or None
    allocated = int(header.get("BitsAllocated") or 16)
    signed = bool(header.get("PixelRepresentation"))
    return Slice(
        path=path,
        series=str(header.get("SeriesInstanceUID", "")),
        description=str(header.get("SeriesDescription", "")),
        modality=modality,
        shape=(int(header.Rows), int(header.Columns)),
        position=position,
        across=across,
        down=down,
        spacing=(float(spacing[0]), float(spacing[1])),
        thickness=thickness,
        step=abs(float(header.get("SpacingBetweenSlices") or 0)) or thickness or 1.0,
        localizer="LOCALIZER" in (header.get("ImageType") or ()),
        samples=int(header.get("SamplesPerPixel") or 1),
        bits_allocated=allocated,
        bits_stored=int(header.get("BitsStored") or allocated),
        signed=signed,
        rescaling=_rescaling(path, header, remarks),
        padding=_padding(header, allocated, signed),
        transfer_syntax=syntax,
        pixel_bytes=pixel_bytes,
        remarks=tuple(remarks),
    )


def _rescaling(path: Path, header: Any, remarks: list[str]) -> Rescaling:
    slope, intercept = _number(header, "RescaleSlope", 1.0), _number(header, "RescaleIntercept", 0.0)
    if not np.isfinite([slope, intercept]).all():
        raise ImageError(f"{path}: its RescaleSlope or RescaleIntercept is no number that can be; export it again")
    if slope == 0:  # the standard forbids it; GDCM, and so most other programs, take 1
        remarks.append("its RescaleSlope is 0, which would make all values equal: 1 was taken instead")
        slope = 1.0
    return Rescaling(slope, intercept)


def _padding(header: Any, allocated: int, signed: bool) -> tuple[int, int] | None:
    """Return the stored numbers that are padding (PS3.3, C.7.5.1.1.2), whichever sign the file gave them."""
    ends = [header.get(name) for name in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    numbers = [_as_stored(int(end), allocated, signed) for end in ends if isinstance(end, int | float)]
    return (min(numbers), max(numbers)) if isinstance(ends[0], int | float) else None


def _as_stored(number: int, allocated: int, signed: bool) -> int:
    number %= 2**allocated
    return number - 2**allocated if signed and number >= 2 ** (allocated - 1) else number


def _number(header: Any, name: str, default: float) -> float:
    value = header.get(name)
    return default if value is None or value == "" else float(value)


def _numbers(header: Any, name: str, count: int) -> list[float] | None:
    """Return the numbers of an attribute; None where there are not so many."""
    values = header.get(name)
    if values is None or isinstance(values, str) or not hasattr(values, "__len__") or len(values) != count:
        return None
    return [float(value) for value in values]


def _without_place(path: Path, header: Any, modality: str, missing: list[str]) -> NoSlice:
    kind = str(header.file_meta.get("MediaStorageSOPClassUID", "") or header.get("SOPClassUID", ""))
    if kind == _DIRECTORY:
        return NoSlice(path, "is a directory of DICOM files", expected=True)
    if kind in _SLICE_CLASSES:
        lacks = ", ".join(missing or ["Rows, Columns"])
        raise ImageError(
            f"{path}: it is a slice of a scan that lacks {lacks}; it is cut off, or lost that when it was made "
            "anonymous: copy or export it again, or move it out of the folder"
        )
    return NoSlice(path, f"is of another kind ({modality})" if modality else "is of another kind")


def _directions(path: Path, orientation: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bring ImageOrientationPatient, which is rounded, to two directions of length 1."""
    across, down = orientation[:3], orientation[3:]
    lengths = np.linalg.norm(across), np.linalg.norm(down)
    if not (np.isfinite(orientation).all() and min(lengths) > 0 and abs(across @ down) < _SQUARE * np.prod(lengths)):
        raise ImageError(
            f"{path}: its ImageOrientationPatient {orientation.tolist()} is no pair of directions at a right angle; "
            "export it again"
        )
    return across / lengths[0], down / lengths[1]
