"""What a DICOM structure set (RTSTRUCT) says: its structures and their contours (PS3.3, C.8.8.5 and C.8.8.6)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.volumes.dicom.damage import told_as_damage
from src_models.files.volumes.volume import Segment

__all__ = ["Structure", "StructureSet", "read_structures"]

_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_LARGEST = 2**16 - 1


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """A structure.

    Parameters
    ----------
    segment
        Its number, name and colour.
    contours
        Each (N, 3): the points of a closed contour (mm; left, posterior, superior).
    others
        How many points, lines and contours without three points it has, which bound nothing.
    """

    segment: Segment
    contours: tuple[NDArray[np.float64], ...]
    others: int = 0


@dataclass(frozen=True, slots=True)
class StructureSet:
    """The structures of a file.

    Parameters
    ----------
    structures
        In the order of their numbers.
    series, reference
        The series that they were drawn on, and its frame of reference; empty where the file does not tell.
    """

    structures: tuple[Structure, ...]
    series: str
    reference: str


def read_structures(path: Path) -> StructureSet:
    """Read a structure set.

    Raises
    ------
    ImageError
        If it is damaged, or holds no structures.
    """
    import pydicom

    with told_as_damage(path, "the DICOM structure set is"):
        return _structures(path, pydicom.dcmread(path, force=True))


def _structures(path: Path, content: Any) -> StructureSet:
    listed = list(content.get("StructureSetROISequence") or ())
    if not listed:
        raise ImageError(f"{path}: it is a structure set without structures; export it again")
    drawn = {int(one.ReferencedROINumber): one for one in content.get("ROIContourSequence") or ()}
    own = [int(one.ROINumber) for one in listed]
    # Labels have the file's numbers where these can be labels: 0 is background.
    fit = len(set(own)) == len(own) and min(own) >= 1 and max(own) <= _LARGEST
    numbers = own if fit else list(range(1, len(own) + 1))
    found = [
        _structure(number, str(one.get("ROIName", "") or ""), drawn.get(int(one.ROINumber)))
        for number, one in zip(numbers, listed, strict=True)
    ]
    return StructureSet(
        tuple(sorted(found, key=lambda one: one.segment.value)), _series(content), _reference(content, listed)
    )


def _structure(number: int, name: str, drawn: Any) -> Structure:
    colour = None
    if drawn is not None and len(drawn.get("ROIDisplayColor") or ()) == 3:
        red, green, blue = (int(part) / 255 for part in drawn.ROIDisplayColor)
        colour = red, green, blue
    contours, others = [], 0
    for one in (drawn.get("ContourSequence") if drawn is not None else None) or ():
        points = np.array(one.get("ContourData") or (), dtype=np.float64).reshape(-1, 3)
        if str(one.get("ContourGeometricType", "")) in _CLOSED and len(points) >= 3:
            contours.append(points)
        else:
            others += 1
    return Structure(Segment(number, name or f"Structure {number}", colour), tuple(contours), others)


def _series(content: Any) -> str:
    for frame in content.get("ReferencedFrameOfReferenceSequence") or ():
        for study in frame.get("RTReferencedStudySequence") or ():
            for series in study.get("RTReferencedSeriesSequence") or ():
                return str(series.get("SeriesInstanceUID", "") or "")
    return ""


def _reference(content: Any, listed: list[Any]) -> str:
    frames = content.get("ReferencedFrameOfReferenceSequence")
    told = frames[0].get("FrameOfReferenceUID", "") if frames else listed[0].get("ReferencedFrameOfReferenceUID", "")
    return str(told or "")
