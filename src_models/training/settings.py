"""How a network is trained: what a person can choose, checked before anything is computed."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

from src_models.errors import UserError
from src_models.models.architectures import find_architecture
from src_models.training.augmentation import AugmentationName

__all__ = ["TrainSettings"]

CHOICES = {
    "optimizer": ("adamw", "adam"),
    "schedule": ("cosine", "constant"),
    "loss": ("dice-ce", "ce"),
    "augment": ("microscopy", "ct", "ct-sided", "mr", "light", "flip", "none"),
    "balance": ("auto", "classes", "none"),
}
# 4 patches of 64 x 64 x 64 voxels hold about as many as 8 of the usual ones hold pixels, five times.
VOLUMES: dict[str, Any] = {"patch": 64, "batch": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """How to train.

    Parameters
    ----------
    steps, batch
        Optimiser steps, and patches per step (over all devices).
    patch
        Patch size (px) along each axis.
    optimizer, learning_rate, weight_decay
        ``"adamw"`` or ``"adam"``, its peak learning rate, and decay.
    schedule
        ``"cosine"``: linear warm-up over the first 5 % of the steps, then a cosine down to zero. ``"constant"``.
    loss
        ``"dice-ce"``, Dice and cross-entropy, or ``"ce"``, cross-entropy alone.
    gates_from
        Step from which the gates of gated axial attention are trained; before it they keep their first values.
    augment
        ``"microscopy"``, ``"ct"``, ``"ct-sided"`` (left stays left), ``"mr"``, ``"light"``, ``"flip"`` (left-right
        alone) or ``"none"``.
    balance
        Which patches are drawn: ``"classes"``, those of each class equally often; ``"none"``, those that lie anywhere;
        ``"auto"`` is ``"classes"`` for the classes of volumes, in which an organ is a small part, else ``"none"``.
    validate_every
        Steps between validations.
    seed
        Seed of weights, patches and augmentation.
    device, devices, precision
        As Lightning Fabric takes them: accelerator, number of devices, ``"32-true"``, ``"bf16-mixed"`` and so on.
    nodes
        Machines that train together, each with so many devices.
    workers
        Processes that prepare patches; 0 prepares them in a thread of the training process.
    """

    steps: int = 1200
    batch: int = 8
    patch: int = 160
    optimizer: Literal["adamw", "adam"] = "adamw"
    learning_rate: float = 3e-3
    weight_decay: float = 1e-4
    schedule: Literal["cosine", "constant"] = "cosine"
    loss: Literal["dice-ce", "ce"] = "dice-ce"
    gates_from: int = 0
    augment: AugmentationName = "microscopy"
    balance: Literal["auto", "classes", "none"] = "auto"
    validate_every: int = 200
    seed: int = 0
    device: str = "auto"
    devices: int = 1
    nodes: int = 1
    precision: str = "32-true"
    workers: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "patch", "validate_every", "devices", "nodes"):
            if getattr(self, name) < 1:
                raise UserError(f"{name.replace('_', ' ')} is {getattr(self, name)}; it must be at least 1")
        for name in ("workers", "gates_from", "weight_decay"):
            if not 0 <= getattr(self, name) < math.inf:
                raise UserError(f"{name.replace('_', ' ')} is {getattr(self, name)}; it must be a number of at least 0")
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise UserError(f"{name} {getattr(self, name)!r} is not one of {', '.join(allowed)}")
        if not 0 < self.learning_rate < math.inf:
            raise UserError(f"learning rate is {self.learning_rate}; it must be a number above 0")
        if self.batch % self.processes:
            on = f" on {self.nodes} nodes" if self.nodes > 1 else ""
            raise UserError(f"batch {self.batch} must be a multiple of the number of devices, {self.processes}{on}")

    @classmethod
    def recipe(cls, architecture: str, images: int, dimensions: int = 2) -> TrainSettings:
        """Return the settings that an architecture is trained with unless a person says otherwise.

        Those of MedT and its ablations are their authors'. Patches of volumes are smaller along each axis, and fewer.

        Parameters
        ----------
        architecture
            One of :func:`src_models.architectures`.
        images
            Number of training images.
        dimensions
            Of the images: 2 or 3.
        """
        return cls(**{**(VOLUMES if dimensions == 3 else {}), **find_architecture(architecture).recipe(images)})

    @property
    def processes(self) -> int:
        """How many train together: one for each device of each node."""
        return self.devices * self.nodes

    @property
    def strategy(self) -> str:
        """How Lightning Fabric divides the work among devices."""
        return "auto" if self.processes == 1 else "ddp"

    def repeatable(self) -> dict[str, Any]:
        """Return the settings that decide the result; a run can only be resumed with the same ones.

        How many processes there are decides it, and not on how many nodes.
        """
        everything = {**dataclasses.asdict(self), "devices": self.processes}
        # Runs that were begun when nothing could be balanced say nothing of it.
        left_out = {"device", "workers", "validate_every", "nodes", *(["balance"] if self.balance == "auto" else [])}
        return {name: everything[name] for name in everything if name not in left_out}
