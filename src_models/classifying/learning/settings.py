"""How a model of classes learns from classes that were given; the defaults need no decision from a person."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from src_models.errors import UserError

__all__ = ["ClassLearningSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassLearningSettings:
    """How to learn from pictures with classes.

    Parameters
    ----------
    part
        What changes: the ``"full"`` network, or a part that it names, such as its ``"head"`` alone.
    steps
        Optimiser steps at most.
    seconds
        Work at most: seconds that the learning thread computes. The learning rate goes down to zero over whichever of
        the two ends first.
    batch
        Pictures per step.
    learning_rate
        The peak.
    replay
        Share of pictures from those that the model was first trained on, against forgetting.
    validate_every
        Steps between validations.
    patience
        Validations without improvement after which learning ends.
    seed
        Seed of everything that is random.
    device
        As Lightning Fabric takes it.
    """

    part: str = "full"
    steps: int = 200
    seconds: float = 55.0
    batch: int = 16
    learning_rate: float = 3e-4
    replay: float = 0.5
    validate_every: int = 20
    patience: int = 5
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "validate_every", "patience"):
            if getattr(self, name) < 1:
                raise UserError(f"{name.replace('_', ' ')} is {getattr(self, name)}; it must be at least 1")
        for name in ("seconds", "learning_rate"):
            if not 0 < getattr(self, name) < math.inf:
                raise UserError(f"{name.replace('_', ' ')} is {getattr(self, name)}; it must be a number above 0")
        if not 0 <= self.replay < 1:
            raise UserError(f"replay is {self.replay}; it must be a share from 0 to below 1")

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as JSON holds them."""
        return dataclasses.asdict(self)
