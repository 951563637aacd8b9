"""The series in a folder of DICOM slices; a file of NIfTI or NRRD is one scan."""

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

    if not path.is_dir():
        return numbered([Found(path.name, place=(path,))])
    return series_images(path, every_series(path))


def series_images(path: Path, found: Sequence[Series]) -> tuple[ImageSeries, ...]:
    """Give the series that were found in a folder numbers and names."""
    if len(found) == 1:
        return numbered([Found(found[0].slices[0].description or path.name, place=(path,))])
    return numbered(
        [
            Found(first.description or first.series, (len(one.slices), *first.shape), "ZYX", (one,))
            for one in found
            for first in one.slices[:1]
        ]
    )


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
    return read_volume(place, axes=axes, uneven=uneven)
