"""What a training runs on, and how its learning rate goes."""

from __future__ import annotations

import math
from typing import Any

from lightning.fabric import Fabric

from src_models.errors import UserError
from src_models.training.settings import TrainSettings

__all__ = ["make_fabric", "set_learning_rate"]


def make_fabric(settings: TrainSettings) -> Fabric:
    """Return the devices and the precision that a training runs with.

    Raises
    ------
    UserError
        If this machine does not have them.
    """
    try:
        fabric = Fabric(
            accelerator=settings.device,
            devices=settings.devices,
            precision=settings.precision,  # type: ignore[arg-type]
            strategy="auto" if settings.devices == 1 else "ddp",
        )
    except Exception as error:  # Lightning raises several kinds, none of its own
        raise UserError(
            f"device {settings.device!r} ({settings.devices} of them) with precision {settings.precision!r} cannot be "
            f"used here ({error}); the defaults, auto and 32-true, work everywhere"
        ) from error
    fabric.launch()
    return fabric


def set_learning_rate(optimizer: Any, step: int, settings: TrainSettings) -> None:
    """Set the learning rate of the step that is about to be made."""
    warmup = max(1, settings.steps // 20)
    if settings.schedule == "constant":
        factor = 1.0
    elif step < warmup:
        factor = (step + 1) / warmup
    else:
        factor = 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, settings.steps - warmup)))
    for group in optimizer.param_groups:
        group["lr"] = settings.learning_rate * factor
