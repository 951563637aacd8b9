"""What one DICOM file says of the slices in it: everything but the pixels.

Attributes are those of DICOM PS3.3: C.7.6.2 (image plane), C.7.6.3 (pixels), C.7.6.16 (frames), C.8.2.1 (CT image).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.slides.foreign_slides import dicom_slide
from src_models.files.volumes.dicom.damage import told_as_damage
from src_models.files.volumes.dicom.frames import (
    concatenation_of,
    frame_attributes,
    is_multiframe,
    traits_of,
    why_unplaced,
)
from src_models.files.volumes.dicom.header import Attributes, Header, read_header
from src_models.files.volumes.dicom.pixels import StoredPixels
from src_models.files.volumes.dicom.repeats import acquired
from src_models.files.volumes.dicom.slices import NoSlice, Slice
from src_models.files.volumes.values.dicom_values import values_of

__all__ = ["read_slices"]

# Images whose files hold slices, each with its place: CT, MR and PET, and those of many frames of them.
_SLICE_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2",
    "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.4.4",
    "1.2.840.10008.5.1.4.1.1.128", "1.2.840.10008.5.1.4.1.1.130", "1.2.840.10008.5.1.4.1.1.128.1",
}  # fmt: skip
# What folders of scans hold beside them: segmentations, and contours of structures.
_LABELS = {
    "1.2.840.10008.5.1.4.1.1.66.4": "holds labels (a segmentation); open it by itself",
    "1.2.840.10008.5.1.4.1.1.66.7": "holds labels (a segmentation); open it by itself",
    "1.2.840.10008.5.1.4.1.1.481.3": "holds contours of structures; open it by itself",
}
_DIRECTORY = "1.2.840.10008.1.3.10"
_NEEDED = {"ImagePositionPatient": 3, "ImageOrientationPatient": 6, "PixelSpacing": 2}
_SQUARE = 1e-2  # cosine of rows and columns: more is no rounding


def read_slices(path: Path) -> tuple[Slice, ...] | NoSlice:
    """Read the header of a DICOM file.

    Returns
    -------
    tuple of Slice, or NoSlice
        Its slices: one, or as many as it has frames, in their order in the file.

    Raises
    ------
    ImageError
        If it is damaged or cut off in its header, or is a slice that does not say where it is.
    """
    with told_as_damage(path, "the DICOM file is"):
        return _slices(read_header(path))


def _slices(header: Header) -> tuple[Slice, ...] | NoSlice:
    labels = _LABELS.get(header.text("SOPClassUID"))
    if labels is not None:
        return NoSlice(header.path, labels)
    slide = dicom_slide(header.text("SOPClassUID"))
    if slide is not None:
        return NoSlice(header.path, slide)
    if not is_multiframe(header):
        alone = Attributes(header.content)
        found = _slice(header, alone, acquired=acquired(header, alone))
        return found if isinstance(found, NoSlice) else (found,)
    frames = []
    pixels = header.pixels()
    belongs = concatenation_of(header)
    for number, told in enumerate(frame_attributes(header)):
        one = _slice(header, told, pixels, frame=number, traits=traits_of(header, told), concatenation=belongs)
        if isinstance(one, NoSlice):
            return NoSlice(header.path, why_unplaced(header))
        frames.append(one)
    return tuple(frames)


def _slice(header: Header, told: Attributes, pixels: StoredPixels | None = None, **of_frame: Any) -> Slice | NoSlice:
    path, content = header.path, header.content
    modality = header.text("Modality")
    numbers = {name: _numbers(told.get(name), count) for name, count in _NEEDED.items()}
    missing = [name for name, found in numbers.items() if found is None]
    if missing or not content.get("Rows") or not content.get("Columns"):
        return _without_place(header, modality, missing)
    position, orientation, spacing = (np.array(numbers[name]) for name in _NEEDED)
    across, down = _directions(path, orientation)
    if not (np.isfinite(position).all() and (spacing > 0).all()):
        raise ImageError(f"{path}: its place or the size of its pixels is no number that can be; export it again")
    thickness = abs(float(told.get("SliceThickness") or 0)) or None
    pixels = pixels or header.pixels()
    try:
        values = values_of(modality, told)
    except ValueError:
        raise ImageError(
            f"{path}: its RescaleSlope or RescaleIntercept is no number that can be; export it again"
        ) from None
    return Slice(
        path=path,
        series=header.text("SeriesInstanceUID"),
        description=header.text("SeriesDescription"),
        modality=modality,
        position=position,
        across=across,
        down=down,
        spacing=(float(spacing[0]), float(spacing[1])),
        thickness=thickness,
        step=abs(float(told.get("SpacingBetweenSlices") or 0)) or thickness or 1.0,
        localizer="LOCALIZER" in (content.get("ImageType") or ()),
        rescaling=values.rescaling,
        unit=values.unit,
        plain=values.plain,
        padding=_padding(content, pixels),
        pixels=pixels,
        remarks=(*header.remarks, *values.remarks),
        **of_frame,
    )


def _padding(content: Any, pixels: StoredPixels) -> tuple[int, int] | None:
    """Return the stored numbers that are padding (PS3.3, C.7.5.1.1.2), whichever sign the file gave them."""
    ends = [content.get(name) for name in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    numbers = [_as_stored(int(end), pixels) for end in ends if isinstance(end, int | float)]
    return (min(numbers), max(numbers)) if isinstance(ends[0], int | float) else None


def _as_stored(number: int, pixels: StoredPixels) -> int:
    number %= 2**pixels.bits_allocated
    return number - 2**pixels.bits_allocated if pixels.signed and number >= 2 ** (pixels.bits_allocated - 1) else number


def _numbers(values: Any, count: int) -> list[float] | None:
    """Return the numbers of an attribute; None where there are not so many."""
    if values is None or isinstance(values, str) or not hasattr(values, "__len__") or len(values) != count:
        return None
    return [float(value) for value in values]


def _without_place(header: Header, modality: str, missing: list[str]) -> NoSlice:
    path = header.path
    kind = str(header.content.file_meta.get("MediaStorageSOPClassUID", "") or header.text("SOPClassUID"))
    if kind == _DIRECTORY:
        return NoSlice(path, "is a directory of DICOM files", expected=True)
    if kind in _SLICE_CLASSES:
        lacks = ", ".join(missing or ["Rows, Columns"])
        what = "it holds frames of a scan, one of which" if is_multiframe(header) else "it is a slice of a scan that"
        raise ImageError(
            f"{path}: {what} lacks {lacks}; it is cut off, or lost that when it was made "
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
