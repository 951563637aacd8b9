"""How far something long is."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Progress"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: steps done, steps in all, and what is being done, in words."""

    done: int
    total: int
    message: str
