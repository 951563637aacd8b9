"""Open a DICOM scan as one volume whose slices are read when they are needed.

Only headers are read on opening. Values are those that are meant: HU for CT, by each slice's own slope and intercept,
and SUV for PET where the header has what that needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.volumes.dicom.encoding import is_dicom
from src_models.files.volumes.dicom.pixels import read_frame
from src_models.files.volumes.dicom.series import Series, all_series, file_series, find_series
from src_models.files.volumes.dicom.slices import Slice
from src_models.files.volumes.dicom.stack import Stack, Uneven, stacked
from src_models.files.volumes.dicom_preview.series_header import read_series_header
from src_models.files.volumes.geometry import UNIT, VolumeGeometry
from src_models.files.volumes.rescaling import value_type
from src_models.files.volumes.values.dicom_values import HU
from src_models.files.volumes.volume import Volume
from src_models.images.axes import read_axes

__all__ = ["read_dicom", "read_dicom_series", "read_series"]

_ON_A_SLICE = 1e-6  # of the way to the next


def read_dicom(path: str | Path, *, axes: str | None = None, uneven: Uneven = "refuse", part: str = "") -> Volume:
    """Open the scan in a folder of DICOM files, or in one file of many frames.

    Parameters
    ----------
    path
        A folder with one series, itself or further in, or any file of a series, whose slices are then taken from that
        file's folder. Any modality whose slices or frames have a place in the patient is read: CT, MR, PET, doses.
    axes
        Its axes by hand; ``"ZYX"`` unless given, and of frames over time ``"TZYX"``.
    uneven
        What becomes of slices at uneven distances: ``"refuse"``, or ``"resample"`` for planes at even distances,
        linearly between the slices.
    part
        Which part, of a file whose frames are several series (the name that the error about them gives it).

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
    return read_series(find_series(path, part), path, axes=axes, uneven=uneven)


def read_dicom_series(path: str | Path, *, uneven: Uneven = "refuse") -> list[Volume | ImageError]:
    """Open every series in a folder of DICOM files, or all that a file of many frames holds.

    Returns
    -------
    list
        For each series its scan, or the error that says why it is no whole volume.

    Raises
    ------
    ImageError
        If there are no slices, or scans in several folders further in.
    """
    opened: list[Volume | ImageError] = []
    path = Path(path)
    for series in all_series(path) if path.is_dir() else file_series(path):
        try:
            opened.append(read_series(series, path, uneven=uneven))
        except ImageError as error:
            opened.append(error)
    return opened


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
    stacks = [stack, *(stacked(replace(series, slices=later), path, uneven) for later in series.later)]
    if any(len(one.between) != len(stack.between) for one in stacks):
        raise ImageError(f"{path}: its times have different numbers of planes; open each time in a file of its own")
    values = _Values(stacks)
    lazy = _lazy(values)
    whole = len(stacks) == 1  # a segmentation has no time
    geometry = VolumeGeometry.of_grid(
        stack.affine,
        lazy.shape[-3:],
        path=path,
        files=stack.files if whole else (),
        frames=stack.frames if whole else (),
    )
    data = geometry.to_data(lazy)
    spacing = dict(zip("ZYX", geometry.spacing, strict=True))
    letters = axes or "TZYX"[-data.ndim :]
    reading = read_axes(data.shape, dtype=data.dtype, axes=letters, spacing=spacing, unit=UNIT, name=str(path))
    first = stack.slices[0]
    reading = replace(reading, modality=_kind(first), padding=values.padding, value_unit=first.unit)
    return Volume(
        data,
        reading,
        geometry,
        path,
        description=series.title,
        frame_seconds=series.seconds,
        notes=stack.notes,
        windows=read_series_header(stack.slices[len(stack.slices) // 2].path).windows if first.plain else (),
    )


def _kind(one: Slice) -> str | None:
    """Return what made a scan; of a CT whose values are no HU, such as a map of iodine, that as well."""
    if one.modality == "CT" and one.unit != HU:
        return f"CT ({one.unit})"
    return one.modality or None


def _lazy(values: _Values) -> Any:
    import dask.array as da

    chunks = (*(1 for _ in values.shape[:-2]), *values.shape[-2:])
    empty = np.empty((0,) * values.ndim, values.dtype)
    lazy: Any = da.from_array(values, chunks=chunks, name=False, meta=empty)  # type: ignore[no-untyped-call]
    return lazy


class _Values:
    """The values of slices in order, ([time, ]plane, row, column), read when they are asked for."""

    def __init__(self, stacks: Sequence[Stack]) -> None:
        self._stacks = stacks
        self._slices = [one for stack in stacks for one in stack.slices]
        pixels = {one.pixels for one in self._slices}
        low = min(one.stored_limits[0] for one in pixels)
        high = max(one.stored_limits[1] for one in pixels)
        stored = np.result_type(*{one.stored_type for one in pixels})
        self.dtype = value_type(stored, low, high, (one.rescaling for one in self._slices))
        shape = (len(stacks[0].between), *stacks[0].slices[0].shape)
        self.shape: tuple[int, ...] = shape if len(stacks) == 1 else (len(stacks), *shape)
        self.ndim = len(self.shape)

    @property
    def padding(self) -> tuple[tuple[float, float], ...]:
        """Ranges of values that stand for no tissue: one, or one for each rescaling of slices."""
        return tuple(sorted({self._padding(one) for one in self._slices if one.padding is not None}))

    def _padding(self, one: Slice) -> tuple[float, float]:
        ends = one.rescaling(np.array(one.padding, one.pixels.stored_type), self.dtype)
        return float(ends.min()), float(ends.max())

    def __getitem__(self, place: tuple[Any, ...]) -> NDArray[Any]:
        if self.ndim == 3:
            return self._planes(self._stacks[0], *place)
        moment, *inside = place
        if isinstance(moment, slice):
            return np.stack([self._planes(stack, *inside) for stack in self._stacks[moment]])
        return self._planes(self._stacks[moment], *inside)

    def _planes(self, stack: Stack, number: Any, rows: Any, columns: Any) -> NDArray[Any]:
        if isinstance(number, slice):
            return np.stack([self._plane(stack, between)[rows, columns] for between in stack.between[number]])
        return np.asarray(self._plane(stack, stack.between[number])[rows, columns])

    def _plane(self, stack: Stack, between: float) -> NDArray[Any]:
        """Return a plane at a fraction of the way from one slice to the next, by linear interpolation."""
        before = round(between) if abs(between - round(between)) < _ON_A_SLICE else int(between)
        share = between - before
        values = self._read(stack.slices[before])
        if share < _ON_A_SLICE:
            return values
        after = self._read(stack.slices[before + 1])
        mixed = (1 - share) * values.astype(np.float64) + share * after
        return (mixed if self.dtype.kind == "f" else np.rint(mixed)).astype(self.dtype)

    def _read(self, one: Slice) -> NDArray[Any]:
        return one.rescaling(read_frame(one.pixels, one.frame), self.dtype)
