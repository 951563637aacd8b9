"""A scan that has been opened: its values, how they are read, and where they are in the patient."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from src_models.files.volumes.geometry import VolumeGeometry
from src_models.images.axes import AxesReading

__all__ = ["Maker", "ScanWindow", "Segment", "Volume"]


class Segment(NamedTuple):
    """What a number in labels stands for.

    Parameters
    ----------
    value
        The number.
    name
        What it is called.
    colour
        Red, green and blue from 0 to 1; None where nobody chose one.
    """

    value: int
    name: str
    colour: tuple[float, float, float] | None = None


class ScanWindow(NamedTuple):
    """A window that the file of a scan brings along.

    Parameters
    ----------
    name
        What it is called.
    low, high
        The values (HU of CT) that are black and white.
    """

    name: str
    low: float
    high: float


class Maker(NamedTuple):
    """The model that made labels, as far as a file can say it.

    Parameters
    ----------
    name, version
        What the model is called, and what tells its weights apart from others.
    edited
        Whether a person helped, by clicks or by mending what it had made.
    """

    name: str
    version: str
    edited: bool = False


@dataclass(frozen=True, slots=True)
class Volume:
    """An opened scan.

    Parameters
    ----------
    data
        ([t, ]z, y, x), NumPy or dask; z runs to the head, y to the back, x to the patient's left, as nearly as the
        file's grid allows. CT is in HU.
    reading
        Which axis is what, the spacing in mm, and the modality where the file tells.
    geometry
        The place in the patient.
    path
        The file or folder.
    description
        What DICOM calls the series; empty where the file does not tell.
    labels
        Whether the file says that its values are labels.
    segments
        What the numbers of labels are called, where the file tells, as 3D Slicer's do.
    frame_seconds
        Time (s) from one volume to the next, where there is a time axis and the file tells; else 1.
    notes
        What a person should know of how it was read, such as what was left out.
    windows
        The windows in which the scanner, or who reported on the scan, left it; empty where the file has none.
    """

    data: Any
    reading: AxesReading
    geometry: VolumeGeometry
    path: Path
    description: str = ""
    labels: bool = False
    frame_seconds: float = 1.0
    notes: tuple[str, ...] = ()
    segments: tuple[Segment, ...] = ()
    windows: tuple[ScanWindow, ...] = ()

    @property
    def modality(self) -> str | None:
        """What made the scan by the file's own word, as DICOM has it; None where it does not tell, as NIfTI."""
        return self.reading.modality
