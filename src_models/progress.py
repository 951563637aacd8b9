"""How far something long is, and going through it at once."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["Progress", "finish"]

S = TypeVar("S")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: steps done, steps in all, and what is being done, in words."""

    done: int
    total: int
    message: str


def finish(steps: Generator[S, None, R], on_step: Callable[[S], object] | None = None) -> R:
    """Go through steps and return what they return.

    Parameters
    ----------
    steps
        Do a part of some work each.
    on_step
        Called with what each yields.
    """
    with closing(steps):  # also where `on_step` raises: what the steps have open is put away at once
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                result: R = end.value
                return result
            if on_step is not None:
                on_step(step)
