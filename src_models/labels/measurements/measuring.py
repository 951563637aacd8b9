"""Measure every object of a label image, each in its own box, and what an image holds in it.

Examples
--------
>>> labels = np.array([[1, 1, 0], [0, 0, 2]])
>>> table = measure(labels, np.array([[4, 6, 0], [0, 0, 9]]), space=PixelSpace.of_spacing((2.0, 0.5), "µm"))
>>> table.columns["area (µm²)"], table.columns["mean"]
([2.0, 1.0], [5.0, 9.0])
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.labels.measurements.boxes import Box, FoundObjects, find_steps
from src_models.labels.measurements.one_object import STATISTICS, Shape, intensities, shape_of
from src_models.labels.measurements.space import PixelSpace
from src_models.labels.measurements.table import ID, Measurements
from src_models.progress import Progress, finish

__all__ = ["measure", "measure_steps"]

_BLOCK = {2: 1024, 3: 96}  # px along each axis that are read at a time, for the objects in them together
_SAY_EVERY = 0.05  # s
# Units that only scans of patients have.
_SCAN_NOTES = {
    unit: f"Not a medical device: check measurements of {scans} before anything rests on them."
    for unit, scans in (("HU", "CT"), ("SUVbw", "PET"), ("Bq/mL", "PET"), ("Gy", "doses"))
}


def measure(
    labels: Any,
    image: Any = None,
    *,
    space: PixelSpace | None = None,
    axes: str | None = None,
    channels: Sequence[str] | None = None,
    unit: str = "",
    names: Mapping[int, str] | None = None,
) -> Measurements:
    """Measure all objects at once; see :func:`measure_steps`."""
    return finish(measure_steps(labels, image, space=space, axes=axes, channels=channels, unit=unit, names=names))


def measure_steps(
    labels: Any,
    image: Any = None,
    *,
    space: PixelSpace | None = None,
    axes: str | None = None,
    channels: Sequence[str] | None = None,
    unit: str = "",
    names: Mapping[int, str] | None = None,
) -> Generator[Progress, None, Measurements]:
    """Measure all objects, in steps.

    Parameters
    ----------
    labels
        ([T, ][Z, ]Y, X) integers; NumPy, dask or zarr. What is not above 0 is background. Frames are measured each by
        itself; Z makes objects of voxels.
    image
        What the labels lie on: their shape, with the channels, if it has any, as a further last axis. None measures
        sizes alone.
    space
        Of Z, Y and X; pixels of size 1 unless given.
    axes
        Letters of the axes of `labels`; YX, ZYX or TZYX by their number unless given.
    channels
        Names of the channels; None for an image without such an axis.
    unit
        What its values are, such as ``"HU"``; empty where that is not known.
    names
        What numbers are called.

    Raises
    ------
    ImageError
        If labels and image have different shapes, or the labels are no integers.
    """
    axes = axes or "TZYX"[-len(labels.shape) :]
    spatial = len(axes.replace("T", ""))
    space = space or PixelSpace.of_spacing((1.0,) * spatial)
    _check(labels, image, axes, channels)
    rows: list[dict[str, Any]] = []
    positions: list[NDArray[np.float64]] = []
    frames = range(labels.shape[0]) if "T" in axes else (None,)
    for frame in frames:
        there = labels if frame is None else labels[frame]
        values = image if frame is None or image is None else image[frame]
        found = yield from find_steps(there)
        yield from _frame_steps(there, values, found, space, channels, unit, names, frame, rows, positions)
    columns = {title: [row[title] for row in rows] for title in _titles(rows, names)}
    at = np.array(positions).reshape(len(rows), len(axes))
    return Measurements(columns, at, (_SCAN_NOTES[unit],) if unit in _SCAN_NOTES else ())


def _check(labels: Any, image: Any, axes: str, channels: Sequence[str] | None) -> None:
    if np.dtype(labels.dtype).kind not in "iub":
        raise ImageError(f"labels are integers, not {labels.dtype}; save them as integers")
    if len(axes) != len(labels.shape) or not axes.endswith("YX"):
        raise ImageError(f"labels of shape {tuple(labels.shape)} do not have the axes {axes}")
    wanted = tuple(labels.shape) + (() if channels is None else (len(channels),))
    if image is not None and tuple(image.shape) != wanted:
        raise ImageError(
            f"the labels have the shape {tuple(labels.shape)} and the image {tuple(image.shape)}: they do not lie on "
            "each other"
        )


def _frame_steps(
    labels: Any,
    image: Any,
    found: FoundObjects,
    space: PixelSpace,
    channels: Sequence[str] | None,
    unit: str,
    names: Mapping[int, str] | None,
    frame: int | None,
    rows: list[dict[str, Any]],
    positions: list[NDArray[np.float64]],
) -> Generator[Progress, None, None]:
    """Measure the objects of a frame, those that lie near each other one after the other, and keep them in order."""
    measured: dict[int, tuple[dict[str, Any], NDArray[np.float64]]] = {}
    said = 0.0
    for place, mask, values in _objects(labels, image, found):
        if time.monotonic() - said > _SAY_EVERY:
            said = time.monotonic()
            yield Progress(len(measured), len(found.ids), f"object {len(measured) + 1:,} of {len(found.ids):,}")
        box, own = found.boxes[place], int(found.ids[place])
        shape = shape_of(mask, space)
        middle = shape.centroid + [cut.start for cut in box]
        row: dict[str, Any] = {} if frame is None else {"time": frame}
        row |= {ID: own, "name": (names or {}).get(own)}
        row |= _sizes(shape, space) | _where(shape, middle, box, space) | {"neighbours": int(found.neighbours[place])}
        if values is not None:
            row |= _values(values[mask], channels, unit)
        measured[place] = row, middle
    for place in sorted(measured):
        row, middle = measured[place]
        rows.append(row)
        positions.append(middle if frame is None else np.append(frame, middle))


def _objects(
    labels: Any, image: Any, found: FoundObjects
) -> Iterator[tuple[int, NDArray[np.bool_], NDArray[Any] | None]]:
    """Give each object's place among the objects, its mask in its box, and the image in that.

    Of what is read lazily, objects whose boxes begin in the same block are read in one go.
    """
    for group in _groups(found.boxes):
        along = list(zip(*(found.boxes[place] for place in group), strict=True))
        window = tuple(slice(min(cut.start for cut in cuts), max(cut.stop for cut in cuts)) for cuts in along)
        near, values = np.asarray(labels[window]), None if image is None else np.asarray(image[window])
        for place in group:
            inside = tuple(
                slice(cut.start - start.start, cut.stop - start.start)
                for cut, start in zip(found.boxes[place], window, strict=True)
            )
            mask = near[inside] == found.ids[place]
            yield place, mask, None if values is None else values[inside]


def _groups(boxes: Sequence[Box]) -> list[list[int]]:
    """Return places of boxes that are read together: small ones that begin in the same block; large ones alone."""
    groups: dict[tuple[int, ...], list[int]] = {}
    alone: list[list[int]] = []
    for place, box in enumerate(boxes):
        side = _BLOCK[len(box)]
        if any(cut.stop - cut.start > side for cut in box):
            alone.append([place])
        else:
            groups.setdefault(tuple(cut.start // side for cut in box), []).append(place)
    return [*groups.values(), *alone]


def _sizes(shape: Shape, space: PixelSpace) -> dict[str, Any]:
    flat, unit = space.ndim == 2, space.unit
    row: dict[str, Any] = {space.amount_title: space.amount(shape.pixels)} if space.scaled else {}
    row["area (px)" if flat else "volume (voxels)"] = shape.pixels
    row[f"equivalent diameter ({unit})"] = shape.equivalent_diameter
    if flat:
        row[f"longest diameter ({unit})"] = shape.feret
        row[f"major axis ({unit})"], row[f"minor axis ({unit})"] = shape.axes
        row |= {"eccentricity": shape.eccentricity, "solidity": shape.filled}
        row[f"perimeter ({unit})"] = shape.border
        return row
    row[f"longest diameter ({unit})"] = shape.longest
    row[f"longest in a slice ({unit})"] = shape.in_slice
    row["slice of the longest"] = shape.slice
    row[f"border to border ({unit})"] = shape.feret
    for name, length in zip(("major", "middle", "minor"), shape.axes, strict=True):
        row[f"{name} axis ({unit})"] = length
    row["solidity"] = shape.filled
    row[f"surface ({unit}²)"] = shape.border
    return row


def _where(shape: Shape, middle: NDArray[np.float64], box: Box, space: PixelSpace) -> dict[str, Any]:
    letters = "zyx"[-space.ndim :]
    row: dict[str, Any] = {f"centre {letter} (px)": float(at) for letter, at in zip(letters, middle, strict=True)}
    if space.scaled:
        world = space.to_world(middle)
        row |= {f"world {name} ({space.unit})": float(at) for name, at in zip("zyx"[-len(world) :], world, strict=True)}
    for letter, cut in zip(letters, box, strict=True):
        row |= {f"box {letter} from (px)": int(cut.start), f"box {letter} to (px)": int(cut.stop)}
    if shape.slice is not None:
        row["slice of the longest"] = int(box[0].start + shape.slice)
    return row


def _values(values: NDArray[Any], channels: Sequence[str] | None, unit: str) -> dict[str, float]:
    """Return the statistics of the values (N[, C]) in an object, by title."""
    if channels is None:
        told = f" ({unit})" if unit else ""
        return {f"{name}{told}": value for name, value in intensities(values).items()}
    each = [intensities(values[:, place]) for place in range(len(channels))]
    return {f"{name} {channel}": each[at][name] for at, channel in enumerate(channels) for name in STATISTICS}


def _titles(rows: Sequence[Mapping[str, Any]], names: Mapping[int, str] | None) -> list[str]:
    """Return the titles of the columns; that of names only where there are some."""
    if not rows:
        return [ID, "area (px)"]
    return [title for title in rows[0] if title != "name" or names]
