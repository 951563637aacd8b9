"""Where the voxels of an NRRD file are: which of its axes are those of space, and their directions in the patient.

NRRD stores the fastest axis first and gives each axis of space a vector to the next voxel, in one of several systems of
coordinates; here all become DICOM's, (left, posterior, superior) in mm. A file that names no system, or one that is not
the patient's, has no known place; as ITK does, its numbers are taken as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.volumes.nrrd_format.header import NrrdHeader, vectors

__all__ = ["LPS", "NrrdPlace", "place_of"]

LPS = "left-posterior-superior"
# Signs that turn coordinates into (left, posterior, superior).
_SPACES = {
    **dict.fromkeys((LPS, "lps"), (1.0, 1.0, 1.0)),
    **dict.fromkeys(("right-anterior-superior", "ras"), (-1.0, -1.0, 1.0)),
    **dict.fromkeys(("left-anterior-superior", "las"), (1.0, -1.0, 1.0)),
}
_NOT_SPACE = {"list", "time", "point", "none"}
_SEVERAL_VALUES = ("vector", "matrix", "gradient", "normal", "complex", "quaternion")
_MILLIMETRES = {
    "m": 1e3, "meter": 1e3, "cm": 10.0, "mm": 1.0, "millimeter": 1.0, "millimeters": 1.0, "um": 1e-3, "µm": 1e-3,
    "microns": 1e-3, "micron": 1e-3, "nm": 1e-6,
}  # fmt: skip
_SECONDS = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "msec": 1e-3, "us": 1e-6}


@dataclass(frozen=True, slots=True, eq=False)
class NrrdPlace:
    """The axes of a file and where they lead.

    Parameters
    ----------
    sizes
        Of all axes, the fastest first.
    space
        Which axes are i, j and k; None for a k that the file does not have, an image of one slice.
    other
        The axis that is none of space, such as time; None without one.
    to_lps
        (4, 4): from (i, j, k) to (left, posterior, superior) in mm.
    known
        Whether the file tells the place in the patient.
    frame_seconds
        Time from one volume to the next; 1 where the file does not tell.
    """

    sizes: tuple[int, ...]
    space: tuple[int | None, int | None, int | None]
    other: int | None
    to_lps: NDArray[np.float64]
    known: bool
    frame_seconds: float = 1.0

    @property
    def grid_shape(self) -> tuple[int, ...]:
        """Shape of the grid, ([t, ]k, j, i)."""
        front = () if self.other is None else (self.sizes[self.other],)
        return (*front, *(1 if axis is None else self.sizes[axis] for axis in self.space[::-1]))

    @property
    def is_in_order(self) -> bool:
        """Whether the file stores its planes one after the other, as a grid has them."""
        there = [axis for axis in (*self.space, self.other) if axis is not None and self.sizes[axis] > 1]
        return there == sorted(there)

    def to_grid(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return values as they are stored, slowest axis first, as a grid ([t, ]k, j, i)."""
        there = [axis for axis in (*self.space, self.other) if axis is not None]
        rest = [axis for axis in range(len(self.sizes)) if axis not in there]
        return values.T.transpose([*rest, *there[::-1]]).reshape(self.grid_shape)


def place_of(header: NrrdHeader, path: Path) -> NrrdPlace:
    """Find the axes of space and their place.

    Raises
    ------
    ImageError
        If sizes are missing, there are more axes than those of space and one other, or voxels are colours or vectors.
    """
    sizes = _sizes(header, path)
    kinds = [kind.lower() for kind in header.words("kinds")] or ["domain"] * len(sizes)
    directions = vectors(header.fields.get("spacedirections", ""))
    kinds, directions = _fitted(kinds, directions, len(sizes))
    _check_voxels(kinds, sizes, path)
    space, others = _split(kinds, directions, sizes)
    if not 2 <= len(space) <= 3 or len(others) > 1:
        raise ImageError(
            f"{path}: it has {len(sizes)} axes (sizes {' '.join(map(str, sizes))}), and a scan has three, or four with "
            "time; save one of its parts as a file of its own"
        )
    other = others[0] if others else None
    i, j, *k = space
    affine, known = _affine(header, space, directions)
    return NrrdPlace(
        sizes, (i, j, k[0] if k else None), other, affine, known, _frame_seconds(header, other, directions)
    )


def _sizes(header: NrrdHeader, path: Path) -> tuple[int, ...]:
    try:
        sizes = tuple(int(word) for word in header.words("sizes"))
    except ValueError:
        sizes = ()
    if not sizes or min(sizes) < 1 or len(sizes) > 16:
        raise ImageError(f"{path}: its header does not tell its size ({header.fields.get('sizes')}); export it again")
    return sizes


def _fitted(
    kinds: list[str], directions: list[list[float] | None], count: int
) -> tuple[list[str], list[list[float] | None]]:
    """Bring what is said of each axis to the number of axes."""
    nothing: list[list[float] | None] = [None] * count
    return (kinds + ["domain"] * count)[:count], (directions + nothing)[:count]


def _check_voxels(kinds: Sequence[str], sizes: Sequence[int], path: Path) -> None:
    for kind, size in zip(kinds, sizes, strict=True):
        if size > 1 and "color" in kind:
            raise ImageError(
                f"{path}: its voxels are colours, and a scan has grey values; save one of the colours alone"
            )
        if size > 1 and any(word in kind for word in _SEVERAL_VALUES):
            raise ImageError(
                f"{path}: its voxels are vectors ({kind}), and a scan has one value a voxel; save one part alone"
            )


def _split(
    kinds: Sequence[str], directions: Sequence[list[float] | None], sizes: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Tell the axes of space from others of more than one value."""
    axes = range(len(sizes))
    if any(directions):
        space = [axis for axis in axes if _is_of_space(directions[axis])]
    else:
        space = [axis for axis in axes if kinds[axis] not in _NOT_SPACE]
        lone = [axis for axis in space if sizes[axis] == 1]
        while len(space) > 3:  # the last is time, unless one holds nothing
            space.remove(lone.pop() if lone else space[-1])
    return space, [axis for axis in axes if axis not in space and sizes[axis] > 1]


def _is_of_space(direction: list[float] | None) -> bool:
    return direction is not None and (any(direction[:3]) or len(direction) < 4)


def _affine(
    header: NrrdHeader, space: Sequence[int], directions: Sequence[list[float] | None]
) -> tuple[NDArray[np.float64], bool]:
    """Return the matrix to (left, posterior, superior) in mm, and whether it is known to be that."""
    signs = _SPACES.get(header.fields.get("space", "").lower().removesuffix("-time").removesuffix("t"))
    given = [directions[axis] for axis in space]
    affine = np.eye(4)
    if all(one is not None for one in given):
        columns = [_three(one) for one in given if one is not None]
        if len(columns) == 2:
            normal = np.cross(columns[0], columns[1])
            columns.append(normal / (np.linalg.norm(normal) or 1.0))
        affine[:3, :3] = np.stack(columns, axis=1)
    else:
        signs = None
        spacings = header.numbers("spacings")
        for column, axis in enumerate(space):
            step = spacings[axis] if axis < len(spacings) else math.nan
            affine[column, column] = abs(step) if math.isfinite(step) and step else 1.0
    origin = vectors(header.fields.get("spaceorigin", ""))
    if origin and origin[0] is not None:
        affine[:3, 3] = _three(origin[0])
    return np.diag([*(signs or (1.0, 1.0, 1.0)), 1.0]) @ _in_millimetres(header, affine), signs is not None


def _three(numbers: Sequence[float]) -> NDArray[np.float64]:
    return np.array([*numbers, 0.0, 0.0, 0.0][:3])


def _in_millimetres(header: NrrdHeader, affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale by the units of the coordinates; without any, or with one that is not known, they are mm."""
    scaled = affine.copy()
    for row, unit in enumerate(header.words("spaceunits")[:3]):
        scaled[row] *= _MILLIMETRES.get(unit.lower(), 1.0)
    return scaled


def _frame_seconds(header: NrrdHeader, other: int | None, directions: Sequence[list[float] | None]) -> float:
    if other is None:
        return 1.0
    direction, spacings, units = directions[other], header.numbers("spacings"), header.words("units")
    step = direction[3] if direction and len(direction) > 3 else spacings[other] if other < len(spacings) else math.nan
    step *= _SECONDS.get(units[other].lower(), 1.0) if other < len(units) else 1.0
    return step if math.isfinite(step) and step > 0 else 1.0
