"""Read NRRD files (``.nrrd``, ``.nhdr`` with its values beside it, and 3D Slicer's segmentations, ``.seg.nrrd``).

Raw values are read plane by plane when they are needed; packed ones are unpacked into memory at once. The place is that
of ``space``, ``space directions`` and ``space origin``, a tilted gantry's shear among them; where the file names no
system of coordinates, or none of the patient, only the size of the voxels is known. NRRD has no rescaling: its numbers
are those that are meant, HU for CT.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.volumes.geometry import UNIT, VolumeGeometry
from src_models.files.volumes.nrrd_format.header import NrrdHeader, header_in, read_header
from src_models.files.volumes.nrrd_format.place import NrrdPlace, place_of
from src_models.files.volumes.nrrd_format.segments import StoredSegment, laid_over, read_segments
from src_models.files.volumes.nrrd_format.values import Stored
from src_models.files.volumes.raw_planes import lazy_planes
from src_models.files.volumes.volume import Segment, Volume
from src_models.images.axes import read_axes

__all__ = [
    "NRRD_SUFFIXES",
    "SEGMENTATION_SUFFIX",
    "is_nrrd",
    "lps_to_world",
    "named_values",
    "read_nrrd",
    "world_to_lps",
]

SEGMENTATION_SUFFIX = ".seg.nrrd"
NRRD_SUFFIXES = (SEGMENTATION_SUFFIX, ".nrrd", ".nhdr")
_SEGMENTATIONS = (SEGMENTATION_SUFFIX, ".seg.nhdr")
_REVERSED = np.eye(4)[[2, 1, 0, 3]]
_log = logging.getLogger(__name__)


def is_nrrd(path: str | Path) -> bool:
    """Tell by its name whether a file is NRRD."""
    return str(path).lower().endswith(NRRD_SUFFIXES)


def lps_to_world(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn an affine of DICOM's coordinates into one from arrays with slices first to napari's world.

    Parameters
    ----------
    affine
        (4, 4): from (i, j, k) to (left, posterior, superior).

    Returns
    -------
    NDArray
        (4, 4): from (k, j, i) to (superior, posterior, left).
    """
    return np.asarray(_REVERSED @ affine @ _REVERSED)


def world_to_lps(to_world: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn an affine from arrays with slices first to napari's world into one of DICOM's coordinates (both (4, 4))."""
    return np.asarray(_REVERSED @ to_world @ _REVERSED)


def read_nrrd(path: str | Path, *, axes: str | None = None) -> Volume:
    """Open an NRRD file.

    Parameters
    ----------
    path
        The file; of a detached header, the ``.nhdr``.
    axes
        Its axes by hand, such as ``"TYX"``; ``"ZYX"`` or ``"TZYX"`` unless given.

    Raises
    ------
    ImageError
        If the file is missing, no NRRD, damaged or cut off; has more than four axes; holds colours or vectors; or its
        directions are unusable.
    """
    path = Path(path)
    header = read_header(path)
    place = place_of(header, path)
    stored = Stored(header, place.sizes, path)
    read_axes(place.grid_shape, dtype=stored.dtype, axes=axes or "TZYX"[-len(place.grid_shape) :], name=str(path))
    grid, segments, notes = _labelled(header, _grid(stored, place), path)
    seconds = place.frame_seconds
    world = lps_to_world(place.to_lps)
    geometry = VolumeGeometry.of_grid(world, grid.shape[-3:], path=path, known=place.known)
    for note in notes:
        _log.warning("%s: %s", path, note)
    data = geometry.to_data(grid)
    reading = read_axes(
        data.shape,
        dtype=data.dtype,
        axes=axes or "TZYX"[-data.ndim :],
        spacing=dict(zip("ZYX", geometry.spacing, strict=True)),
        unit=UNIT,
        name=str(path),
    )
    told = bool(segments) or header.fields.get("content") == "labels" or path.name.lower().endswith(_SEGMENTATIONS)
    labels = told and data.dtype.kind in "iu"
    return Volume(
        data, reading, geometry, path, labels=labels, segments=segments, frame_seconds=seconds, notes=tuple(notes)
    )


def named_values(file: IO[bytes]) -> dict[int, str]:
    """Return what a segmentation of 3D Slicer calls the numbers of its labels, as :func:`read_nrrd` gives them.

    Parameters
    ----------
    file
        Any file; its beginning is read.

    Returns
    -------
    dict
        The name of each number; nothing where the file is no NRRD or names no segments.
    """
    file.seek(0)
    try:
        header = header_in(file, Path("the file"))
    except ImageError:
        return {}
    stored = read_segments(header.pairs)
    if len(header.words("sizes")) == 3 and _are_apart(stored):
        return {one.segment.value: one.segment.name for one in stored}
    return {number: one.segment.name for number, one in enumerate(stored, start=1)}


def _are_apart(stored: Sequence[StoredSegment]) -> bool:
    """Whether each segment has a number of its own."""
    return len({one.segment.value for one in stored}) == len(stored)


def _grid(stored: Stored, place: NrrdPlace) -> Any:
    """Return the values with slices first, ([t, ]k, j, i)."""
    offset = stored.offset
    if offset is not None and place.is_in_order:
        return lazy_planes(stored.path, place.grid_shape, stored.dtype, offset, kind="NRRD")
    values = stored.read()
    return place.to_grid(values.astype(values.dtype.newbyteorder("="), copy=False))


def _labelled(header: NrrdHeader, grid: Any, path: Path) -> tuple[Any, tuple[Segment, ...], list[str]]:
    """Return the labels that segments are, what they are called, and what was lost."""
    stored = read_segments(header.pairs)
    if not stored:
        if path.name.lower().endswith(_SEGMENTATIONS) and grid.ndim == 4:
            raise ImageError(
                f"{path}: it has several layers and does not say what is in them; save it again in 3D Slicer"
            )
        return grid, (), []
    if grid.ndim == 3 and _are_apart(stored):
        return grid, tuple(one.segment for one in stored), []
    layers = np.asarray(grid)
    labels, segments, lost = laid_over(layers if layers.ndim == 4 else layers[None], stored)
    if not lost:
        return labels, segments, []
    return labels, segments, [f"Its segments overlap; {lost} voxels that two of them share went to the later one."]
