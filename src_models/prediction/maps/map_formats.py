"""Attention maps as files: NIfTI on the place of a scan, so that they lie on it in other programs; else OME-TIFF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from src_models.errors import ImageError, OutputError

if TYPE_CHECKING:
    from src_models.attention.placed_map import PlacedMap
    from src_models.files.images import ImageFile
    from src_models.files.volumes.geometry import VolumeGeometry
    from src_models.images.axes import AxesReading

__all__ = ["MAP_ENDINGS", "map_ending", "read_map", "scan_place", "write_placed_map"]

MAP_ENDINGS = {"nifti": ".nii.gz", "tiff": ".ome.tif"}


_NOTED, _PLACE = ("name", "kind", "description", "level"), ("scale", "translate")


def scan_place(image: ImageFile) -> VolumeGeometry | None:
    """Return where a scan lies; None for other images, and where a person says that an axis of it is channels."""
    return image.geometry if "C" not in image.reading.axes[-3:] else None


def map_ending(map_format: str | None, *, of_scan: bool, name: str) -> str:
    """Return what the names of files of maps end with.

    Parameters
    ----------
    map_format
        One of :data:`MAP_ENDINGS`; None takes NIfTI for a scan, and OME-TIFF for other images.
    of_scan
        Whether the image is a scan, which has a place in the patient.
    name
        What to call the image in errors.

    Raises
    ------
    OutputError
        If maps of what is no scan are to be NIfTI.
    """
    if map_format is None:
        return MAP_ENDINGS["nifti" if of_scan else "tiff"]
    if map_format == "nifti" and not of_scan:
        raise OutputError(
            f"{name} is no scan (NIfTI, NRRD, DICOM), so its maps have no place in a patient, which NIfTI would hold; "
            "leave out the format: they are then written as OME-TIFF"
        )
    return MAP_ENDINGS[map_format]


def write_placed_map(
    path: str | Path,
    placed: PlacedMap,
    *,
    reading: AxesReading,
    geometry: VolumeGeometry | None,
    overwrite: bool = False,
) -> Path:
    """Write a map at its own resolution as the name says.

    Parameters
    ----------
    path
        The file to make: ``.nii.gz``, of a scan, or ``.ome.tif``.
    placed
        The map.
    reading, geometry
        How the image is read, and, of a scan, where it lies.
    overwrite
        Whether an existing file may be replaced.

    Raises
    ------
    OutputError
        If the file exists and may not be replaced, or cannot be written; nothing half-written is left.
    """
    if geometry is not None and str(path).endswith(MAP_ENDINGS["nifti"]):
        from src_models.files.volumes.values.nifti_values import write_nifti_values

        return write_nifti_values(
            path,
            np.asarray(placed.data),
            geometry,
            scale=placed.scale[-3:],
            translate=placed.translate[-3:],
            name=placed.name,
            description=placed.description,
            notes={
                **{name: getattr(placed, name) for name in _NOTED},
                **{name: _numbers(placed, name) for name in _PLACE},
            },
            overwrite=overwrite,
        )
    from src_models.attention.map_files import write_map

    return write_map(path, placed, reading=reading, overwrite=overwrite)


def read_map(path: str | Path) -> PlacedMap:
    """Read an attention map from a file, NIfTI or OME-TIFF, with its place in pixels of its image.

    Parameters
    ----------
    path
        A file that `napari-medt attention`, `segment --attention` or the widget Attention wrote.

    Returns
    -------
    PlacedMap
        With its axes in the order T, Z, Y, X.

    Raises
    ------
    ImageError
        If the file is missing or damaged, or holds no attention map.
    """
    if not str(path).lower().endswith((".nii", ".nii.gz")):
        from src_models.attention.map_files import read_map as read_tiff

        return read_tiff(path)
    from src_models.attention.placed_map import PlacedMap
    from src_models.files.volumes.values.nifti_values import read_nifti_values

    data, notes = read_nifti_values(path)
    if not {*_NOTED, *_PLACE} <= notes.keys():
        raise ImageError(f"{path}: it holds no attention map; open one that `napari-medt attention` wrote")
    scale, translate = (tuple(map(float, notes[name])) for name in _PLACE)
    return PlacedMap(
        name=str(notes["name"]),
        kind=str(notes["kind"]),
        description=str(notes["description"]),
        level=int(notes["level"]),
        data=data,
        scale=scale,
        translate=translate,
    )


def _numbers(placed: PlacedMap, name: str) -> list[float]:
    return [float(number) for number in getattr(placed, name)]
