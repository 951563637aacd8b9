"""How a network is trained: what a person can choose, checked before anything is computed."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from src_models.augmentation import AugmentationName
from src_models.errors import UserError

__all__ = ["TrainSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """How to train.

    Parameters
    ----------
    steps, batch
        Optimiser steps, and patches per step (over all devices).
    patch
        Patch size (px) along each axis.
    learning_rate, weight_decay
        Peak learning rate (linear warm-up over the first 5 %, then a cosine down to zero) and decay, for AdamW.
    augment
        ``"microscopy"``, ``"ct"`` or ``"none"``.
    validate_every
        Steps between validations.
    seed
        Seed of weights, patches and augmentation.
    device, devices, precision
        As Lightning Fabric takes them: accelerator, number of devices, ``"32-true"``, ``"bf16-mixed"`` and so on.
    workers
        Processes that prepare patches; 0 prepares them in the training process.
    """

    steps: int = 1200
    batch: int = 8
    patch: int = 160
    learning_rate: float = 3e-3
    weight_decay: float = 1e-4
    augment: AugmentationName = "microscopy"
    validate_every: int = 200
    seed: int = 0
    device: str = "auto"
    devices: int = 1
    precision: str = "32-true"
    workers: int = 1

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "patch", "validate_every", "devices"):
            if getattr(self, name) < 1:
                raise UserError(f"{name.replace('_', ' ')} is {getattr(self, name)}; it must be at least 1")
        if self.workers < 0:
            raise UserError(f"workers is {self.workers}; it must be at least 0")
        if not 0 < self.learning_rate < math.inf:
            raise UserError(f"learning rate is {self.learning_rate}; it must be a number above 0")
        if self.batch % self.devices:
            raise UserError(f"batch {self.batch} must be a multiple of the number of devices, {self.devices}")

    def repeatable(self) -> dict[str, Any]:
        """Return the settings that decide the result; a run can only be resumed with the same ones."""
        everything = dataclasses.asdict(self)
        return {name: everything[name] for name in everything if name not in ("device", "workers", "validate_every")}
