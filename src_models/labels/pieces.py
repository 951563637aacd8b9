"""The largest pieces of each class in a volume: what a network drew far from an organ is no part of it.

Pieces are connected through sides, edges and corners of pixels (or voxels), within the whole of a volume, however its
labels are held: they are read slab by slab along the first axis, and what a seam cuts is joined before sizes count.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from src_models.errors import UserError
from src_models.models.header import ModelHeader

__all__ = [
    "ALL",
    "Dropped",
    "WantedPieces",
    "class_names",
    "keep_largest",
    "pieces_wanted",
    "pieces_words",
    "with_pieces",
]

SLAB = 2**24  # px that are looked at together

ALL = "all"

#: What a person says: None for what the model's file says, "all", a number for each class, or numbers by class.
WantedPieces = str | int | Mapping[str, int] | None


class Dropped(NamedTuple):
    """What was taken from a class."""

    pieces: int
    pixels: int


def class_names(header: ModelHeader) -> tuple[str, ...]:
    """Return what the labels 1, 2 and so on mean where a model's labels are classes."""
    return ("objects",) if header.result == "instances" else header.classes[1:]


def pieces_wanted(wanted: WantedPieces, header: ModelHeader) -> dict[int, int]:
    """Return how many pieces each class keeps, by its number; classes that keep all are not among them.

    Parameters
    ----------
    wanted
        ``"all"``; a number, for each class; numbers by the names of classes, as a mapping or written
        ``"liver, lungs:2"`` (one, unless a number is given); or None for what the model's file says.
    header
        The model's.

    Raises
    ------
    UserError
        If there is no such class, or a number is below 1.

    Examples
    --------
    >>> header = ModelHeader(
    ...     name="organs", purpose="", architecture="attention-unet", config={}, channels=("grey",),
    ...     classes=("background", "liver", "lungs"), largest_pieces={"liver": 1},
    ... )
    >>> pieces_wanted(None, header), pieces_wanted("liver, lungs:2", header), pieces_wanted(1, header)
    ({1: 1}, {1: 1, 2: 2}, {1: 1, 2: 1})
    """
    names = class_names(header)
    numbers = {name: number for number, name in enumerate(names, start=1)}
    if wanted is None:
        by_name = dict(header.largest_pieces)
    elif isinstance(wanted, str) and wanted.strip() == ALL:
        by_name = {}
    elif isinstance(wanted, Mapping):
        by_name = dict(wanted)
    elif isinstance(wanted, int) or wanted.strip().isdecimal():
        by_name = dict.fromkeys(names, int(wanted))
    else:
        by_name = dict(_one(part) for part in wanted.split(","))
    unknown = [name for name in by_name if name not in numbers]
    if unknown:
        raise UserError(
            f"the model {header.name!r} has no class {unknown[0]!r} of which the largest pieces could be kept; its "
            f"classes are {', '.join(names)}"
        )
    if any(count < 1 for count in by_name.values()):
        raise UserError("at least 1 piece of a class is kept; to keep all, write 'all'")
    return {numbers[name]: count for name, count in by_name.items()}


def _one(text: str) -> tuple[str, int]:
    """Read ``lungs:2`` or ``liver``."""
    name, colon, count = text.rpartition(":")
    if not colon:
        return text.strip(), 1
    if not count.strip().isdecimal():
        raise UserError(f"{text.strip()!r} is not a class with the number of pieces that it keeps, such as lungs:2")
    return name.strip(), int(count)


def with_pieces(header: ModelHeader, text: str) -> ModelHeader:
    """Return a header that says how many pieces classes have, from ``"liver, lungs:2"``; as it is for no text.

    Raises
    ------
    UserError
        If there is no such class, or the model finds objects.
    """
    if not text:
        return header
    if header.result != "semantic":
        raise UserError("the largest pieces are those of classes, and this model learns objects: leave them out")
    kept = pieces_wanted(text, header)
    return replace(header, largest_pieces={header.classes[number]: count for number, count in kept.items()})


def pieces_words(kept: Mapping[str, int]) -> str:
    """Say how many pieces which classes keep.

    Examples
    --------
    >>> pieces_words({"liver": 1, "spleen": 1, "lungs": 2})
    'the largest piece of liver, spleen; the 2 largest of lungs'
    """
    ordered = sorted(kept.items(), key=lambda item: item[1])
    told = []
    for count, group in itertools.groupby(ordered, key=lambda item: item[1]):
        which = "the largest piece of" if count == 1 else f"the {count} largest of"
        told.append(f"{which} {', '.join(name for name, _ in group)}")
    return "; ".join(told)


def keep_largest(labels: Any, kept: Mapping[int, int]) -> Generator[None, None, dict[int, Dropped]]:
    """Set to 0 all but the largest pieces of some classes; of pieces as large as each other the first ones stay.

    Parameters
    ----------
    labels
        Classes (*S), 0 the background: NumPy, zarr, or what has a shape and is read and written by tuples of slices.
    kept
        How many pieces a class keeps, by its number.

    Yields
    ------
    None
        After each slab is read, and after each is written.

    Returns
    -------
    dict
        What was taken, by class; classes from which nothing was are not among them.
    """
    found = {value: _Class(value) for value in kept}
    slabs = _slabs(labels.shape)
    for slab in slabs:
        block = np.asarray(labels[slab])
        there = np.bincount(block.ravel(), minlength=max(kept, default=0) + 1) > 0
        for value, one in found.items():
            one.add(block if there[value] else None)
        yield
    stay = {value: one.largest(kept[value]) for value, one in found.items()}
    for number, slab in enumerate(slabs):
        going = [value for value, one in found.items() if not one.in_slab(stay[value], number).all()]
        if going:
            block = np.array(labels[slab])
            for value in going:
                box, pieces, _ = _pieces(block, value)
                whole = np.concatenate([[True], found[value].in_slab(stay[value], number)])
                block[box][~whole[pieces]] = 0
            labels[slab] = block
        yield
    dropped = {value: one.dropped(stay[value]) for value, one in found.items()}
    return {value: each for value, each in dropped.items() if each.pieces}


@dataclass
class _Class:
    """The pieces of one class, slab after slab."""

    value: int
    _sizes: list[NDArray[np.int64]] = field(default_factory=list)  # of the pieces of each slab
    _pairs: list[NDArray[np.int64]] = field(default_factory=list)  # of pieces, numbered through all slabs, that touch
    _count: int = 0
    _last: NDArray[np.int64] | None = None  # the pieces on the last plane of the slab before
    _groups: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def add(self, block: NDArray[Any] | None) -> None:
        """Take note of a slab; of None, the class is not in it."""
        if block is None:
            self._sizes.append(np.zeros(0, np.int64))
            self._last = None
            return
        box, pieces, count = _pieces(block, self.value)
        self._sizes.append(np.bincount(pieces.ravel(), minlength=count + 1)[1:])
        if self._last is not None and box[0].start == 0:
            self._pairs.append(_touching(self._last, self._plane(block, box, pieces, 0)))
        reaches = box[0].stop == len(block)
        self._last = self._plane(block, box, pieces, -1) if reaches else None
        self._count += count

    def _plane(
        self, block: NDArray[Any], box: tuple[slice, ...], pieces: NDArray[np.int32], index: int
    ) -> NDArray[np.int64]:
        """Return the pieces on the first or last plane of a slab, by their numbers through all slabs, from 1."""
        plane = np.zeros(block.shape[1:], np.int64)
        inside = pieces[index].astype(np.int64)
        plane[box[1:]] = np.where(inside > 0, inside + self._count, 0)
        return plane

    def largest(self, count: int) -> NDArray[np.bool_]:
        """Return, by pieces numbered through all slabs, whether they belong to the largest ones."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        one, other = np.concatenate([*self._pairs, np.zeros((2, 0), np.int64)], axis=1) - 1
        graph = coo_array((np.ones(len(one)), (one, other)), (self._count, self._count))
        self._groups = np.asarray(connected_components(graph, directed=False)[1], np.int64)
        totals = np.bincount(self._groups, weights=np.concatenate([*self._sizes, np.zeros(0, np.int64)]))
        _, first = np.unique(self._groups, return_index=True)
        order = np.lexsort((first, -totals))
        return np.isin(self._groups, order[:count])

    def in_slab(self, stay: NDArray[np.bool_], number: int) -> NDArray[np.bool_]:
        """Return what belongs to the pieces of one slab."""
        start = sum(len(sizes) for sizes in self._sizes[:number])
        return stay[start : start + len(self._sizes[number])]

    def dropped(self, stay: NDArray[np.bool_]) -> Dropped:
        """Return what goes."""
        sizes = np.concatenate([*self._sizes, np.zeros(0, np.int64)])
        return Dropped(len(np.unique(self._groups[~stay])), int(sizes[~stay].sum()))


def _slabs(shape: Sequence[int]) -> list[tuple[slice, ...]]:
    depth = max(1, SLAB // max(1, int(np.prod(shape[1:], dtype=np.int64))))
    rest = tuple(slice(0, size) for size in shape[1:])
    return [(slice(start, min(start + depth, shape[0])), *rest) for start in range(0, shape[0], depth)]


def _pieces(block: NDArray[Any], value: int) -> tuple[tuple[slice, ...], NDArray[np.int32], int]:
    """Return the box around a class that is there, the numbers of its pieces in it from 1, and how many there are."""
    from scipy import ndimage

    mask = block == value
    box: tuple[slice, ...] = ndimage.find_objects(mask.view(np.uint8))[0]
    pieces, count = ndimage.label(mask[box], np.ones((3,) * block.ndim))
    return box, pieces, count


def _touching(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the pairs of pieces, (2, n), that touch across a seam between two planes, also at an edge or a corner."""
    pairs = [_met(here, there) for here, there in _shifted_pairs(one, other)]
    return np.unique(np.concatenate(pairs, axis=1), axis=1)


def _met(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    both = (one > 0) & (other > 0)
    return np.unique(np.stack([one[both], other[both]]), axis=1)


def _shifted_pairs(
    one: NDArray[np.int64], other: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    for offset in itertools.product((-1, 0, 1), repeat=one.ndim):
        here = tuple(slice(max(0, step), min(0, step) or None) for step in offset)
        there = tuple(slice(max(0, -step), min(0, -step) or None) for step in offset)
        yield one[here], other[there]
