"""What a DICOM segmentation says of its frames: where each lies, and which segment it is of (PS3.3, C.8.20)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.volumes.dicom.damage import told_as_damage
from src_models.files.volumes.volume import Segment

__all__ = ["HALF", "Frames", "read_frames"]

HALF = 0.5  # the share from which on a voxel of a fractional segmentation is taken
_ALIKE = 1e-4  # difference of directions and of pixel sizes (mm) that rounding makes


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """The frames of a segmentation, in the order of the file, which means nothing.

    Parameters
    ----------
    path
        The file.
    kind
        SegmentationType: ``BINARY``, ``FRACTIONAL`` or ``LABELMAP``.
    shape
        Rows and columns.
    positions
        (N, 3): the centre of each frame's first pixel (mm; left, posterior, superior).
    across, down
        (3,): direction of a row and of a column, of length 1.
    spacing
        Distance (mm) of neighbouring rows and of neighbouring columns.
    step
        Distance (mm) of neighbouring slices as far as the file tells; None where it does not.
    numbers
        The segment of each frame; 0 in a LABELMAP, whose pixels are the numbers.
    segments
        What they are called.
    series
        The series that it was drawn on; empty where the file does not tell.
    reference
        Its frame of reference; empty where the file does not tell.
    content
        The data set.
    """

    path: Path
    kind: str
    shape: tuple[int, int]
    positions: NDArray[np.float64]
    across: NDArray[np.float64]
    down: NDArray[np.float64]
    spacing: tuple[float, float]
    step: float | None
    numbers: tuple[int, ...]
    segments: tuple[Segment, ...]
    series: str
    reference: str
    content: Any

    @property
    def normal(self) -> NDArray[np.float64]:
        """(3,): the direction at a right angle to the frames."""
        return np.cross(self.across, self.down)

    def values(self) -> Iterator[NDArray[Any]]:
        """Give the frames (rows, columns) one after the other: their segments' numbers, 0 elsewhere.

        Raises
        ------
        ImageError
            If the pixels are cut off or damaged, or compressed by what no installed package reads.
        """
        largest = float(self.content.get("MaximumFractionalValue") or 255)
        dtype = np.min_scalar_type(max(self.numbers, default=0))
        try:
            for number, stored in zip(self.numbers, self._stored(), strict=True):
                if self.kind == "LABELMAP":
                    yield stored
                else:
                    inside = stored >= HALF * largest if self.kind == "FRACTIONAL" else stored != 0
                    yield np.where(inside, number, 0).astype(dtype)
        except Exception as error:  # each decoder has its own way to fail
            raise ImageError(
                f"{self.path}: the pixels of the segmentation are cut off, damaged, or compressed by what is not "
                f"installed ({type(error).__name__}); copy or export the file again"
            ) from None

    def _stored(self) -> Iterator[NDArray[Any]]:
        """Give the numbers (rows, columns) that the file holds."""
        from pydicom.pixels import iter_pixels

        if int(self.content.BitsAllocated) != 1 or self.content.file_meta.TransferSyntaxUID.is_encapsulated:
            yield from iter_pixels(self.content, raw=True)
            return
        # Frames of bits follow each other without padding (PS3.5, 8.1.1), so that one may begin within a byte.
        packed = np.frombuffer(self.content.PixelData, np.uint8)
        size = self.shape[0] * self.shape[1]
        for number in range(len(self.numbers)):
            begin, end = number * size, (number + 1) * size
            bits = np.unpackbits(packed[begin // 8 : -(-end // 8)], bitorder="little")
            yield bits[begin % 8 :][:size].reshape(self.shape)


def read_frames(path: Path) -> Frames:
    """Read a segmentation but for its pixels.

    Raises
    ------
    ImageError
        If it is damaged, its frames have no place in a patient, or have several orientations or sizes of pixels.
    """
    import pydicom

    with told_as_damage(path, "the DICOM segmentation is"):
        return _frames(path, pydicom.dcmread(path, force=True))


def _frames(path: Path, content: Any) -> Frames:
    kind = str(content.SegmentationType)
    if kind not in ("BINARY", "FRACTIONAL", "LABELMAP"):
        raise ImageError(f"{path}: it is a segmentation of the type {kind}, which is not read; export it as BINARY")
    groups = list(content.PerFrameFunctionalGroupsSequence)
    shared = content.get("SharedFunctionalGroupsSequence") or [{}]
    looked_up = [_Groups(one, shared[0]) for one in groups]
    positions = [one.value("PlanePositionSequence", "ImagePositionPatient") for one in looked_up]
    turns = [one.value("PlaneOrientationSequence", "ImageOrientationPatient") for one in looked_up]
    sizes = [one.value("PixelMeasuresSequence", "PixelSpacing") for one in looked_up]
    if any(one is None for one in (*positions, *turns, *sizes)):
        raise ImageError(
            f"{path}: its frames do not say where in the patient they lie (it may be of a microscope's slide), so it "
            "cannot be laid on a scan; export it as TIFF or NIfTI"
        )
    turned, sized = np.array(turns, dtype=np.float64), np.array(sizes, dtype=np.float64)
    if np.abs(turned - turned[0]).max() > _ALIKE or np.abs(sized - sized[0]).max() > _ALIKE:
        raise ImageError(
            f"{path}: its frames have several orientations or sizes of pixels, and one volume has one; export its "
            "parts one by one"
        )
    across, down = turned[0][:3], turned[0][3:]
    between = looked_up[0].value("PixelMeasuresSequence", "SpacingBetweenSlices")
    thick = looked_up[0].value("PixelMeasuresSequence", "SliceThickness") if len(groups) == 1 else None
    step = abs(float(between or thick or 0)) or None
    numbers = [one.value("SegmentIdentificationSequence", "ReferencedSegmentNumber") for one in looked_up]
    labelmap = kind == "LABELMAP"
    return Frames(
        path=path,
        kind=kind,
        shape=(int(content.Rows), int(content.Columns)),
        positions=np.array(positions, dtype=np.float64),
        across=across / np.linalg.norm(across),
        down=down / np.linalg.norm(down),
        spacing=(float(sized[0][0]), float(sized[0][1])),
        step=step,
        numbers=tuple(0 if labelmap else int(number) for number in numbers),
        segments=tuple(_segment(one) for one in content.SegmentSequence if int(one.SegmentNumber)),
        series=_series(content),
        reference=str(content.get("FrameOfReferenceUID", "") or ""),
        content=content,
    )


class _Groups:
    """The functional groups of a frame: its own, else those of all frames."""

    def __init__(self, own: Any, shared: Any) -> None:
        self._places = (own, shared)

    def value(self, group: str, name: str) -> Any:
        for place in self._places:
            found = place.get(group)
            if found and found[0].get(name) not in (None, ""):
                return found[0].get(name)
        return None


def _series(content: Any) -> str:
    referenced = content.get("ReferencedSeriesSequence")
    return str(referenced[0].get("SeriesInstanceUID", "") or "") if referenced else ""


def _segment(item: Any) -> Segment:
    number = int(item.SegmentNumber)
    label, long = str(item.get("SegmentLabel", "") or ""), str(item.get("SegmentDescription", "") or "")
    # A label has room for 64 characters; what was longer stands in the description, too.
    cut = len(label) == 64 and long.startswith(label)
    return Segment(number, (long if cut else label) or long or f"Segment {number}", _colour(item))


def _colour(item: Any) -> tuple[float, float, float] | None:
    """Return a colour in sRGB of CIE L*a*b* as 16-bit numbers (PS3.3, C.10.7.1.1)."""
    stored = item.get("RecommendedDisplayCIELabValue")
    if stored is None or len(stored) != 3:
        return None
    from skimage.color import lab2rgb

    light, a, b = (float(part) / 65535 for part in stored)
    rgb = lab2rgb(np.array([[[100 * light, 255 * a - 128, 255 * b - 128]]]), illuminant="D65")[0, 0]
    red, green, blue = (float(part) for part in np.clip(rgb, 0, 1))
    return red, green, blue
