"""How a round of learning goes, whatever it learns from; the defaults need no decision from a person."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from src_models.errors import UserError

__all__ = ["RoundSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundSettings:
    """What all rounds of learning have to be told.

    Parameters
    ----------
    steps
        Optimiser steps at most.
    seconds
        Time to learn at most on a machine that does nothing else (:mod:`src_models.training.rounds.work`); the learning
        rate goes down to zero over whichever of the two ends first.
    batch
        Examples per step.
    learning_rate
        The peak.
    replay
        Share of examples that are not the person's but what the model was first trained on, against forgetting.
    validate_every
        Steps between validations.
    patience
        Validations without improvement after which learning ends.
    seed
        Seed of everything that is random.
    device
        As Lightning Fabric takes it.
    """

    steps: int
    seconds: float = 55.0
    batch: int
    learning_rate: float
    replay: float
    validate_every: int
    patience: int
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        self.check_counts("steps", "batch", "validate_every", "patience")
        for name in ("seconds", "learning_rate"):
            if not 0 < getattr(self, name) < math.inf:
                raise UserError(f"{name.replace('_', ' ')} is {getattr(self, name)}; it must be a number above 0")
        if not 0 <= self.replay < 1:
            raise UserError(f"replay is {self.replay}; it must be a share from 0 to below 1")

    def check_counts(self, *names: str) -> None:
        """Refuse what is to be counted and is less than 1.

        Raises
        ------
        UserError
            If it is.
        """
        for name in names:
            if getattr(self, name) < 1:
                raise UserError(f"{name.replace('_', ' ')} is {getattr(self, name)}; it must be at least 1")

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as JSON holds them."""
        return dataclasses.asdict(self)
