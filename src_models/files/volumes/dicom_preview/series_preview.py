"""What a person wants to know of each series in a folder before one is opened; only headers are read.

Examples
--------
>>> spacing_words((2.5, 0.78125, 0.78125))
'0.781 x 0.781 x 2.5 mm'
>>> spacing_words((5.0, 0.5, 0.75))
'0.75 x 0.5 x 5 mm'
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from src_models.errors import ImageError
from src_models.files.series.image_series import ImageSeries
from src_models.files.series.scans import series_images
from src_models.files.volumes.dicom.series import Series, every_series, left_out
from src_models.files.volumes.dicom.slices import Slice
from src_models.files.volumes.dicom.spacing import UnevenSlicesError
from src_models.files.volumes.dicom.stack import stacked
from src_models.files.volumes.dicom_preview.series_header import SeriesHeader, read_series_header

__all__ = ["SeriesPreview", "no_series", "preview_series", "spacing_words"]

_MODALITIES = {"MR": "MR", "CT": "CT", "PT": "PET", "NM": "nuclear medicine"}
_NO_DESCRIPTION = "series without description"


@dataclass(frozen=True, slots=True)
class SeriesPreview:
    """What is known of a series that was not opened.

    Parameters
    ----------
    image
        Its number and name, as ``--series`` takes them.
    series
        Its slices.
    header
        What its middle slice says of series and study.
    spacing
        Distance (mm) of slices, rows and columns; None where the slices make no volume.
    middle
        The slice in the middle.
    refusal
        Why it cannot be opened as it is, and mostly what to do; empty if it can.
    uneven
        Whether it opens once its slices are resampled to even distances.
    notes
        What a person should know, such as what is left out of it.
    patient
        Number of the patient, from 1, where the folder holds series of several; else None.
    """

    image: ImageSeries
    series: Series = field(repr=False)
    header: SeriesHeader
    spacing: tuple[float, float, float] | None
    middle: Slice = field(repr=False)
    refusal: str = ""
    uneven: bool = False
    notes: tuple[str, ...] = ()
    patient: int | None = None

    @property
    def opens(self) -> bool:
        """Whether it can be opened, perhaps resampled."""
        return not self.refusal or self.uneven

    @property
    def slices(self) -> int:
        """How many slices it has."""
        return len(self.series.slices)

    @property
    def modality(self) -> str:
        """What made it, in words where these are used; empty where the file does not tell."""
        return _MODALITIES.get(self.middle.modality, self.middle.modality)

    @property
    def folder(self) -> Path:
        """The folder that the middle slice lies in."""
        return self.middle.path.parent

    @property
    def title(self) -> str:
        """What people call it: its description, with its number where it has one."""
        words = " ".join(self.series.title.split()) or _NO_DESCRIPTION
        return words if self.header.number is None else f"{self.header.number}: {words}"

    def facts(self) -> tuple[str, ...]:
        """Return what a person compares series by, in short: what it is of, its size, and when it was made."""
        rows, columns = self.middle.shape
        size = f"{columns} x {rows} px"
        kind = (self.modality, self.header.body_part)
        count = f"{self.slices} {'slice' if self.slices == 1 else 'slices'}"
        count += f" at {1 + len(self.series.later)} times" if self.series.later else ""
        when = " ".join(filter(None, (self.header.date, self.header.time)))
        who = "" if self.patient is None else f"patient {self.patient}"
        spacing = "" if self.spacing is None else spacing_words(self.spacing)
        lines = (
            ", ".join(filter(None, (*kind, count))),
            ", ".join(filter(None, (size, spacing))),
            ", ".join(filter(None, (when, self.header.study, who))),
        )
        return tuple(filter(None, lines))


def preview_series(path: str | Path) -> tuple[SeriesPreview, ...]:
    """Tell what series a folder holds; where it holds no slices, of the folders in it, such as those of a CD.

    Of a file, it is the series that it belongs to, or the parts that its frames make. Their numbers and names are those
    of :func:`~src_models.files.images.list_series`.

    Raises
    ------
    ImageError
        If there is no such folder or file, or no slice of a scan in it.
    """
    path = Path(path)
    if not path.exists():
        raise ImageError(f"{path}: there is no such folder; name the folder of DICOM slices")
    found = every_series(path)
    previews = [_preview(image, one, path) for image, one in zip(series_images(path, found), found, strict=True)]
    return _with_patients(previews)


def spacing_words(spacing: Sequence[float]) -> str:
    """Return distances (mm) of slices, rows and columns as sizes are written: across, down, and from slice to slice."""
    through, down, across = (f"{size:.3g}" for size in spacing)
    return f"{across} x {down} x {through} mm"


def _preview(image: ImageSeries, series: Series, folder: Path) -> SeriesPreview:
    alone = replace(series, others=(), found="")  # what lies beside all series is no remark on this one
    try:
        stack = stacked(alone, folder)
    except UnevenSlicesError as error:
        even = _resampled(alone, folder)
        said = error.told if even else str(error)
        return _told(image, series, _middle(series), refusal=_sentence(said, folder), uneven=even)
    except ImageError as error:
        return _told(image, series, _middle(series), refusal=_sentence(str(error), folder))
    through, down, across = (float(step) for step in np.linalg.norm(stack.affine[:3, :3], axis=0))
    middle = stack.slices[len(stack.slices) // 2]
    return _told(image, series, middle, spacing=(through, down, across), notes=stack.notes)


def _told(
    image: ImageSeries,
    series: Series,
    middle: Slice,
    *,
    spacing: tuple[float, float, float] | None = None,
    refusal: str = "",
    uneven: bool = False,
    notes: tuple[str, ...] = (),
) -> SeriesPreview:
    header = read_series_header(middle.path)
    return SeriesPreview(image, series, header, spacing, middle, refusal, uneven, notes)


def _resampled(series: Series, folder: Path) -> bool:
    """Whether a series makes a volume once its slices are resampled."""
    try:
        stacked(series, folder, "resample")
    except ImageError:
        return False
    return True


def _middle(series: Series) -> Slice:
    """Return the middle one of slices that make no volume, along the first one's normal."""
    ordered = sorted(series.slices, key=lambda one: float(one.position @ series.slices[0].normal))
    return ordered[len(ordered) // 2]


def _sentence(error: str, folder: Path) -> str:
    """Return an error without the folder, which a person chose."""
    return error.removeprefix(f"{folder}: ").replace(f"{folder}{os.sep}", "")


def _with_patients(previews: Sequence[SeriesPreview]) -> tuple[SeriesPreview, ...]:
    """Give the patients numbers, in the order of their series, where there are several."""
    numbers: dict[str, int] = {}
    for one in previews:
        numbers.setdefault(one.header.patient, len(numbers) + 1)
    if len(numbers) == 1:
        return tuple(previews)
    return tuple(replace(one, patient=numbers[one.header.patient]) for one in previews)


def no_series(previews: Sequence[SeriesPreview]) -> str:
    """Say which DICOM files beside series are none of them, such as reports; empty if nobody misses them."""
    others = {one.path: one for preview in previews for one in preview.series.others}
    return left_out(others.values())
