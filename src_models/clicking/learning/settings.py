"""How a network of clicks learns from accepted objects; the defaults need no decision from a person."""

from __future__ import annotations

from dataclasses import dataclass

from src_models.training.rounds.settings import RoundSettings

__all__ = ["LEAST_OBJECTS", "ClickLearningSettings"]

LEAST_OBJECTS = 5  # of fewer, too few could be held out to judge by


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickLearningSettings(RoundSettings):
    """How to learn from accepted objects; what is not told here is as in :class:`RoundSettings`.

    Parameters
    ----------
    batch
        Objects per step.
    judged
        Views of held-out objects, and as many of known ones, that judge.
    """

    steps: int = 150
    batch: int = 6
    learning_rate: float = 5e-4
    replay: float = 0.4
    validate_every: int = 30
    patience: int = 3
    judged: int = 24

    def __post_init__(self) -> None:
        RoundSettings.__post_init__(self)
        self.check_counts("judged")
