"""The series in a folder of DICOM slices, or in a file of many frames; a file of NIfTI or NRRD is one scan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from src_models.files.series.image_series import Found, ImageSeries, numbered

if TYPE_CHECKING:
    from src_models.files.volumes.dicom.series import Series

__all__ = ["scan_images"]


def scan_images(path: Path) -> tuple[ImageSeries, ...]:
    """Return the scans in a file or folder; the place of each is a path that opens it, and which part of that it is.

    Any file of a series opens the series, so a folder of several has a file of each.

    Raises
    ------
    ImageError
        If a folder holds no slices, or a file in it is damaged.
    """
    from src_models.files.volumes.dicom.series import all_series, file_series

    if path.is_dir():
        found = all_series(path)
    elif _has_frames(path):
        found = file_series(path)
    else:
        return numbered([Found(path.name, place=(path,))])
    if len(found) == 1:
        return numbered([Found(found[0].title or path.name, place=(path,))])
    return numbered([_found(one) for one in found])


def _found(series: Series) -> Found:
    first = series.slices[0]
    shape = (len(series.slices), *first.shape)
    timed = (1 + len(series.later), *shape) if series.later else shape
    place = (first.path, series.part) if series.part else (first.path,)
    return Found(series.title or first.series, timed, "TZYX"[-len(timed) :], place)


def _has_frames(path: Path) -> bool:
    from src_models.errors import ImageError
    from src_models.files.volumes.dicom.encoding import is_dicom
    from src_models.files.volumes.dicom.reading import read_slices
    from src_models.files.volumes.dicom.slices import NoSlice

    try:
        found = read_slices(path) if is_dicom(path) else ()
    except ImageError:  # said when it is opened
        return False
    return not isinstance(found, NoSlice) and len(found) > 1
