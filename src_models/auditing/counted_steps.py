"""The steps of an audit, counted: what a measure reports becomes progress of the whole run.

>>> steps = CountedSteps()
>>> steps.total = 2
>>> [steps.step("looking").done, steps.step("removing").done, steps.step("one too many").done]
[1, 2, 2]
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from src_models.progress import Progress

__all__ = ["CountedSteps"]

Result = TypeVar("Result")


class CountedSteps:
    """How many of the steps of a run are done.

    Attributes
    ----------
    done, total
        Steps that are done, and all; the first never exceeds the second.
    """

    def __init__(self) -> None:
        self.done = self.total = 0

    def step(self, message: str) -> Progress:
        """Count one step, which is described by a message."""
        self.done = min(self.done + 1, self.total)
        return Progress(self.done, self.total, message)

    def reporting(self, steps: Generator[str, None, Result]) -> Generator[Progress, None, Result]:
        """Pass on what a measure does as steps of the whole run."""
        while True:
            try:
                message = next(steps)
            except StopIteration as finished:
                result: Result = finished.value
                return result
            yield self.step(message)
