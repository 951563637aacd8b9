"""The figures of an audit, of one image or averaged over many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = [
    "BlockInfluence",
    "Curve",
    "Gain",
    "MapAudit",
    "ObjectAttention",
    "Order",
    "Pointing",
    "Randomisation",
    "ToldClasses",
]

LEAST_GAIN = 0.01


@dataclass(frozen=True, slots=True)
class Curve:
    """How much of the result is there by share of pixels removed (deletion) or shown (insertion).

    Parameters
    ----------
    fractions
        Shares of the pixels, from 0 to 1.
    scores
        The survival of the result at each, see :func:`src_models.auditing.measures.curves.survival`.
    area
        Area under the curve by the trapezoid rule, 0 to 1.
    """

    fractions: tuple[float, ...]
    scores: tuple[float, ...]
    area: float

    @classmethod
    def through(cls, fractions: Sequence[float], scores: Sequence[float]) -> Curve:
        """Make the curve through points."""
        return cls(tuple(fractions), tuple(scores), float(np.trapezoid(scores, fractions)))


@dataclass(frozen=True, slots=True)
class Gain:
    """Area by which an order does better than chance.

    Parameters
    ----------
    mean
        Deletion: area of random orders less that of this one. Insertion: the other way round. Above 0 is better.
    uncertainty
        Of one image, the standard deviation of the areas of random orders; of many, the standard error of the mean.
    """

    mean: float
    uncertainty: float

    @property
    def verdict(self) -> int:
        """1 for clearly better than chance, -1 for clearly worse, 0 for neither.

        Clear is what exceeds twice the uncertainty and 0.01.
        """
        clear = abs(self.mean) > max(2 * self.uncertainty, LEAST_GAIN)
        return int(np.sign(self.mean)) if clear else 0


@dataclass(frozen=True, slots=True)
class Order:
    """What happens when pixels are removed, or shown, in one order."""

    name: str
    deletion: Curve
    insertion: Curve
    deletion_gain: Gain
    insertion_gain: Gain


@dataclass(frozen=True, slots=True)
class Randomisation:
    """How alike a map stays while layers are re-initialised from the output to the input.

    Parameters
    ----------
    layers
        In the order in which they were re-initialised.
    correlations
        Size of Spearman's rank correlation with the trained network's map after each, 0 to 1, whatever its sign; None
        where the map became flat.
    chance
        The size of the correlation of maps of so many cells in random order, on average: not near 0 where they are few.
    """

    layers: tuple[str, ...]
    correlations: tuple[float | None, ...]
    chance: float = 0.0

    @property
    def final(self) -> float | None:
        """The correlation when no layer is trained any more."""
        return self.correlations[-1]


@dataclass(frozen=True, slots=True)
class Pointing:
    """How often strong attention falls on objects that people drew.

    Parameters
    ----------
    strongest
        1 if at least half of the strongest cell lies in objects, else 0; a mean over cells that tie and over images.
    strongest_chance
        Share of all cells of which at least half lies in objects.
    top
        Share of the area of the strongest 1 % of cells that lies in objects.
    chance
        Share of the image that lies in objects.
    """

    strongest: float
    strongest_chance: float
    top: float
    chance: float


@dataclass(frozen=True, slots=True)
class MapAudit:
    """The measures of one map.

    `pointing` is None where no objects are known. `against_middle` are the gains of deletion and of insertion, for
    classes, over an order that takes what lies nearest to the middle of a picture first.
    """

    name: str
    kind: str
    description: str
    order: Order
    randomisation: Randomisation
    pointing: Pointing | None
    against_middle: tuple[Gain, Gain] | None = None


@dataclass(frozen=True, slots=True)
class ToldClasses:
    """What an audit of a model of classes looked at.

    Parameters
    ----------
    what
        ``"objects"``, ``"tiles"``, ``"planes"`` or ``"pictures"``.
    size
        Side (px) of the pictures, as the network saw them.
    counts
        Of how many each class was told; that class is the one that is asked about.
    """

    what: str
    size: int
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class ObjectAttention:
    """How much of the attention of pixels inside objects goes to objects, in one block or through a branch.

    Chance is the share of the area that the block can look at.
    """

    block: str
    queries: int
    same_object: float
    same_object_chance: float
    any_object: float
    any_object_chance: float


@dataclass(frozen=True, slots=True)
class BlockInfluence:
    """How well a block's product map tells which positions act on its output at a pixel.

    Parameters
    ----------
    block, queries, positions
        The block, how many pixels were asked about and how many positions were perturbed for each.
    frozen_correlation
        Spearman's rank correlation of the product map with the influence while the width layer's attention is kept as
        it was.
    frozen_residual, flat_residual
        What is left of that influence (root of the sum of squares, relative) by the best multiple of the product map,
        0 where they are proportional, and by the best multiple of a map that is the same everywhere.
    moving_correlation
        Rank correlation with the influence when the width layer's attention answers to the perturbation.
    """

    block: str
    queries: int
    positions: int
    frozen_correlation: float
    frozen_residual: float
    flat_residual: float
    moving_correlation: float
