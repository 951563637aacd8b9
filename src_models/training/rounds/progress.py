"""What a round of learning tells: after each step, and at its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from src_models.models.checkpoint import Model

__all__ = ["RoundResult", "RoundUpdate"]

Score = TypeVar("Score")


@dataclass(frozen=True, slots=True)
class RoundUpdate(Generic[Score]):
    """What there is to tell after a step.

    Parameters
    ----------
    step
        Steps made; 0 before the first, when only the network as it was is judged.
    loss
        Mean training loss since the last validation.
    validation
        How the network does on what was held out, if it was just judged.
    start, best
        The same of the network as it was, and of the best so far.
    improved
        Whether this is the best so far.
    done
        Share of the steps or of the time that is over, 0 to 1.
    seconds_left
        Until it ends at the latest, if the machine stays as busy as it is.
    seconds_idle
        The same on a machine that does nothing else.
    """

    step: int
    loss: float
    validation: Score | None
    start: Score
    best: Score
    improved: bool
    done: float
    seconds_left: float
    seconds_idle: float


@dataclass(frozen=True, slots=True)
class RoundResult(Generic[Score]):
    """How learning ended.

    Parameters
    ----------
    model
        The best network found, with its header; None if none is better than the one that it began with.
    start, best
        How the network does on what was held out, before and after.
    steps
        Steps made.
    sentence
        What to tell the person; where nothing was gained, what would help.
    """

    model: Model | None
    start: Score
    best: Score
    steps: int
    sentence: str
