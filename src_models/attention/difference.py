"""What one attention map says more than another: their difference, on the finer of their two grids.

>>> import numpy as np
>>> from src_models.attention.placed_map import PlacedMap
>>> fine = PlacedMap("gate 2", "attention gate", "", 2, np.full((8, 8), 0.75), (2.0, 2.0), (0.5, 0.5))
>>> zoomed = PlacedMap("gate 2", "attention gate", "", 2, np.full((4, 4), 0.5), (4.0, 4.0), (1.5, 1.5))
>>> found = difference(fine, zoomed, models=("one", "other"))
>>> found.name, found.scale, float(found.data[3, 3])
('gate 2: one - other', (2.0, 2.0), 0.25)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.attention.placed_map import PlacedMap
from src_models.attention.words import difference_name, likeness
from src_models.errors import UserError

__all__ = ["difference"]

DIFFERENCE = "difference"
_BLOCK = 2**22  # cells that are computed at once
_NOISE = 1e-6  # of a cell: centres that lie so near to each other are the same


def difference(first: PlacedMap, second: PlacedMap, *, models: tuple[str, str] | None = None) -> PlacedMap:
    """Return `first` - `second`.

    The coarser map is interpolated linearly between the centres of its cells, at the centres of the finer map's cells.
    Outside of its outermost centres, the outermost values hold. Where both grids agree, nothing is interpolated.

    Parameters
    ----------
    first, second
        Maps over the same image, with the same axes, that mean the same; their cells may differ in size and place.
    models
        Names of the models that gave them, where these are two.

    Returns
    -------
    PlacedMap
        Values as float32; the place and the level of the finer map, or of `first` where both are as fine.

    Raises
    ------
    UserError
        If the maps lie on different images: other numbers of axes, or an edge that lies a cell or more elsewhere; or
        if they do not mean the same (:func:`~src_models.attention.words.likeness`), so that more and less say nothing.
    """
    _check_alike(first, second)
    _check_same_meaning(first, second)
    finer = first if math.prod(first.scale) <= math.prod(second.scale) else second
    cells = tuple(np.shape(finer.data))
    data = np.empty(cells, np.float32)
    for block in _blocks(cells):
        data[block] = _values(first, finer, block) - _values(second, finer, block)
    name, description = _words(first, second, models)
    description += ", on cells of {} px".format(" x ".join(f"{size:g}" for size in finer.scale[-2:]))
    return PlacedMap(name, DIFFERENCE, description, finer.level, data, finer.scale, finer.translate)


def _check_alike(first: PlacedMap, second: PlacedMap) -> None:
    """Refuse maps that cannot cover the same image; by rounding up, a map may reach up to a cell beyond it."""
    shapes = [np.shape(placed.data) for placed in (first, second)]
    if len(shapes[0]) != len(shapes[1]):
        raise UserError(
            f"{first.name!r} has {len(shapes[0])} axes and {second.name!r} has {len(shapes[1])}: they lie on different "
            "images; take two maps of the same image"
        )
    for axis in range(len(shapes[0])):
        edges = [
            (start - step / 2, start + (shape[axis] - 0.5) * step)
            for start, step, shape in (
                (placed.translate[axis], placed.scale[axis], shape)
                for placed, shape in zip((first, second), shapes, strict=True)
            )
        ]
        coarser = max(first.scale[axis], second.scale[axis])
        if any(abs(one - other) >= coarser * (1 - _NOISE) for one, other in zip(*edges, strict=True)):
            spans = [f"{low:g} to {high:g}" for low, high in edges]
            raise UserError(
                f"{first.name!r} lies at {spans[0]} px along axis {axis} and {second.name!r} at {spans[1]} px: they "
                "lie on different images; take two maps of the same image"
            )


def _check_same_meaning(first: PlacedMap, second: PlacedMap) -> None:
    if first.kind != second.kind or likeness(first.name, first.kind) != likeness(second.name, second.kind):
        raise UserError(
            f"{first.name!r} ({first.kind}) and {second.name!r} ({second.kind}) do not mean the same, so one is not "
            "taken from the other; take maps of one kind and level, such as 'gate 2' of two models"
        )


def _blocks(cells: Sequence[int]) -> list[tuple[slice, ...]]:
    """Cut a grid along its longest axis."""
    longest = int(np.argmax(cells))
    step = max(_BLOCK * cells[longest] // max(math.prod(cells), 1), 1)
    whole = [slice(None)] * len(cells)
    return [
        (*whole[:longest], slice(start, start + step), *whole[longest + 1 :])
        for start in range(0, cells[longest], step)
    ]


def _values(placed: PlacedMap, grid: PlacedMap, block: tuple[slice, ...]) -> NDArray[Any]:
    """Return a map's values at the centres of a block of another map's cells."""
    shape, found = np.shape(placed.data), placed.data
    places = []
    for axis, (length, taken) in enumerate(zip(np.shape(grid.data), block, strict=True)):
        pixels = grid.translate[axis] + np.arange(length)[taken] * grid.scale[axis]
        place = (pixels - placed.translate[axis]) / placed.scale[axis]
        near = np.rint(place)
        place = np.where(np.abs(place - near) < _NOISE, near, place)
        places.append(np.clip(place, 0, shape[axis] - 1))
    lowest = [int(place[0]) for place in places]
    region = tuple(slice(low, math.ceil(place[-1]) + 1) for low, place in zip(lowest, places, strict=True))
    values = np.asarray(found[region], np.float64)
    for axis, (place, low) in enumerate(zip(places, lowest, strict=True)):
        values = _between(values, place - low, axis)
    return values


def _between(values: NDArray[Any], place: NDArray[Any], axis: int) -> NDArray[Any]:
    """Interpolate linearly along an axis; whole places take the values that are there."""
    below = place.astype(int)
    rest = place - below
    if not rest.any():
        return values.take(below, axis)
    rest = rest.reshape([-1 if other == axis else 1 for other in range(values.ndim)])
    above = np.minimum(below + 1, values.shape[axis] - 1)
    between: NDArray[Any] = values.take(below, axis) * (1 - rest) + values.take(above, axis) * rest
    return between


def _words(first: PlacedMap, second: PlacedMap, models: tuple[str, str] | None) -> tuple[str, str]:
    """Return the name of a difference and what it means."""
    name = difference_name(first.name, second.name, models)
    if models is None:
        return name, f"{first.name} less {second.name}"
    return name, f"{first.name} of {models[0]} less {second.name} of {models[1]}"
