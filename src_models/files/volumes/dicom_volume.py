"""Open a DICOM scan as one volume whose slices are read when they are needed.

Only headers are read on opening. Values are those that are meant: HU for CT, by each slice's own slope and intercept.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.volumes.dicom.encoding import is_dicom
from src_models.files.volumes.dicom.pixels import read_pixels
from src_models.files.volumes.dicom.series import Series, find_series
from src_models.files.volumes.dicom.slices import Slice
from src_models.files.volumes.dicom.stack import Stack, Uneven, stacked
from src_models.files.volumes.dicom_preview.series_header import read_series_header
from src_models.files.volumes.geometry import UNIT, VolumeGeometry
from src_models.files.volumes.rescaling import value_type
from src_models.files.volumes.volume import Volume
from src_models.images.axes import read_axes

__all__ = ["read_dicom", "read_series"]

_ON_A_SLICE = 1e-6  # of the way to the next


def read_dicom(path: str | Path, *, axes: str | None = None, uneven: Uneven = "refuse") -> Volume:
    """Open the scan in a folder of DICOM files.

    Parameters
    ----------
    path
        A folder with one series, itself or further in, or any file of a series, whose slices are then taken from that
        file's folder. Any modality whose slices have a place in the patient is read: CT, MR, PET.
    axes
        Its axes by hand; ``"ZYX"`` unless given.
    uneven
        What becomes of slices at uneven distances: ``"refuse"``, or ``"resample"`` for planes at even distances,
        linearly between the slices.

    Raises
    ------
    UnevenSlicesError
        If the distances of slices are uneven and they are not resampled.
    ImageError
        If there is no such path or no scan in it, or one that is no whole volume (see
        :func:`~src_models.files.volumes.dicom.series.find_series` and
        :func:`~src_models.files.volumes.dicom.stack.stacked`).
    """
    path = Path(path)
    if not path.exists():
        raise ImageError(f"{path}: there is no such file or folder; check the name")
    if path.is_file() and not is_dicom(path):
        raise ImageError(f"{path}: its content is no DICOM, whatever its name says; open a folder of DICOM files")
    return read_series(find_series(path), path, axes=axes, uneven=uneven)


def read_series(series: Series, path: Path, *, axes: str | None = None, uneven: Uneven = "refuse") -> Volume:
    """Open a series whose slices are known.

    Parameters
    ----------
    series
        The series.
    path
        The folder or file that was named, for errors and as the volume's own.
    axes, uneven
        As for :func:`read_dicom`.

    Raises
    ------
    ImageError
        As :func:`read_dicom` does.
    """
    stack = stacked(series, path, uneven)
    values = _Values(stack)
    lazy = _lazy(values)
    geometry = VolumeGeometry.of_grid(stack.affine, lazy.shape, path=path, files=stack.files)
    data = geometry.to_data(lazy)
    spacing = dict(zip("ZYX", geometry.spacing, strict=True))
    reading = read_axes(data.shape, dtype=data.dtype, axes=axes or "ZYX", spacing=spacing, unit=UNIT, name=str(path))
    first = stack.slices[0]
    reading = replace(reading, modality=first.modality or None, padding=values.padding)
    windows = read_series_header(stack.slices[len(stack.slices) // 2].path).windows
    return Volume(data, reading, geometry, path, description=first.description, notes=stack.notes, windows=windows)


def _lazy(values: _Values) -> Any:
    import dask.array as da

    chunks = (1, *values.shape[1:])
    lazy: Any = da.from_array(values, chunks=chunks, name=False, meta=np.empty((0, 0, 0), values.dtype))  # type: ignore[no-untyped-call]
    return lazy


class _Values:
    """The values of slices in order, (plane, row, column), read when they are asked for."""

    def __init__(self, stack: Stack) -> None:
        self._slices, self._between = stack.slices, stack.between
        low = min(one.stored_limits[0] for one in stack.slices)
        high = max(one.stored_limits[1] for one in stack.slices)
        stored = np.result_type(*{one.stored_type for one in stack.slices})
        self.dtype = value_type(stored, low, high, (one.rescaling for one in stack.slices))
        self.shape, self.ndim = (len(stack.between), *stack.slices[0].shape), 3

    @property
    def padding(self) -> tuple[tuple[float, float], ...]:
        """Ranges of values that stand for no tissue: one, or one for each rescaling of slices."""
        return tuple(sorted({self._padding(one) for one in self._slices if one.padding is not None}))

    def _padding(self, one: Slice) -> tuple[float, float]:
        ends = one.rescaling(np.array(one.padding, one.stored_type), self.dtype)
        return float(ends.min()), float(ends.max())

    def __getitem__(self, place: tuple[Any, ...]) -> NDArray[Any]:
        number, rows, columns = place
        if isinstance(number, slice):
            return np.stack([self._plane(between)[rows, columns] for between in self._between[number]])
        return np.asarray(self._plane(self._between[number])[rows, columns])

    def _plane(self, between: float) -> NDArray[Any]:
        """Return a plane at a fraction of the way from one slice to the next, by linear interpolation."""
        before = round(between) if abs(between - round(between)) < _ON_A_SLICE else int(between)
        share = between - before
        values = read_pixels(self._slices[before], self.dtype)
        if share < _ON_A_SLICE:
            return values
        after = read_pixels(self._slices[before + 1], self.dtype)
        mixed = (1 - share) * values.astype(np.float64) + share * after
        return (mixed if self.dtype.kind == "f" else np.rint(mixed)).astype(self.dtype)
