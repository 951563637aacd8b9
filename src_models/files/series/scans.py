"""The series in a folder of DICOM slices, or in a file of many frames; a file of NIfTI or NRRD is one scan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from src_models.files.series.image_series import Found, ImageSeries, numbered

if TYPE_CHECKING:
    from src_models.files.volumes.dicom.series import Series
    from src_models.files.volumes.dicom.stack import Uneven
    from src_models.files.volumes.volume import Volume

__all__ = ["read_scan_image", "scan_images", "series_images"]


def scan_images(path: Path) -> tuple[ImageSeries, ...]:
    """Return the scans in a file or folder; the place of each is its series, or a path that opens it.

    Of a folder without slices, they are those in the folders in it.

    Raises
    ------
    ImageError
        If a folder holds no slices, or a file in it is damaged.
    """
    from src_models.files.volumes.dicom.series import every_series

    if not path.is_dir() and not _has_frames(path):
        return numbered([Found(path.name, place=(path,))])
    return series_images(path, every_series(path))


def series_images(path: Path, found: Sequence[Series]) -> tuple[ImageSeries, ...]:
    """Give the series that were found in a folder, or in a file of many frames, numbers and names."""
    if len(found) == 1:
        return numbered([Found(found[0].title or path.name, place=(path,))])
    return numbered([_found(one) for one in found])


def read_scan_image(path: Path, image: ImageSeries, *, axes: str | None = None, uneven: Uneven = "refuse") -> Volume:
    """Open one of the scans in a file or folder.

    Parameters
    ----------
    path
        The file or folder.
    image
        As :func:`scan_images` gave it.
    axes, uneven
        As for :func:`~src_models.files.volumes.opening.read_volume`.

    Raises
    ------
    ImageError
        If it cannot be read as one whole volume.
    """
    from src_models.files.volumes.dicom.series import Series
    from src_models.files.volumes.dicom_volume import read_series
    from src_models.files.volumes.opening import read_volume

    (place,) = image.place
    if isinstance(place, Series):
        return read_series(place, place.slices[0].path, axes=axes, uneven=uneven)
    return read_volume(path, axes=axes, uneven=uneven)


def _found(series: Series) -> Found:
    first = series.slices[0]
    shape = (len(series.slices), *first.shape)
    timed = (1 + len(series.later), *shape) if series.later else shape
    return Found(series.title or first.series, timed, "TZYX"[-len(timed) :], (series,))


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
