"""A slice of a DICOM scan: all that is known of it but its pixels. A file holds one, or many as frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.files.volumes.dicom.pixels import StoredPixels
from src_models.files.volumes.rescaling import Rescaling

__all__ = ["Concatenation", "NoSlice", "Slice"]


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


@dataclass(frozen=True, slots=True)
class Concatenation:
    """The place of a file among those that one object with many frames was divided into (PS3.3, C.7.6.16.2.2.4).

    Parameters
    ----------
    uid
        Of the object.
    number, total
        Which part the file is, from 1, and how many there are; 0 where it does not say.
    """

    uid: str
    number: int
    total: int


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """One slice of a scan, without its pixels.

    Parameters
    ----------
    path
        The file.
    series, description, modality
        SeriesInstanceUID, SeriesDescription, Modality; empty where the file does not say them.
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
    rescaling
        From stored numbers to values.
    unit
        Of the values, such as ``"HU"``; empty where it is not known.
    plain
        Whether the rescaling is the file's own, which its windows are made for, and not to SUV, say.
    padding
        Smallest and largest stored number that stands for no tissue (PixelPaddingValue, PixelPaddingRangeLimit); None
        where the file names none.
    pixels
        Where they lie.
    remarks
        What a person should know of how the file was read, each to follow its name in a sentence.
    frame
        Which frame of its file it is, from 0.
    traits
        Of a frame, what may tell it apart from others at the same place, such as its echo, by name; None for the slice
        of a file that has no frames.
    concatenation
        Of a frame whose object was divided into several files.
    acquired
        Of the slice of a file that has no frames, what may tell it apart from others at the same place.
    """

    path: Path
    series: str
    description: str
    modality: str
    position: NDArray[np.float64]
    across: NDArray[np.float64]
    down: NDArray[np.float64]
    spacing: tuple[float, float]
    thickness: float | None
    step: float
    localizer: bool
    rescaling: Rescaling
    unit: str
    plain: bool
    padding: tuple[int, int] | None
    pixels: StoredPixels
    remarks: tuple[str, ...] = ()
    frame: int = 0
    traits: dict[str, Any] | None = None
    concatenation: Concatenation | None = None
    acquired: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What to call it in messages: its file, and which frame of that."""
        return self.path.name if self.pixels.frames == 1 else f"{self.path.name} (frame {self.frame + 1})"

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.pixels.shape

    @property
    def normal(self) -> NDArray[np.float64]:
        """(3,): the direction at a right angle to the slice."""
        return np.cross(self.across, self.down)
