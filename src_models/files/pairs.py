"""An image and its mask: whether their voxels are the same ones, and how a mask comes onto the image's voxels.

Two files of equal shape need not show the same place: one may be stored the other way round, at another spacing, or of
another region. So wherever two files are paired, their places are compared here, and nowhere else:

* The same voxels in the same order, up to a tenth of a voxel: they go on as they are.
* The same voxels in another order (a flip, other axes first), or another grid: the mask is brought onto the image's
  voxels by both files' affines, each voxel taking the number of the mask's voxel that is nearest, and that is said.
* A grid that leans, and the mask's is the same made straight, as ITK writes NIfTI: the mask is on the image's voxels.
* Only one of the two tells a place: voxels are paired by their index in the files, and that is said.
* Two places with little or nothing in common, and pixel sizes that contradict each other, are refused.

Examples
--------
>>> scan = Grid(np.diag([3.0, 1.0, 1.0, 1.0]), (5, 8, 8))
>>> compare(scan, scan).fit
'same'
>>> compare(scan, Grid(np.array([[3, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, 7], [0, 0, 0, 1]]), (5, 8, 8))).words
'it is stored the other way round along x'
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.pixels.orientation import lay_on_image
from src_models.files.volumes.geometry import UNIT

if TYPE_CHECKING:
    from src_models.files.images import ImageFile
    from src_models.files.volumes.geometry import VolumeGeometry
    from src_models.images.axes import AxesReading

__all__ = ["Comparison", "Grid", "Paired", "compare", "pair", "say"]

NEAR = 0.1  # voxels; up to half a voxel, the nearest voxel is the one with the same index
ALIKE = 0.01  # of a pixel size: that much, programs lose in rounding
_MOST = 0.5  # of what a mask marks; a mask of more than the image may lose as much, another one lies elsewhere
_TURNED = 0.1  # degrees
_METRES = {"nm": 1e-9, "µm": 1e-6, "mm": 1e-3, "cm": 1e-2, "m": 1.0, "Å": 1e-10, "inch": 0.0254}

_log = logging.getLogger(__name__)

Fit = Literal["same", "reordered", "other", "apart"]


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Where the voxels of an array lie.

    Parameters
    ----------
    to_world
        (n + 1, n + 1): from an index to the world, both with as many axes as `shape`.
    shape
        Number of voxels along each of n axes.
    unit
        Of the world, for words.
    """

    to_world: NDArray[np.float64]
    shape: tuple[int, ...]
    unit: str = ""

    @property
    def corners(self) -> NDArray[np.float64]:
        """Indices of the outermost voxels, (2**n, n)."""
        return np.array(list(itertools.product(*((0, size - 1) for size in self.shape))), dtype=np.float64)

    @property
    def spacing(self) -> NDArray[np.float64]:
        """Distance of neighbouring voxels along each axis."""
        return np.asarray(np.linalg.norm(self.to_world[:-1, :-1], axis=0))


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """How a mask's voxels lie to an image's.

    Parameters
    ----------
    fit
        ``"same"`` voxels in the same order; the same, or a part of them, ``"reordered"``; an ``"other"`` grid at the
        same place; or ``"apart"``.
    words
        What differs, for people; empty for the same.
    into_image
        (n + 1, n + 1): from an index in the mask to one in the image.
    """

    fit: Fit
    words: str
    into_image: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Paired:
    """A mask on its image's voxels.

    Parameters
    ----------
    labels
        Integers, in the axes of the image less its channels.
    note
        What a person should know of how they were paired; None where there is nothing to know.
    """

    labels: NDArray[Any]
    note: str | None = None


def compare(image: Grid, labels: Grid) -> Comparison:
    """Compare where the voxels of two arrays lie, which have equally many axes.

    Notes
    -----
    Positions are told apart where the outermost voxels of the mask are more than a tenth of the image's voxels from
    where the image's voxels of equal index are; all others lie between them.
    """
    into = np.linalg.inv(image.to_world) @ labels.to_world
    corners = labels.corners
    placed = _moved(into, corners)
    fit: Fit = "other"
    if _beside(placed, image.shape):
        fit = "apart"
    elif image.shape == labels.shape and np.abs(placed - corners).max() <= NEAR:
        return Comparison("same", "", into)
    else:
        whole = np.round(into)
        if _is_order(whole[:-1, :-1]) and np.abs(placed - _moved(whole, corners)).max() <= NEAR:
            fit = "reordered"
    return Comparison(fit, _differences(image, labels, into), into)


def pair(image: ImageFile, labels: ImageFile) -> Paired:
    """Bring a mask onto the voxels of its image.

    Parameters
    ----------
    image, labels
        As they were opened; the labels' data are integers (see :func:`src_models.files.images.read_label_file`).

    Returns
    -------
    Paired
        The mask. It has another shape than the image where there is no telling how they belong together: that is for
        the caller to refuse, who knows what both are for.

    Raises
    ------
    ImageError
        If the two lie apart, most of what the mask marks lies beside the image, or their pixel sizes contradict each
        other; if one says that it is to be turned (EXIF) and it cannot be told how the other lies to it.
    """
    if labels.geometry is None and image.geometry is None:
        shape = (image.reading.size("Y"), image.reading.size("X"))
        labels = replace(labels, data=lay_on_image(np.asarray(labels.data), labels.path, image.path, shape))
    known = [file.geometry is not None and file.geometry.known for file in (image, labels)]
    if all(known):
        return _leaning(image, labels) or _by_place(image, labels)
    if labels.geometry is None:
        _check_sizes(image, labels)
    if not any(known):
        return Paired(_by_index(image, labels))
    which = f"{image.path} has one" if known[0] else f"{image.path} has none"
    has = "no place of its own" if known[0] else "a place"
    return Paired(
        _by_index(image, labels),
        f"{labels.path} has {has} and {which}: their voxels were paired by their index, so check that the mask is not "
        "mirrored or shifted",
    )


def say(note: str | None) -> None:
    """Tell of a pair in the log, which the command line shows."""
    if note is not None:
        _log.warning("%s", note)


def _by_index(image: ImageFile, labels: ImageFile) -> NDArray[Any]:
    """Return labels in the order of the image's data, paired by their index in the files."""
    values = np.asarray(labels.data)
    if labels.geometry is None:
        return values
    grid = labels.geometry.to_grid(values)
    return np.asarray(grid if image.geometry is None else image.geometry.to_data(grid))


def _leaning(image: ImageFile, labels: ImageFile) -> Paired | None:
    """Pair labels of a sheared scan that a program made straight, which is known by their place."""
    from src_models.files.volumes.straightened import leaning_again

    assert image.geometry is not None
    assert labels.geometry is not None
    place = leaning_again(labels.geometry, image.geometry)
    if place is None:
        return None
    data = place.to_data(labels.geometry.to_grid(np.asarray(labels.data)))
    paired = _by_place(image, replace(labels, data=data, geometry=place))
    note = (
        f"{labels.path} has straight axes, and those of {image.path} lean on each other: a program that writes no "
        "shear (3D Slicer, for NIfTI) made them so. Each voxel was taken as the one it was drawn on"
    )
    return Paired(paired.labels, note)


def _by_place(image: ImageFile, labels: ImageFile) -> Paired:
    assert image.geometry is not None
    assert labels.geometry is not None
    stored = compare(_stored(image.geometry), _stored(labels.geometry))
    values = np.asarray(labels.data)
    found = compare(_data(image.geometry), _data(labels.geometry))
    if found.fit == "apart":
        raise ImageError(
            f"{labels.path} and {image.path} lie apart ({stored.words or found.words}): no voxel of one is in the "
            "other. Give the mask that was drawn on this image, or save it with the image's affine"
        )
    if found.fit != "same":
        placed = _placed(values, found, image.geometry.shape)
        lost = _share_lost(values, found, image.geometry.shape)
        if lost == 1 or (lost > _MOST and _reaches_beyond(image, labels, found)):
            much = "nothing of what it marks lies" if lost == 1 else f"{100 * lost:.2g} % of what it marks do not lie"
            raise ImageError(
                f"{labels.path}: {much} in {image.path} ({stored.words}); give the mask that was drawn on this image, "
                "or save it with the image's affine"
            )
        return Paired(placed, _placed_note(image, labels, stored.words or found.words, found, lost))
    if stored.fit == "same":
        return Paired(values)
    return Paired(values, _placed_note(image, labels, stored.words, found, 0.0))


def _placed_note(image: ImageFile, labels: ImageFile, words: str, found: Comparison, lost: float) -> str:
    how = "each voxel took the nearest number" if found.fit == "other" else "no number changed"
    note = f"{labels.path} has other voxels than {image.path}: {words}. It was placed by its affine; {how}"
    if lost:
        note += f"; {100 * lost:.2g} % of what it marks lies outside of the image and was left out"
    if found.fit != "same" and _reaches_beyond(image, labels, found):
        note += "; where the image reaches beyond it, there is background"
    return note


def _stored(geometry: VolumeGeometry) -> Grid:
    """Return the voxels as they are in the file."""
    z, y, x = (geometry.shape[geometry.order.index(axis)] for axis in range(3))
    return Grid(geometry.grid_affine, (z, y, x), UNIT)


def _data(geometry: VolumeGeometry) -> Grid:
    """Return the voxels as they are handed out."""
    return Grid(geometry.affine, geometry.shape, UNIT)


def _moved(matrix: NDArray[Any], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply an affine matrix to places, (N, n)."""
    return np.asarray(places @ matrix[:-1, :-1].T + matrix[:-1, -1])


def _beside(placed: NDArray[np.float64], shape: Sequence[int]) -> bool:
    """Whether a box, by its corners in an image's indices, lies beside the image."""
    low, high = placed.min(axis=0), placed.max(axis=0)
    return bool((high < -0.5).any() or (low > np.array(shape) - 0.5).any())


def _is_order(linear: NDArray[np.float64]) -> bool:
    """Whether a matrix only brings axes into another order and turns some round."""
    size = np.abs(linear)
    return bool(((size.sum(axis=0) == 1) & (size.sum(axis=1) == 1) & (size.max(axis=0) == 1)).all())


def _differences(image: Grid, labels: Grid, into: NDArray[np.float64]) -> str:
    """Return what differs, in words, the most telling first."""
    letters, unit = "tzyx"[-len(image.shape) :], f" {image.unit}".rstrip()
    told = []
    turn = _directions(image).T @ _directions(labels)  # columns: the mask's axes, by the image's
    order = np.abs(turn).argmax(axis=0)
    if sorted(order) == list(range(len(order))):
        moved = any(place != axis for axis, place in enumerate(order))
        against = [letters[place] for axis, place in enumerate(order) if turn[place, axis] < 0]
        if moved:
            told.append(f"its axes are, in order, the image's {', '.join(letters[place] for place in order)}")
        if against:
            told.append(f"it is stored the other way round along {' and '.join(sorted(against, reverse=True))}")
        angle = float(np.degrees(np.arccos(np.clip(np.abs(turn).max(axis=0).min(), -1, 1))))
        if angle > _TURNED:
            told.append(f"its axes lean by {angle:.2g} degrees")
    else:
        told.append("its axes lean by 45 degrees or more")
        order = np.arange(len(order))
    sizes = np.array([labels.spacing[list(order).index(axis)] for axis in range(len(order))])
    if not np.allclose(sizes, image.spacing, rtol=ALIKE, atol=0):
        told.append(f"its voxels are {_sizes(sizes)}{unit} in size, and the image's {_sizes(image.spacing)}")
    shape = tuple(labels.shape[list(order).index(axis)] for axis in range(len(order)))
    if shape != image.shape:
        told.append(f"it has {_sizes(shape)} voxels, and the image {_sizes(image.shape)}")
    shift = _moved(into, (np.array([labels.shape]) - 1) / 2)[0] - (np.array(image.shape) - 1) / 2
    distance = float(np.linalg.norm(shift * image.spacing))
    if np.abs(shift).max() > NEAR:
        told.append(f"its middle lies {distance:.3g}{unit} from the image's")
    return ", ".join(told) or "its voxels lie a little beside the image's"


def _directions(grid: Grid) -> NDArray[np.float64]:
    return np.asarray(grid.to_world[:-1, :-1] / grid.spacing)


def _sizes(numbers: Sequence[float] | NDArray[Any]) -> str:
    return " x ".join(f"{number:.4g}" for number in numbers)


def _placed(values: NDArray[Any], found: Comparison, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return labels ([t, ]z, y, x) on the image's voxels: each takes the nearest voxel's number; 0 outside."""
    from scipy import ndimage

    back = np.linalg.inv(found.into_image)
    if found.fit == "reordered":
        back = np.round(back)  # exactly, so that no voxel is taken from beside the right one
    placed = np.zeros((*values.shape[:-3], *shape), values.dtype)
    for frame in _frames(values):
        placed[frame] = ndimage.affine_transform(
            values[frame], back[:3, :3], back[:3, 3], output_shape=shape, order=0, mode="grid-constant", prefilter=False
        )
    return placed


def _frames(values: NDArray[Any]) -> Iterator[tuple[int, ...]]:
    yield from np.ndindex(values.shape[:-3])


def _share_lost(values: NDArray[Any], found: Comparison, shape: tuple[int, ...]) -> float:
    """Return the share of what labels mark that lies outside of an image of this shape."""
    marked = np.argwhere(values.reshape(-1, *values.shape[-3:]).any(axis=0))
    if not len(marked):
        return 0.0
    at = _moved(found.into_image, marked.astype(np.float64))
    outside = ((at < -0.5 - NEAR) | (at > np.array(shape) - 0.5 + NEAR)).any(axis=1)
    return float(outside.mean())


def _reaches_beyond(image: ImageFile, labels: ImageFile, found: Comparison) -> bool:
    """Whether there are voxels of the image outside of the mask's."""
    assert image.geometry is not None
    assert labels.geometry is not None
    at = _moved(np.linalg.inv(found.into_image), _data(image.geometry).corners)
    return bool(((at < -0.5 - NEAR) | (at > np.array(labels.geometry.shape) - 0.5 + NEAR)).any())


def _check_sizes(image: ImageFile, labels: ImageFile) -> None:
    """Refuse pixel sizes that contradict each other, of two files that tell nothing else of where they are."""
    if image.reading.without_channels().shape != labels.reading.shape:
        return  # said by whoever knows what both are for
    one, other = _in_metres(image.reading), _in_metres(labels.reading)
    wrong = [letter for letter in one.keys() & other.keys() if abs(one[letter] / other[letter] - 1) > ALIKE]
    if not wrong:
        return
    theirs, its = (_said_size(file.reading, one.keys() & other.keys()) for file in (image, labels))
    raise ImageError(
        f"{labels.path}: its pixels are {its} in size and those of {image.path} {theirs}, though both have as many: "
        "save the mask again with the image's pixel size, or without one"
    )


def _in_metres(reading: AxesReading) -> dict[str, float]:
    """Return the pixel sizes that a file tells; a depth of 1 is what is taken where nothing is told."""
    metre = _METRES.get(reading.unit)
    if metre is None:
        return {}
    return {letter: size * metre for letter, size in reading.spacing.items() if letter != "Z" or size != 1}


def _said_size(reading: AxesReading, letters: Any) -> str:
    return f"{_sizes([reading.spacing[letter] for letter in 'ZYX' if letter in letters])} {reading.unit}"
