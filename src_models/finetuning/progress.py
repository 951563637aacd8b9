"""What a round of learning tells: after each step, and at its end."""

from __future__ import annotations

from dataclasses import dataclass

from src_models.finetuning.judging import Validation
from src_models.models.checkpoint import Model

__all__ = ["LearningResult", "LearningUpdate"]


@dataclass(frozen=True, slots=True)
class LearningUpdate:
    """What there is to tell after a step.

    Parameters
    ----------
    step
        Steps made; 0 before the first, when only the validation of the network as it was is known.
    loss
        Mean training loss since the last validation.
    validation
        If one was just made.
    start_dice, best_dice
        Of the network as it was, and the best so far.
    improved
        Whether this is the best so far.
    seconds_left
        Until it ends at the latest.
    """

    step: int
    loss: float
    validation: Validation | None
    start_dice: float
    best_dice: float
    improved: bool
    seconds_left: float


@dataclass(frozen=True, slots=True)
class LearningResult:
    """How learning ended.

    Parameters
    ----------
    model
        The best network found, with its header; None if none is better than the one that it began with.
    start_dice, best_dice
        On held-out corrections, before and after.
    steps
        Steps made.
    sentence
        What to tell the person; where nothing was gained, what would help.
    """

    model: Model | None
    start_dice: float
    best_dice: float
    steps: int
    sentence: str
