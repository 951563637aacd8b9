"""How a model of classes learns from classes that were given; the defaults need no decision from a person."""

from __future__ import annotations

from dataclasses import dataclass

from src_models.training.rounds.settings import RoundSettings

__all__ = ["ClassLearningSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassLearningSettings(RoundSettings):
    """How to learn from pictures with classes; what is not told here is as in :class:`RoundSettings`.

    Parameters
    ----------
    part
        What changes: the ``"full"`` network, or a part that it names, such as its ``"head"`` alone.
    batch
        Pictures per step.
    """

    part: str = "full"
    steps: int = 200
    batch: int = 16
    learning_rate: float = 3e-4
    replay: float = 0.5
    validate_every: int = 20
    patience: int = 5
