"""Open a DICOM scan as one volume whose slices are read when they are needed.

Only headers are read on opening. Values are those that are meant: HU for CT, by each slice's own slope and intercept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.volumes.dicom_pixels import read_pixels
from src_models.files.volumes.dicom_series import all_series, find_series, stack_affine, stacked
from src_models.files.volumes.dicom_slices import Slice, is_dicom
from src_models.files.volumes.geometry import UNIT, VolumeGeometry
from src_models.files.volumes.rescaling import value_type
from src_models.files.volumes.volume import Volume
from src_models.images.axes import read_axes

__all__ = ["read_dicom", "read_dicom_series"]


def read_dicom(path: str | Path, *, axes: str | None = None) -> Volume:
    """Open the scan in a folder of DICOM files.

    Parameters
    ----------
    path
        A folder with one series, or any file of a series, whose slices are then taken from that file's folder. Any
        modality whose slices have a place in the patient is read: CT, MR, PET.
    axes
        Its axes by hand; ``"ZYX"`` unless given.

    Raises
    ------
    ImageError
        If there is no such path or no scan in it, or one that is no whole volume (see
        :func:`~src_models.files.volumes.dicom_series.find_series` and
        :func:`~src_models.files.volumes.dicom_series.stacked`).
    """
    path = Path(path)
    if not path.exists():
        raise ImageError(f"{path}: there is no such file or folder; check the name")
    if path.is_file() and not is_dicom(path):
        raise ImageError(f"{path}: its content is no DICOM, whatever its name says; open a folder of DICOM files")
    return _volume(find_series(path), path, axes)


def read_dicom_series(folder: str | Path) -> list[Volume | ImageError]:
    """Open every series in a folder of DICOM files.

    Returns
    -------
    list
        For each series its scan, or the error that says why it is no whole volume.

    Raises
    ------
    ImageError
        If there are no slices, or a file is damaged.
    """
    opened: list[Volume | ImageError] = []
    for series in all_series(Path(folder)):
        try:
            opened.append(_volume(series, Path(folder), None))
        except ImageError as error:
            opened.append(error)
    return opened


def _volume(series: list[Slice], path: Path, axes: str | None) -> Volume:
    slices = stacked(series, path)
    lazy = _lazy(slices)
    geometry = VolumeGeometry.of_grid(stack_affine(slices), lazy.shape, path=path)
    data = geometry.to_data(lazy)
    spacing = dict(zip("ZYX", geometry.spacing, strict=True))
    reading = read_axes(data.shape, dtype=data.dtype, axes=axes or "ZYX", spacing=spacing, unit=UNIT, name=str(path))
    first = slices[0]
    return Volume(data, reading, geometry, path, modality=first.modality or None, description=first.description)


def _lazy(slices: list[Slice]) -> Any:
    import dask.array as da

    stack = _Stack(slices)
    lazy: Any = da.from_array(stack, chunks=(1, *stack.shape[1:]), name=False, meta=np.empty((0, 0, 0), stack.dtype))  # type: ignore[no-untyped-call]
    return lazy


class _Stack:
    """The values of slices in order, (slice, row, column), read when they are asked for."""

    def __init__(self, slices: list[Slice]) -> None:
        self._slices = slices
        low = min(one.stored_limits[0] for one in slices)
        high = max(one.stored_limits[1] for one in slices)
        stored = np.result_type(*{one.stored_type for one in slices})
        self.dtype = value_type(stored, low, high, (one.rescaling for one in slices))
        self.shape, self.ndim = (len(slices), *slices[0].shape), 3

    def __getitem__(self, place: tuple[Any, ...]) -> NDArray[Any]:
        number, rows, columns = place
        if isinstance(number, slice):
            return np.stack([read_pixels(one, self.dtype)[rows, columns] for one in self._slices[number]])
        return np.asarray(read_pixels(self._slices[number], self.dtype)[rows, columns])
