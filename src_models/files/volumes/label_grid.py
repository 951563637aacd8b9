"""Labels of a scan on the grid of its file, as every format of scans writes them: checked, small, plane by plane."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import OutputError
from src_models.files.volumes.geometry import VolumeGeometry

__all__ = ["check_not_the_scan", "label_grid", "packed", "planes", "smallest_type"]

_COMPRESSION = 3  # labels are mostly runs of one number; more effort gains little


def check_not_the_scan(path: Path, geometry: VolumeGeometry) -> None:
    """Refuse a path that is the scan's own.

    Raises
    ------
    OutputError
        If it is.
    """
    if geometry.path is not None and path.resolve() == geometry.path.resolve():
        raise OutputError(f"{path} is the scan itself and is not overwritten; choose another name for its labels")


def label_grid(labels: Any, geometry: VolumeGeometry) -> Any:
    """Return labels ([t, ]z, y, x) with the axes of the scan's file, ([t, ]k, j, i).

    Raises
    ------
    ValueError
        If they are no integers, or do not have the scan's shape.
    """
    array = labels if hasattr(labels, "transpose") else _dask(labels)
    if array.ndim not in (3, 4) or array.shape[-3:] != geometry.shape or array.dtype.kind not in "iub":
        raise ValueError(
            f"labels of shape {array.shape} and type {array.dtype} are no labels of a scan of shape {geometry.shape}"
        )
    return geometry.to_grid(array)


def _dask(labels: Any) -> Any:
    import dask.array as da

    return da.from_array(labels)  # type: ignore[no-untyped-call]


def planes(grid: Any) -> Iterator[NDArray[Any]]:
    """Give the planes of a grid ([t, ]k, j, i) one after the other, as files store them (i runs fastest)."""
    for place in np.ndindex(grid.shape[:-2]):
        yield np.ascontiguousarray(grid[place])


def smallest_type(grid: Any) -> np.dtype[Any]:
    """Return the smallest unsigned type that holds all labels.

    Raises
    ------
    ValueError
        If some are negative.
    """
    low = high = 0
    for plane in planes(grid):
        low, high = min(low, int(plane.min())), max(high, int(plane.max()))
    if low < 0:
        raise ValueError(f"labels are negative ({low})")
    return np.min_scalar_type(high)


@contextmanager
def packed(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Give a file to write to whose content is packed by gzip behind what stands in `file` already."""
    # No name and no time: the same labels give the same file.
    with gzip.GzipFile("", "wb", _COMPRESSION, file, mtime=0) as within:
        yield within  # type: ignore[misc]
