"""Numbers of attention maps for a table: what each map holds in all, and at a pixel.

>>> import numpy as np
>>> from src_models.attention.placed_map import PlacedMap
>>> gate = PlacedMap("gate 2", "attention gate", "", 2, np.array([[0.0, 0.25], [0.5, 1.0]]), (8.0, 8.0), (3.5, 3.5))
>>> [row] = map_rows([gate], (3, 12))
>>> row.mean, row.value
(0.4375, 0.25)
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.attention.gates import GateValues
from src_models.attention.placed_map import PlacedMap
from src_models.disk.atomic import atomic_path
from src_models.errors import UserError

__all__ = ["MapRow", "cell_at", "map_rows", "value_at", "write_table"]

_BLOCK = 2**22  # values that are brought to double precision at once


@dataclass(frozen=True, slots=True)
class MapRow:
    """A row of a table of maps.

    Parameters
    ----------
    map, kind, description, level
        What the map is; level 1 is the finest.
    cell_px
        Pixels of the image per cell, along each axis.
    minimum, mean, maximum, standard_deviation
        Over all cells of all planes.
    position_px
        Where `value` was read; None where no pixel was asked about.
    value
        Of the cell that the pixel belongs to.
    """

    map: str
    kind: str
    description: str
    level: int
    cell_px: tuple[float, ...]
    minimum: float
    mean: float
    maximum: float
    standard_deviation: float
    position_px: tuple[float, ...] | None = None
    value: float | None = None


def map_rows(maps: Iterable[PlacedMap], position: Sequence[float] | None = None) -> list[MapRow]:
    """Return a row for each map.

    Parameters
    ----------
    maps
        Attention maps, or differences of them.
    position
        A pixel, as for :func:`value_at`, whose value comes into each row.

    Raises
    ------
    UserError
        If the position does not lie in one of the maps.
    """
    return [_row(placed, None if position is None else tuple(position)) for placed in maps]


def value_at(placed: PlacedMap, position: Sequence[float]) -> float:
    """Return a map's value at a pixel: that of the cell which the pixel belongs to, not interpolated.

    Parameters
    ----------
    placed
        The map.
    position
        In pixels of the image, the centre of a pixel a whole number: one number for each axis of the map.

    Raises
    ------
    UserError
        If the position lies outside of the map, or has another number of axes.
    """
    return float(np.asarray(placed.data[cell_at(placed, position)]))


def cell_at(placed: PlacedMap, position: Sequence[float]) -> tuple[int, ...]:
    """Return the cell of a map that a pixel belongs to; arguments and errors are those of :func:`value_at`."""
    shape = np.shape(placed.data)
    if len(position) != len(shape):
        raise UserError(
            f"the map {placed.name!r} has {len(shape)} axes and the position {_words(position)} has {len(position)} "
            "numbers; give one for each axis"
        )
    cell = tuple(
        math.floor((place - start) / step + 0.5)
        for place, start, step in zip(position, placed.translate, placed.scale, strict=True)
    )
    if not all(0 <= number < size for number, size in zip(cell, shape, strict=True)):
        spans = (
            f"{start - step / 2:g} to {start + (size - 0.5) * step:g}"
            for start, step, size in zip(placed.translate, placed.scale, shape, strict=True)
        )
        raise UserError(
            f"the position {_words(position)} lies outside of the map {placed.name!r}, which covers {', '.join(spans)}"
        )
    return cell


def write_table(path: str | Path, rows: Sequence[MapRow] | Sequence[GateValues], *, overwrite: bool = False) -> Path:
    """Write rows as CSV, with their names as the first line.

    Numbers are written so that they read back exactly; those of a tuple are separated by spaces; what there is none of
    is left empty.

    Parameters
    ----------
    path
        The file to make.
    rows
        One or more, all of a kind: from :func:`map_rows` or :func:`src_models.attention.gates.gate_values`.
    overwrite
        Whether an existing file may be replaced.

    Raises
    ------
    OutputError
        If the file exists and may not be replaced, or cannot be written; nothing half-written is left.
    UserError
        If there are no rows.
    """
    if not rows:
        raise UserError(f"there is nothing to write to {path}: the network has no such maps or gates")
    names = [field.name for field in fields(rows[0])]
    with atomic_path(path, overwrite=overwrite) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_cell(getattr(row, name)) for name in names] for row in rows)
    return Path(path)


def _row(placed: PlacedMap, position: tuple[float, ...] | None) -> MapRow:
    minimum, mean, maximum, deviation = _statistics(placed.data)
    return MapRow(
        map=placed.name,
        kind=placed.kind,
        description=placed.description,
        level=placed.level,
        cell_px=tuple(float(step) for step in placed.scale),
        minimum=minimum,
        mean=mean,
        maximum=maximum,
        standard_deviation=deviation,
        position_px=position,
        value=None if position is None else value_at(placed, position),
    )


def _statistics(data: Any) -> tuple[float, float, float, float]:
    """Return least, mean, greatest and standard deviation, in double precision."""
    count = math.prod(np.shape(data))
    mean = math.fsum(float(part.sum()) for part in _parts(data)) / count
    square = math.fsum(float(np.square(part - mean).sum()) for part in _parts(data)) / count
    least = min(float(part.min()) for part in _parts(data))
    return least, mean, max(float(part.max()) for part in _parts(data)), math.sqrt(square)


def _parts(data: Any) -> Iterator[NDArray[np.float64]]:
    """Yield slices along the longest axis, so that a large map on disk is never in memory at once."""
    shape = np.shape(data)
    axis = int(np.argmax(shape))
    step = max(_BLOCK * shape[axis] // math.prod(shape), 1)
    for start in range(0, shape[axis], step):
        yield np.asarray(data[(*[slice(None)] * axis, slice(start, start + step))], np.float64)


def _cell(value: Any) -> Any:
    return _words(value) if isinstance(value, tuple) else value


def _words(position: Sequence[float]) -> str:
    return " ".join(repr(float(place)).removesuffix(".0") for place in position)
