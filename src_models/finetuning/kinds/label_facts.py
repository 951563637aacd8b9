"""What can be seen of labels without knowing what they mean: how numbers return, hang together, and how wide they are.

A number that counts nowhere says nothing; one that counts somewhere is looked at as a whole, since of an object that a
person mended only the mended pixels may count.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.corrections.correction import Correction
from src_models.images.grey.intensity import filled
from src_models.labels.instances import median_diameter

__all__ = ["LOOKED_AT", "LabelFacts", "facts_of"]

LOOKED_AT = 24  # tiles whose pixels are looked at; of all others, the numbers
LARGEST = 768  # px; of larger tiles, a part in the middle of what counts
SPECK = 0.02  # share of what a number marks in a tile; smaller parts are slips of the brush


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFacts:
    """What can be seen of the labels of some tiles.

    Parameters
    ----------
    numbers
        The numbers that occur, sorted.
    occurrences
        In how many tiles they occur, added up.
    whole
        Share of these in which a number marks one connected part.
    parts
        How many connected parts there are in all.
    counts_up
        Whether each tile holds the numbers from 1 on, without a gap, as where objects are counted.
    alike
        How probable it is that numbers which return differ in size and brightness by chance alone: the p value of
        Kruskal and Wallis's test, the smaller of the two; 1 where too few return.
    spans
        Share of the tiles in which some part reaches from one side to the side across.
    width, length
        Of what is marked: twice the median distance to its edge along its centre line (px), and the length of a part's
        centre line in such widths, averaged over the parts by their areas.
    diameter
        Median diameter (px) of what would be the objects.
    """

    numbers: tuple[int, ...] = ()
    occurrences: int = 0
    whole: float = 1.0
    parts: int = 0
    counts_up: bool = True
    alike: float = 1.0
    spans: float = 0.0
    width: float = 0.0
    length: float = 0.0
    diameter: float | None = None

    @property
    def returning(self) -> float:
        """In how many tiles a number occurs, on average."""
        return self.occurrences / len(self.numbers) if self.numbers else 0.0


def facts_of(corrections: Iterable[tuple[str, Correction]]) -> LabelFacts:
    """Look at the labels of corrections.

    Parameters
    ----------
    corrections
        With their names, as ``CorrectionSet.corrections()`` gives them.
    """
    seen: list[_Tile] = []
    numbers: set[int] = set()
    occurrences, counts_up = 0, True
    for _, correction in corrections:
        here = np.unique(correction.labels[correction.counts & (correction.labels > 0)])
        if not here.size:
            continue
        numbers.update(here.tolist())
        occurrences += here.size
        counts_up &= int(here[-1]) == here.size
        if len(seen) < LOOKED_AT:
            seen.append(_look(correction, here))
    if not seen:
        return LabelFacts()
    one = len(numbers) == 1
    areas = np.concatenate([tile.areas for tile in seen])
    diameters = [tile.diameter_of_parts if one else tile.diameter for tile in seen]
    return LabelFacts(
        numbers=tuple(sorted(numbers)),
        occurrences=occurrences,
        whole=float(np.mean(np.concatenate([tile.parts == 1 for tile in seen]))),
        parts=int(sum(tile.parts.sum() for tile in seen)),
        counts_up=counts_up,
        alike=_alike(seen),
        spans=float(np.mean([tile.spans for tile in seen])),
        width=float(np.median([tile.width for tile in seen])),
        length=float(np.average(np.concatenate([tile.lengths for tile in seen]), weights=areas)),
        diameter=float(np.median([value for value in diameters if value is not None])),
    )


@dataclass(frozen=True, slots=True)
class _Tile:
    numbers: NDArray[Any]
    parts: NDArray[np.intp]  # of each number
    looks: NDArray[np.float64]  # of each number, (numbers, 2): the logarithm of its area, and its brightness
    areas: NDArray[np.float64]  # of each part of what is marked
    lengths: NDArray[np.float64]
    width: float
    spans: bool
    diameter: float | None
    diameter_of_parts: float | None


def _look(correction: Correction, numbers: NDArray[Any]) -> _Tile:
    from scipy import ndimage
    from skimage.morphology import skeletonize

    plane = _fullest_plane(correction)
    given, counted = correction.labels[plane], (correction.counts & (correction.labels > 0))[plane]
    cut = _middle(counted)
    labels = np.where(np.isin(given[cut], numbers), given[cut], 0)
    numbers = np.intersect1d(numbers, labels)
    marked = labels > 0
    pieces, count = ndimage.label(marked, np.ones((3, 3)))
    areas = np.bincount(pieces.ravel(), minlength=count + 1)[1:].astype(float)
    line = np.asarray(skeletonize(marked), bool)
    width = 2 * float(np.median(ndimage.distance_transform_edt(marked)[line])) if line.any() else 0.0
    lengths = np.bincount(pieces[line], minlength=count + 1)[1:] / max(width, 1.0)
    grey = filled(correction.image[plane][cut]).astype(np.float64)
    grey = grey.mean(axis=-1) if grey.ndim == 3 else grey
    bright = (grey - grey.mean()) / (grey.std() or 1.0)
    looks = [(np.log((labels == number).sum()), bright[labels == number].mean()) for number in numbers]
    return _Tile(
        numbers=numbers,
        parts=np.array([_parts(labels == number) for number in numbers]),
        looks=np.array(looks),
        areas=areas,
        lengths=lengths,
        width=width,
        spans=_spans(pieces),
        diameter=median_diameter(labels),
        diameter_of_parts=median_diameter(pieces),
    )


def _fullest_plane(correction: Correction) -> tuple[int, ...]:
    """Return the index of the plane of a volume in which the most is marked; of a plane, none."""
    if correction.labels.ndim == 2:
        return ()
    marked = correction.counts & (correction.labels > 0)
    return (int(marked.sum((1, 2)).argmax()),)


def _middle(counts: NDArray[np.bool_]) -> tuple[slice, ...]:
    """Return the surroundings of the middle pixel that counts, as large as is looked at."""
    places = np.flatnonzero(counts)
    centre = np.unravel_index(places[len(places) // 2], counts.shape)
    return tuple(slice(max(0, int(at) - LARGEST // 2), int(at) + LARGEST // 2) for at in centre)


def _parts(mask: NDArray[np.bool_]) -> int:
    """Return how many parts there are, without specks."""
    from scipy import ndimage

    pieces, _ = ndimage.label(mask, np.ones((3, 3)))
    areas = np.bincount(pieces.ravel())[1:]
    return int((areas >= SPECK * areas.sum()).sum())


def _spans(pieces: NDArray[Any]) -> bool:
    """Return whether a part reaches from one side to the side across."""
    sides = [(pieces[0], pieces[-1]), (pieces[:, 0], pieces[:, -1])]
    return any((np.intersect1d(one, other) > 0).any() for one, other in sides)


def _alike(tiles: list[_Tile]) -> float:
    from scipy import stats

    looks: defaultdict[int, list[NDArray[np.float64]]] = defaultdict(list)
    for number, look in itertools.chain.from_iterable(zip(tile.numbers, tile.looks, strict=True) for tile in tiles):
        looks[int(number)].append(look)
    groups = [np.array(group) for group in looks.values() if len(group) > 1]
    if len(groups) < 2:
        return 1.0
    chances = []
    for quality in (0, 1):
        values = [group[:, quality] for group in groups]
        if len(np.unique(np.concatenate(values))) > 1:
            chances.append(float(stats.kruskal(*values).pvalue))
    return min(chances, default=1.0)
