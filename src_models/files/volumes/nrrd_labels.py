"""Write labels of a scan, or its grey values, as NRRD, voxel for voxel on the scan's own grid.

The place is written in DICOM's coordinates (left-posterior-superior), as 3D Slicer and ITK write it; a sheared grid,
which NIfTI readers of ITK refuse, keeps its shear. A name that ends with ``.seg.nrrd`` makes a segmentation of 3D
Slicer, whose segments are called what the numbers stand for.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from src_models.disk.atomic import atomic_path
from src_models.errors import OutputError
from src_models.files.volumes.geometry import VolumeGeometry
from src_models.files.volumes.label_grid import check_not_the_scan, label_grid, planes, smallest_type
from src_models.files.volumes.nrrd import SEGMENTATION_SUFFIX, world_to_lps
from src_models.files.volumes.nrrd_format.header import format_header, format_vector
from src_models.files.volumes.nrrd_format.packing import PackedPlanes
from src_models.files.volumes.nrrd_format.place import LPS
from src_models.files.volumes.nrrd_format.segments import Box, segment_pairs
from src_models.files.volumes.nrrd_format.values import TYPE_NAMES
from src_models.files.volumes.volume import Segment

__all__ = ["write_nrrd", "write_nrrd_labels", "write_nrrd_to"]

_MOST_SEGMENTS = 10_000


def write_nrrd_labels(
    path: str | Path,
    labels: Any,
    geometry: VolumeGeometry,
    *,
    overwrite: bool = False,
    frame_seconds: float = 1.0,
    segments: Sequence[Segment] | None = None,
) -> Path:
    """Write labels as an NRRD file that lies exactly on the scan they belong to.

    Parameters
    ----------
    path
        The file to make, ``.nrrd`` or ``.seg.nrrd``.
    labels
        ([t, ]z, y, x) integers or booleans in the axes of the scan's data; NumPy, dask or zarr. They are written
        plane by plane.
    geometry
        Of the scan (see :class:`~src_models.files.volumes.volume.Volume`).
    overwrite
        Whether an existing file may be replaced. The scan itself never is.
    frame_seconds
        Time (s) from one volume to the next, for labels with time.
    segments
        What the numbers stand for, in the order in which programs list them. A ``.seg.nrrd`` without them gets one for
        each number that is there.

    Returns
    -------
    Path
        `path`. The numbers are of 8, 16 or 32 bits without sign, whichever holds the largest.

    Raises
    ------
    OutputError
        If the file exists and may not be replaced, is the scan itself, has another suffix, cannot be written, or is a
        segmentation with time or with more than 10,000 segments.
    ValueError
        If the labels are negative, no integers, or do not have the scan's shape.
    """
    path = Path(path)
    _check_name(path)
    check_not_the_scan(path, geometry)
    grid = label_grid(labels, geometry)
    dtype = smallest_type(grid)
    if path.name.lower().endswith(SEGMENTATION_SUFFIX):
        segments = _all_segments(path, grid, segments)
    with atomic_path(path, overwrite=overwrite) as beside, beside.open("wb") as file:
        write_nrrd_to(
            file, grid, geometry, dtype=dtype, frame_seconds=frame_seconds, segments=segments or (), content="labels"
        )
    return path


def write_nrrd(
    path: str | Path, data: Any, geometry: VolumeGeometry, *, overwrite: bool = False, frame_seconds: float = 1.0
) -> Path:
    """Write the grey values of a scan, ([t, ]z, y, x) in the axes of its data, as an NRRD file.

    Raises
    ------
    OutputError
        If the file exists and may not be replaced, has another suffix than ``.nrrd``, or cannot be written.
    """
    path = Path(path)
    _check_name(path)
    with atomic_path(path, overwrite=overwrite) as beside, beside.open("wb") as file:
        write_nrrd_to(file, geometry.to_grid(data), geometry, frame_seconds=frame_seconds)
    return path


def write_nrrd_to(
    file: IO[bytes],
    grid: Any,
    geometry: VolumeGeometry,
    *,
    dtype: np.dtype[Any] | None = None,
    frame_seconds: float = 1.0,
    segments: Sequence[Segment] = (),
    content: str = "",
) -> None:
    """Write an NRRD file, packed by gzip, into an open file.

    Parameters
    ----------
    file
        To write to, in bytes.
    grid
        ([t, ]k, j, i) values on the grid of the scan's file (:meth:`VolumeGeometry.to_grid`).
    geometry
        Of the scan.
    dtype
        Type to write; that of `grid` unless given.
    frame_seconds
        Time (s) from one volume to the next.
    segments
        What the numbers of labels stand for.
    content
        What the file holds, in a word.
    """
    stored = np.dtype(dtype or grid.dtype)
    stored = np.dtype(np.uint8) if stored.kind == "b" else stored.newbyteorder("<")
    pairs = segment_pairs(segments, _boxes(grid)) if segments else {}
    file.write(format_header(_fields(grid.shape, stored, geometry, frame_seconds, content), pairs))
    with PackedPlanes(file) as within:
        for plane in planes(grid):
            if plane.any():
                within.write(plane.astype(stored).tobytes())
            else:
                within.write_zeros(plane.size * stored.itemsize)


def _check_name(path: Path) -> None:
    if not path.name.lower().endswith(".nrrd"):
        raise OutputError(f"{path}: this is written as NRRD in one file; end the name with .nrrd or .seg.nrrd")


def _fields(
    shape: tuple[int, ...], stored: np.dtype[Any], geometry: VolumeGeometry, frame_seconds: float, content: str
) -> dict[str, str]:
    lps = world_to_lps(geometry.grid_affine)
    directions = [format_vector(lps[:3, axis].tolist()) for axis in range(3)]
    time = len(shape) == 4
    # A scan without a known place gives its labels none: other programs then take both in the same way.
    told = geometry.known or geometry.nifti_header is not None
    fields = {
        "type": TYPE_NAMES[stored.str[1:]],
        "dimension": str(len(shape)),
        **({"space": LPS} if told else {"space dimension": "3"}),
        "sizes": " ".join(map(str, shape[::-1])),
        "space directions": " ".join([*directions, *["none"] * time]),
        "kinds": " ".join([*["domain"] * 3, *["list"] * time]),
        "endian": "little",
        "encoding": "gzip",
        "space origin": format_vector(lps[:3, 3].tolist()),
    }
    if time:
        fields |= {"spacings": f"NaN NaN NaN {frame_seconds!r}", "units": '"mm" "mm" "mm" "s"'}
    return {"content": content, **fields} if content else fields


def _all_segments(path: Path, grid: Any, segments: Sequence[Segment] | None) -> Sequence[Segment]:
    if grid.ndim != 3:
        raise OutputError(f"{path}: a segmentation of 3D Slicer has no time; end the name with .nrrd alone")
    if segments is None:
        found: set[int] = set()
        for plane in planes(grid):
            found.update(np.unique(plane).tolist())
        segments = [Segment(value, f"Segment {value}") for value in sorted(found - {0})]
    if len(segments) > _MOST_SEGMENTS:
        raise OutputError(
            f"{path}: {len(segments)} objects are more than a segmentation of 3D Slicer is made for; end the name with "
            ".nrrd alone"
        )
    return segments


def _boxes(grid: Any) -> dict[int, Box]:
    """Return for each number its first and last index along i, j and k."""
    ends: dict[int, NDArray[np.int64]] = {}
    for k, plane in enumerate(planes(grid)):
        for value in np.unique(plane).tolist():
            j, i = np.nonzero(plane == value)
            here = np.array([[i.min(), i.max()], [j.min(), j.max()], [k, k]])
            known = ends.get(value, here)
            ends[value] = np.stack([np.minimum(known[:, 0], here[:, 0]), np.maximum(known[:, 1], here[:, 1])], axis=1)
    return {
        value: ((int(i[0]), int(i[1])), (int(j[0]), int(j[1])), (int(k[0]), int(k[1])))
        for value, (i, j, k) in ends.items()
    }
