"""The series in a folder of DICOM slices; a file of NIfTI or NRRD is one scan."""

from __future__ import annotations

from pathlib import Path

from src_models.files.series.image_series import Found, ImageSeries, numbered

__all__ = ["scan_images"]


def scan_images(path: Path) -> tuple[ImageSeries, ...]:
    """Return the scans in a file or folder; the place of each is a path that opens it.

    Any file of a series opens the series, so a folder of several has a file of each.

    Raises
    ------
    ImageError
        If a folder holds no slices, or a file in it is damaged.
    """
    from src_models.files.volumes.dicom.series import all_series

    if not path.is_dir():
        return numbered([Found(path.name, place=(path,))])
    found = [series.slices for series in all_series(path)]
    if len(found) == 1:
        return numbered([Found(found[0][0].description or path.name, place=(path,))])
    return numbered(
        [
            Found(slices[0].description or slices[0].series, (len(slices), *slices[0].shape), "ZYX", (slices[0].path,))
            for slices in found
        ]
    )
