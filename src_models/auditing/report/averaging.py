"""The mean of many images' audits, in the form of one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from src_models.auditing.figures import Curve, Gain, MapAudit, Order, Pointing, Randomisation
from src_models.auditing.results import Audit

__all__ = ["average"]

Figures = TypeVar("Figures")


def average(audits: Sequence[Audit], name: str) -> Audit:
    """Average audits of one model on many images.

    Gains become means with their standard error. A figure that an image does not have (the pointing game of an image
    without objects, the correlation of a flat map) is left out of its mean.

    Parameters
    ----------
    audits
        Of the same model and the same maps; at least one.
    name
        What to call the images together.
    """
    first = audits[0]
    return replace(
        first,
        name=name,
        images=len(audits),
        region=first.region if len(audits) == 1 else None,
        whole=all(audit.whole for audit in audits),
        zoom=_mean(audit.zoom for audit in audits),
        found=_mean(audit.found for audit in audits),
        floor=_mean(audit.floor for audit in audits),
        random=_order([audit.random for audit in audits]),
        references=tuple(_order(orders) for orders in zip(*(audit.references for audit in audits), strict=True)),
        maps=tuple(_map(maps) for maps in zip(*(audit.maps for audit in audits), strict=True)),
        looks=_by_block([audit.looks for audit in audits]),
        influences=_by_block([audit.influences for audit in audits]),
        pointings=tuple(_pointing(of) for of in zip(*(audit.pointings for audit in audits), strict=True)),
    )


def _map(maps: Sequence[MapAudit]) -> MapAudit:
    steps = zip(*(one.randomisation.correlations for one in maps), strict=True)
    known = [[value for value in values if value is not None] for values in steps]
    middle = [one.against_middle for one in maps if one.against_middle is not None]
    return replace(
        maps[0],
        order=_order([one.order for one in maps]),
        randomisation=Randomisation(
            maps[0].randomisation.layers,
            tuple(_mean(values) if values else None for values in known),
            _mean(one.randomisation.chance for one in maps),
        ),
        pointing=_pointing([one.pointing for one in maps]),
        against_middle=None if not middle else (_gain([one for one, _ in middle]), _gain([one for _, one in middle])),
    )


def _pointing(found: Sequence[Pointing | None]) -> Pointing | None:
    known = [one for one in found if one is not None]
    return Pointing(**_means(known, Pointing.__slots__)) if known else None


def _order(orders: Sequence[Order]) -> Order:
    return Order(
        orders[0].name,
        _curve([order.deletion for order in orders]),
        _curve([order.insertion for order in orders]),
        _gain([order.deletion_gain for order in orders]),
        _gain([order.insertion_gain for order in orders]),
    )


def _curve(curves: Sequence[Curve]) -> Curve:
    scores = np.mean([curve.scores for curve in curves], axis=0)
    return Curve.through(curves[0].fractions, [float(score) for score in scores])


def _gain(gains: Sequence[Gain]) -> Gain:
    if len(gains) == 1:
        return gains[0]
    means = np.array([gain.mean for gain in gains])
    return Gain(float(means.mean()), float(means.std(ddof=1) / np.sqrt(means.size)))


def _by_block(found: Sequence[tuple[Figures, ...]]) -> tuple[Figures, ...]:
    """Average what is known of each block over the images of which it is known; counts become totals."""
    known = [blocks for blocks in found if blocks]
    averaged = []
    for of_block in zip(*known, strict=True):
        counts = {name: sum(getattr(one, name) for one in of_block) for name in ("queries",)}
        names = [name for name in type(of_block[0]).__slots__ if name not in ("block", "queries", "positions")]
        averaged.append(replace(of_block[0], **_means(of_block, names), **counts))
    return tuple(averaged)


def _means(found: Sequence[object], names: Iterable[str]) -> dict[str, float]:
    return {name: _mean(getattr(one, name) for one in found) for name in names}


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
