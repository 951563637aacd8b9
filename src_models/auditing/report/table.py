"""An audit's figures as rows of a table, for the terminal and for pages."""

from __future__ import annotations

from src_models.auditing.figures import Gain, MapAudit, Order, Pointing
from src_models.auditing.results import Audit

__all__ = ["BLOCK_COLUMNS", "COLUMNS", "INFLUENCE_COLUMNS", "block_rows", "influence_rows", "rows"]

COLUMNS = (
    "order of pixels",
    "deletion area",
    "gain",
    "insertion area",
    "gain",
    "like the untrained",
    "strongest 1 % in objects",
)
BLOCK_COLUMNS = ("block", "attention on own object", "chance", "on any object", "chance", "queries")
INFLUENCE_COLUMNS = (
    "axial block",
    "rank correlation, attention frozen",
    "not explained by the map",
    "by a flat map",
    "rank correlation, attention free",
    "queries",
)


def rows(audit: Audit) -> list[tuple[str, ...]]:
    """Return a row of :data:`COLUMNS` for chance, for each reference and for each map."""
    none = ("", "")
    chance = audit.random
    found: list[tuple[str, ...]] = [
        (chance.name, f"{chance.deletion.area:.3f}", "", f"{chance.insertion.area:.3f}", "", *none)
    ]
    pointings = audit.pointings or (None,) * len(audit.references)
    found += [
        (*_areas(order), "", "" if pointing is None else _top(pointing))
        for order, pointing in zip(audit.references, pointings, strict=True)
    ]
    found += [
        (*_areas(one.order), _final(one), "-" if one.pointing is None else _top(one.pointing)) for one in audit.maps
    ]
    return found


def block_rows(audit: Audit) -> list[tuple[str, ...]]:
    """Return a row of :data:`BLOCK_COLUMNS` for each block and branch."""
    return [
        (
            look.block,
            f"{look.same_object:.1%}",
            f"{look.same_object_chance:.1%}",
            f"{look.any_object:.1%}",
            f"{look.any_object_chance:.1%}",
            str(look.queries),
        )
        for look in audit.looks
    ]


def influence_rows(audit: Audit) -> list[tuple[str, ...]]:
    """Return a row of :data:`INFLUENCE_COLUMNS` for each axial block whose positions were changed one by one."""
    return [
        (
            found.block,
            f"{found.frozen_correlation:.2f}",
            f"{found.frozen_residual:.1%}",
            f"{found.flat_residual:.1%}",
            f"{found.moving_correlation:.2f}",
            str(found.queries),
        )
        for found in audit.influences
    ]


def _areas(order: Order) -> tuple[str, ...]:
    return (
        order.name,
        f"{order.deletion.area:.3f}",
        _gain(order.deletion_gain),
        f"{order.insertion.area:.3f}",
        _gain(order.insertion_gain),
    )


def _gain(gain: Gain) -> str:
    return f"{gain.mean:+.3f} ± {gain.uncertainty:.3f}"


def _final(one: MapAudit) -> str:
    return "flat" if one.randomisation.final is None else f"{one.randomisation.final:.2f}"


def _top(pointing: Pointing) -> str:
    return f"{pointing.top:.0%} (chance {pointing.chance:.0%})"
