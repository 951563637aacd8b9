"""Measurements as a table: a row for each object, written as CSV or Parquet.

Examples
--------
>>> table = Measurements({"id": [3, 8], "area (px)": [12, 5]}, np.zeros((2, 2)))
>>> table.row_of(8), table.columns["area (px)"][table.row_of(8)]
(1, 5)
"""

from __future__ import annotations

import csv
import importlib
import importlib.util
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.disk.atomic import atomic_path
from src_models.errors import OutputError

__all__ = ["ID", "TABLE_SUFFIXES", "Measurements", "check_table_name", "joined", "write_table"]

ID = "id"
TABLE_SUFFIXES = (".csv", ".parquet")
_AREA, _VOLUME = "area (px)", "volume (voxels)"


@dataclass(frozen=True, slots=True, eq=False)
class Measurements:
    """What was measured of the objects of a label image.

    Parameters
    ----------
    columns
        By title, a value for each row; None where there is none. ``"id"`` is the number of the object.
    positions
        (N, axes of the labels) the middle of each object (px).
    notes
        What a person should know of them, in sentences.
    """

    columns: Mapping[str, list[Any]]
    positions: NDArray[np.float64]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def ids(self) -> list[int]:
        """Numbers of the objects; in a time series an object has a row for each frame that it is in."""
        return list(self.columns[ID])

    def row_of(self, own: int) -> int:
        """Return the row of an object; in a time series the one of the frame in which it is largest.

        Raises
        ------
        KeyError
            If it is not in the table.
        """
        rows = [row for row, each in enumerate(self.ids) if each == own]
        if not rows:
            raise KeyError(own)
        sizes = self.columns[self._size_title]
        return max(rows, key=lambda row: sizes[row])

    def equivalent_diameter(self, row: int) -> float:
        """Return the diameter (px) of a disc, or a ball, of as many pixels as the object of a row has."""
        pixels = float(self.columns[self._size_title][row])
        return 2 * math.sqrt(pixels / math.pi) if self._size_title == _AREA else math.cbrt(6 * pixels / math.pi)

    def largest(self) -> dict[str, list[Any]]:
        """Return the columns with one row for each object: of a time series, the frame in which it is largest."""
        best: dict[int, int] = {}
        sizes = self.columns[self._size_title]
        for row, own in enumerate(self.ids):
            if own not in best or sizes[row] > sizes[best[own]]:
                best[own] = row
        return {title: [column[row] for row in best.values()] for title, column in self.columns.items()}

    def with_first(self, title: str, values: Sequence[Any]) -> Measurements:
        """Return the table with one more column in front."""
        return Measurements({title: list(values), **self.columns}, self.positions, self.notes)

    def with_column(self, title: str, values: Sequence[Any]) -> Measurements:
        """Return the table with one more column behind the numbers of the objects, or this one replaced."""
        columns: dict[str, list[Any]] = {}
        for name, column in self.columns.items():
            if name != title:
                columns[name] = column
            if name == ID:
                columns[title] = list(values)
        return Measurements(columns, self.positions, self.notes)

    @property
    def _size_title(self) -> str:
        return next(title for title in self.columns if title in (_AREA, _VOLUME))


def joined(tables: Sequence[Measurements]) -> Measurements:
    """Put tables one below the other; a column that one lacks is empty there."""
    titles = list(dict.fromkeys(title for table in tables for title in table.columns))
    columns: dict[str, list[Any]] = {title: [] for title in titles}
    for table in tables:
        for title in titles:
            columns[title] += table.columns.get(title, [None] * len(table))
    positions = [np.pad(table.positions, ((0, 0), (4 - table.positions.shape[1], 0))) for table in tables]
    notes = tuple(dict.fromkeys(note for table in tables for note in table.notes))
    return Measurements(columns, np.concatenate(positions) if positions else np.zeros((0, 4)), notes)


def check_table_name(path: Path) -> None:
    """Refuse before the work what no table can be written as.

    Raises
    ------
    OutputError
        If the name ends neither in ``.csv`` nor in ``.parquet``, or pyarrow is missing for the latter.
    """
    suffix = path.suffix.lower()
    if suffix not in TABLE_SUFFIXES:
        raise OutputError(f"{path}: a table is written as CSV or Parquet; end the name with .csv or .parquet")
    if suffix == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise OutputError(
            f"{path}: Parquet needs the package pyarrow, which is not installed; install it (pip install pyarrow), or "
            "end the name with .csv"
        )


def write_table(path: Path, table: Measurements, *, overwrite: bool = False) -> Path:
    """Write a table, whole or not at all.

    Raises
    ------
    OutputError
        As :func:`check_table_name`; if the file exists and may not be replaced, or it cannot be written.
    """
    check_table_name(path)
    with atomic_path(path, overwrite=overwrite) as beside:
        if path.suffix.lower() == ".parquet":
            _write_parquet(beside, table)
        else:
            # With a mark of its encoding, without which a spreadsheet misreads µ and ².
            with beside.open("w", newline="", encoding="utf-8-sig") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(table.columns)
                writer.writerows(zip(*(map(_text, column) for column in table.columns.values()), strict=True))
    return path


def _write_parquet(path: Path, table: Measurements) -> None:
    arrow, parquet = (importlib.import_module(name) for name in ("pyarrow", "pyarrow.parquet"))  # no dependency
    parquet.write_table(arrow.table(dict(table.columns)), path)


def _text(value: Any) -> Any:
    """Return a cell: numbers with all their digits that mean something, nothing where there is no value."""
    if value is None:
        return ""
    return f"{value:.12g}" if isinstance(value, float) else value
