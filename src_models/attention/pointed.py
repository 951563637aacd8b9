"""What a network attends to at one place: a way to look, and the answer, whatever kind of attention it is.

>>> View("large window 1.1", "block", "Stage 1.1, large windows: where it looks from here", heads=2).heads
2
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from src_models.attention.placed_map import PlacedMap
from src_models.attention.words import pointer_sentence

__all__ = ["POINTED", "Pointed", "View"]

POINTED = "attention at pointer"


@dataclass(frozen=True, slots=True)
class View:
    """One way to look at a place.

    Parameters
    ----------
    name
        Such as ``"global 2.1"``, ``"large window 1.1"`` or ``"gate 2"``.
    kind
        ``"block"``: where one block looks. ``"rollout"``: the same, followed through all blocks of a branch.
        ``"gate"``: what an attention gate lets through.
    title
        The name for people.
    heads
        Heads that can be looked at one by one; 0 where there are none.
    """

    name: str
    kind: Literal["block", "rollout", "gate"]
    title: str
    heads: int = 0


@dataclass(frozen=True, slots=True)
class Pointed:
    """The answer for one place.

    Parameters
    ----------
    map
        In the axes of the labels; it has one plane. Of a block or a branch: weights that sum to 1 and may reach beyond
        the image into its padding. Of a gate: its coefficients.
    query
        Centre (px of the image, axes of the labels) of the cell that the place belongs to.
    values
        Value, at the place, of every map that was recorded.
    view
        The way to look that was asked for.
    """

    map: PlacedMap
    query: tuple[float, ...]
    values: dict[str, float]
    view: View

    @property
    def sentence(self) -> str:
        """What the answer says, for a person who points at the place."""
        value = self.values.get(self.view.name) if self.view.kind == "gate" else None
        return pointer_sentence(self.view.name, value)
