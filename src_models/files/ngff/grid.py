"""What the metadata of a zarr say of its axes: which is which, how large a pixel is, and where the first one lies.

OME-Zarr says it by axes with a type and a unit, and by scales and translations (NGFF 0.4 and 0.5, "axes" and
"coordinateTransformations"); xarray by the names of dimensions and by one array of coordinates for each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from src_models.errors import ImageError
from src_models.images.axes import SPATIAL
from src_models.images.axis_names import axis_letter
from src_models.images.units import converted, seconds

__all__ = ["UNKNOWN", "Grid", "coordinates_grid", "letters_of", "multiscale_grids", "named_axes"]

UNKNOWN = "Q"  # the letter of an axis without a meaning that is known
_BY_TYPE = {"channel": "C", "time": "T"}
_FIRST_AXES = "tczyx"  # of NGFF 0.1 and 0.2, which name none


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the pixels of an array lie.

    Parameters
    ----------
    letters
        One letter for each axis, T, Z, C, Y, X, or Q for one without a meaning that is known; None where not even
        height and width are named.
    steps
        Size of a pixel along each axis.
    starts
        Where the centre of the first pixel lies along each axis.
    units
        Unit of each axis; empty where unknown.
    """

    letters: str | None
    steps: tuple[float, ...]
    starts: tuple[float, ...]
    units: tuple[str, ...]

    def known(self) -> dict[str, Any]:
        """Return what :func:`src_models.images.axes.read_axes` takes of it, all lengths in one unit.

        That unit is the one of X, else of Y or Z. An axis without a unit is taken to be in it as well, and one whose
        unit is none of length keeps its numbers.
        """
        letters = self.letters or ""
        place = {letter: axis for axis, letter in enumerate(letters) if letter in SPATIAL + "T"}
        unit = next((self.units[place[each]] for each in "XYZ" if each in place and self.units[place[each]]), "")
        spacing, origin = {}, {}
        for letter in (each for each in SPATIAL if each in place):
            axis = place[letter]
            factor = converted(1.0, self.units[axis] or unit, unit)
            spacing[letter] = self.steps[axis] if factor is None else _scaled(self.steps[axis], self.units[axis], unit)
            origin[letter] = self.starts[axis] if factor is None else _scaled(self.starts[axis], self.units[axis], unit)
        known: dict[str, Any] = {"spacing": spacing, "unit": unit}
        if "T" in place:
            axis = place["T"]
            known["frame_seconds"] = seconds(self.steps[axis], self.units[axis])
            origin["T"] = seconds(self.starts[axis], self.units[axis]) or 0.0
        return {**known, "origin": {letter: start for letter, start in origin.items() if start}}


def _scaled(length: float, unit: str, into: str) -> float:
    number = converted(length, unit or into, into)
    return length if number is None else number


def multiscale_grids(multiscale: Mapping[str, Any], name: str) -> list[Grid]:
    """Return the grid of each level of a multiscale image, finest first.

    Parameters
    ----------
    multiscale
        One entry of ``multiscales``.
    name
        The image, for errors.

    Raises
    ------
    ImageError
        If a level is placed by something other than scales and translations.
    """
    axes = named_axes(multiscale)
    letters, units = letters_of(axes), tuple(str(axis.get("unit") or "") for axis in axes)
    grids = []
    for dataset in multiscale["datasets"]:
        steps, starts = np.ones(len(axes)), np.zeros(len(axes))
        for part in (dataset, multiscale):  # that of the whole image comes after that of a level
            steps, starts = _transformed(steps, starts, part, name)
        grids.append(Grid(letters, tuple(map(float, steps)), tuple(map(float, starts)), units))
    return grids


def named_axes(multiscale: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the axes of a multiscale image as NGFF 0.4 writes them; earlier versions have names alone, or none."""
    given = multiscale.get("axes") or _FIRST_AXES
    return [dict(axis) if isinstance(axis, Mapping) else {"name": str(axis)} for axis in given]


def letters_of(axes: Sequence[Mapping[str, Any]]) -> str:
    """Return the letters of axes: by their type where that is channel or time, else by name, else by their order.

    Axes of the type space, or of none, whose names say nothing are the depth, height and width that are left, in this
    order.
    """
    letters = [_BY_TYPE.get(str(axis.get("type"))) or axis_letter(str(axis.get("name", ""))) for axis in axes]
    kinds = [axis.get("type", "space") for axis in axes]
    nameless = [place for place, kind in enumerate(kinds) if letters[place] is None and kind in ("space", None)]
    free = [letter for letter in SPATIAL if letter not in letters]
    for place, letter in zip(reversed(nameless), reversed(free), strict=False):
        letters[place] = letter
    return "".join(letter or UNKNOWN for letter in letters)


def coordinates_grid(names: Sequence[str], coordinates: Mapping[str, tuple[ArrayLike, str]]) -> Grid:
    """Return the grid of an array by the names of its dimensions, as xarray keeps them.

    Parameters
    ----------
    names
        Of the dimensions.
    coordinates
        For a dimension by its name, the coordinate of each of its pixels, and their unit. Those that do not lie
        evenly, or are no numbers, say nothing.
    """
    letters = "".join(axis_letter(name) or UNKNOWN for name in names)
    even = {name: (*step, unit) for name, (values, unit) in coordinates.items() if (step := _even(values)) is not None}
    steps, starts, units = zip(*(even.get(name, (1.0, 0.0, "")) for name in names), strict=True)
    return Grid(letters if {"Y", "X"} <= set(letters) else None, steps, starts, units)


def _even(values: ArrayLike) -> tuple[float, float] | None:
    """Return step and start of coordinates; None where there are none that lie evenly and upwards."""
    places = np.asarray(values)
    if places.ndim != 1 or places.size < 2 or places.dtype.kind not in "iuf":
        return None
    places = places.astype(np.float64)
    step = float(places[-1] - places[0]) / (places.size - 1)
    if not step > 0 or not np.allclose(np.diff(places), step, rtol=1e-3):
        return None
    return step, float(places[0])


def _transformed(steps: Any, starts: Any, part: Mapping[str, Any], name: str) -> tuple[Any, Any]:
    """Apply the transformations of a level or a whole image, in their order."""
    for transformation in part.get("coordinateTransformations") or ():
        kind = transformation.get("type")
        if kind == "identity":
            continue
        if kind not in ("scale", "translation") or kind not in transformation:
            raise ImageError(
                f"{name}: it is placed by a transformation of the type {kind!r}, and only scales and translations that "
                "stand in the metadata are read; name its axes by hand, such as ZYX, to read it without its place"
            )
        numbers = np.asarray(transformation[kind], float)
        if numbers.shape != steps.shape:
            raise ValueError(f"{numbers.size} numbers of {kind} for {steps.size} axes")
        if kind == "scale":
            steps, starts = steps * numbers, starts * numbers
        else:
            starts = starts + numbers
    return steps, starts
