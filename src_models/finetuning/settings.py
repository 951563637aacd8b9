"""How a network learns from corrections; the defaults need no decision from a person."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from src_models.errors import UserError
from src_models.models.architectures import ARCHITECTURES

__all__ = ["FULL", "FinetuneSettings", "part_names"]

FULL = "full"


def part_names() -> list[str]:
    """Return the names of all that can learn: the full network, and the parts that some architecture has."""
    return list(dict.fromkeys([FULL, *(part.name for record in ARCHITECTURES for part in record.parts)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneSettings:
    """How to learn from corrections.

    Parameters
    ----------
    part
        What changes: one of :func:`part_names`, such as the ``"full"`` network or its ``"decoder"`` alone.
    steps
        Optimiser steps at most.
    seconds
        Time to learn at most on a machine that does nothing else (:mod:`src_models.finetuning.work`); the learning rate
        goes down to zero over whichever of the two ends first.
    batch, patch
        Patches per step, over all devices, and their size (px) along each axis.
    learning_rate
        The peak.
    replay
        Share of patches from images that the shipped model was trained on, against forgetting.
    validate_every
        Steps between validations.
    patience
        Validations without improvement after which learning ends.
    seed
        Seed of everything that is random.
    device, devices, strategy
        As Lightning Fabric takes them.
    """

    part: str = FULL
    steps: int = 300
    seconds: float = 55.0
    batch: int = 6
    patch: int = 128
    learning_rate: float = 1e-3
    replay: float = 0.5
    validate_every: int = 20
    patience: int = 5
    seed: int = 0
    device: str = "auto"
    devices: int = 1
    strategy: str = "auto"

    def __post_init__(self) -> None:
        if self.part not in part_names():
            raise UserError(f"part {self.part!r} is not one of {', '.join(part_names())}")
        for name in ("steps", "batch", "patch", "validate_every", "patience", "devices"):
            if getattr(self, name) < 1:
                raise UserError(f"{name.replace('_', ' ')} is {getattr(self, name)}; it must be at least 1")
        for name in ("seconds", "learning_rate"):
            if not 0 < getattr(self, name) < math.inf:
                raise UserError(f"{name.replace('_', ' ')} is {getattr(self, name)}; it must be a number above 0")
        if not 0 <= self.replay < 1:
            raise UserError(f"replay is {self.replay}; it must be a share from 0 to below 1")
        if self.batch % self.devices:
            raise UserError(f"batch {self.batch} must be a multiple of the number of devices, {self.devices}")

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as JSON holds them."""
        return dataclasses.asdict(self)
