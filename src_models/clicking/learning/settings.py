"""How a network of clicks learns from accepted objects; the defaults need no decision from a person."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from src_models.errors import UserError

__all__ = ["LEAST_OBJECTS", "ClickLearningSettings"]

LEAST_OBJECTS = 5  # of fewer, too few could be held out to judge by


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickLearningSettings:
    """How to learn from accepted objects.

    Parameters
    ----------
    steps
        Optimiser steps at most.
    seconds
        Work at most: seconds that the learning thread computes. The learning rate goes down to zero over whichever of
        the two ends first.
    batch
        Objects per step.
    learning_rate
        The peak.
    replay
        Share of objects that are not the person's, against forgetting.
    validate_every
        Steps between validations.
    patience
        Validations without improvement after which learning ends.
    judged
        Views of held-out objects, and as many of known ones, that judge.
    seed
        Seed of everything that is random.
    device
        As Lightning Fabric takes it.
    """

    steps: int = 150
    seconds: float = 55.0
    batch: int = 6
    learning_rate: float = 5e-4
    replay: float = 0.4
    validate_every: int = 30
    patience: int = 3
    judged: int = 24
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "validate_every", "patience", "judged"):
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
