"""Objects, or tiles, with the classes that a model found and those that a person gave.

Examples
--------
>>> table = ObjectClasses(
...     ("round", "long"), np.array([4, 9]), np.array([[0.9, 0.1], [0.4, 0.6]]),
...     positions=np.zeros((2, 2)), boxes=np.zeros((2, 4), int), areas=np.ones(2, int),
... )
>>> table.class_of(9), table.least_sure_first().tolist()
('long', [9, 4])
>>> table.give(9, "round")
>>> table.class_of(9), table.probability_of(9), table.counts()
('round', 0.4, {'round': 2, 'long': 0})
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.disk.atomic import atomic_path

__all__ = ["ObjectClasses"]


class ObjectClasses:
    """What is known of the classes of some objects.

    Parameters
    ----------
    classes
        Names of the model's classes (K).
    ids
        (N,) numbers of the objects, each once.
    probabilities
        (N, K) what the model gives each class.
    positions
        (N, axes) middles (px).
    boxes
        (N, 4) y0, x0, y1, x1 in the plane of each (px; ends excluded).
    areas
        (N,) px.
    axes
        Letters of the axes of `positions`.
    """

    def __init__(
        self,
        classes: Sequence[str],
        ids: NDArray[Any],
        probabilities: NDArray[Any],
        *,
        positions: NDArray[Any],
        boxes: NDArray[Any],
        areas: NDArray[Any],
        axes: str = "YX",
    ) -> None:
        self.ids = np.asarray(ids, np.int64)
        self.probabilities = np.asarray(probabilities).reshape(len(self.ids), len(classes))
        self.positions, self.boxes, self.areas, self.axes = np.asarray(positions, float), boxes, areas, axes
        self._of_model = tuple(classes)
        self._more: list[str] = []  # classes that a person named
        self._given: dict[int, str] = {}
        self._rows = {int(own): row for row, own in enumerate(self.ids)}
        self._best = self.probabilities.argmax(axis=1) if len(classes) else np.zeros(len(self.ids), int)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of all classes: the model's, then those that a person named."""
        return (*self._of_model, *self._more)

    @property
    def of_model(self) -> tuple[str, ...]:
        """Names of the model's classes."""
        return self._of_model

    @property
    def given(self) -> Mapping[int, str]:
        """What a person said, by object."""
        return self._given

    def __contains__(self, own: object) -> bool:
        return own in self._rows

    def row(self, own: int) -> int:
        """Return the row of an object.

        Raises
        ------
        KeyError
            If it is not in the table.
        """
        return self._rows[own]

    def name_class(self, name: str) -> None:
        """Add a class that the model does not know, unless it is there."""
        if name not in self.classes:
            self._more.append(name)

    def give(self, own: int, name: str | None) -> None:
        """Say of what class an object is; None leaves it to the model again."""
        if name is None:
            self._given.pop(own, None)
            return
        self.name_class(name)
        self._given[own] = name

    def found(self, own: int) -> str:
        """Return the class that the model gave an object."""
        return self._of_model[self._best[self.row(own)]]

    def class_of(self, own: int) -> str:
        """Return the class of an object: what a person said, else what the model did."""
        return self._given.get(own) or self.found(own)

    def probability_of(self, own: int) -> float:
        """Return what the model gives the class of an object; NaN for a class that it does not know."""
        return float(self.class_probabilities()[self.row(own)])

    def class_numbers(self) -> NDArray[np.int64]:
        """Return the class of each object as a place in :attr:`classes`."""
        numbers = np.array(self._best, np.int64)
        places = {name: place for place, name in enumerate(self.classes)}
        for own, name in self._given.items():
            if own in self._rows:
                numbers[self._rows[own]] = places[name]
        return numbers

    def class_probabilities(self) -> NDArray[np.float64]:
        """Return what the model gives the class of each object (N,); NaN for a class that it does not know."""
        numbers = self.class_numbers()
        known = numbers < len(self._of_model)
        taken = self.probabilities[np.arange(len(numbers)), np.where(known, numbers, 0)]
        return np.where(known, taken, math.nan).astype(np.float64)

    def corrected(self) -> NDArray[np.bool_]:
        """Return whether a person said of what class an object is (N,)."""
        return np.isin(self.ids, list(self._given))

    def counts(self) -> dict[str, int]:
        """Return how many objects there are of each class."""
        numbers = np.bincount(self.class_numbers(), minlength=len(self.classes))
        return {name: int(count) for name, count in zip(self.classes, numbers, strict=True)}

    def least_sure_first(self) -> NDArray[np.int64]:
        """Return the objects, those of which the model is least sure first; those that a person looked at come last."""
        sure = self.probabilities.max(axis=1, initial=0.0)
        return self.ids[np.lexsort((self.ids, sure, self.corrected()))]

    def columns(self) -> dict[str, list[Any]]:
        """Return the table by column, a row for each object: number, class, probability, and all probabilities."""
        classes, numbers = self.classes, self.class_numbers()
        columns: dict[str, list[Any]] = {
            "index": self.ids.tolist(),
            "class": [classes[number] for number in numbers],
            "probability": np.round(self.class_probabilities(), 4).tolist(),
            "corrected": self.corrected().tolist(),
        }
        for place, name in enumerate(self._of_model):
            columns[f"p {name}"] = np.round(self.probabilities[:, place].astype(np.float64), 4).tolist()
        return columns

    def write_csv(
        self,
        path: Path,
        *,
        spacing: Mapping[str, float] | None = None,
        unit: str | None = None,
        overwrite: bool = False,
    ) -> None:
        """Write the table, with middle and area of each object, in pixels and where it is known in a unit of length.

        Parameters
        ----------
        path
            The file.
        spacing, unit
            Size of a pixel along each axis, by its letter, and in what.
        overwrite
            Whether a file that is there may be replaced.

        Raises
        ------
        OutputError
            If it cannot be written; what was there still is.
        """
        columns = self.columns()
        rest = {name: columns.pop(name) for name in list(columns) if name.startswith("p ")}
        table = {
            **columns,
            "class by the model": [self._of_model[best] for best in self._best],
            **{_title(letter): _short(self.positions[:, at]) for at, letter in enumerate(self.axes)},
            "area (px)": self.areas.tolist(),
        }
        if unit and spacing:
            for at, letter in enumerate(self.axes):
                if letter in "ZYX":
                    table[_title(letter, unit)] = _short(self.positions[:, at] * spacing[letter])
            table[f"area ({unit}²)"] = _short(self.areas * spacing["Y"] * spacing["X"])
        table |= rest
        rows = zip(*(_written(column) for column in table.values()), strict=True)
        with (
            atomic_path(path, overwrite=overwrite) as beside,
            beside.open("w", newline="", encoding="utf-8-sig") as file,
        ):
            writer = csv.writer(file)  # with a mark of its encoding, without which a spreadsheet misreads names
            writer.writerow(table)
            writer.writerows(rows)


def _title(letter: str, unit: str = "px") -> str:
    """Return the title of a column of positions."""
    return "time" if letter == "T" else f"centre {letter.lower()} ({unit})"


def _short(values: NDArray[Any]) -> list[float]:
    return [float(f"{value:.6g}") for value in values]


def _written(column: Iterable[Any]) -> list[Any]:
    """Return values as a spreadsheet takes them: a class that the model does not know has no probability."""
    return ["" if isinstance(value, float) and math.isnan(value) else value for value in column]
