"""What a training runs on, its optimiser, how its learning rate goes, and a step of it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from src_models.errors import DataSetError, UserError
from src_models.training.settings import TrainSettings

__all__ = ["descend", "fastest_order", "leads", "make_fabric", "make_optimizer", "set_learning_rate"]

# Lightning sets the first in the processes that it starts, a person or torchrun the second, and srun the third.
_RANKS = ("LOCAL_RANK", "NODE_RANK", "SLURM_PROCID")

STEEPEST = 5.0  # norm of the gradients; larger ones are made smaller


def make_fabric(
    device: str, devices: int, *, nodes: int = 1, strategy: str = "auto", precision: str = "32-true"
) -> Fabric:
    """Return the devices and the precision that a training runs with, its processes started.

    Parameters
    ----------
    device, devices, strategy, precision
        As Lightning Fabric takes them.
    nodes
        Machines that train together, on each of which the same command is given. Slurm tells them of each other;
        elsewhere the environment does: ``MASTER_ADDR`` and ``MASTER_PORT`` of the first one, and ``NODE_RANK``.

    Raises
    ------
    UserError
        If this machine does not have them.
    """
    try:
        fabric = Fabric(
            accelerator=device,
            devices=devices,
            num_nodes=nodes,
            strategy=strategy,
            precision=precision,  # type: ignore[arg-type]
        )
    except Exception as error:  # Lightning raises several kinds, none of its own
        asked = f"device {device!r} ({devices} of them), strategy {strategy!r} and precision {precision!r}"
        raise UserError(
            f"{asked} cannot be used here ({error}); the default, auto, works everywhere, in precision 32-true"
        ) from error
    fabric.launch()
    return fabric


def leads() -> bool:
    """Tell whether this is the process, of those that train together, that speaks; known before they have met."""
    return all(os.environ.get(name, "0") == "0" for name in _RANKS)


def fastest_order(dimensions: int) -> torch.memory_format:
    """Return the order of numbers in memory that convolutions of so many dimensions are fastest in."""
    return torch.channels_last if dimensions == 2 else torch.channels_last_3d


def make_optimizer(network: nn.Module, settings: TrainSettings) -> torch.optim.Optimizer:
    """Return the optimiser of all parameters of a network."""
    kind = torch.optim.Adam if settings.optimizer == "adam" else torch.optim.AdamW
    return kind(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)


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


def descend(
    fabric: Fabric,
    network: Any,
    optimizer: Any,
    loss: Tensor,
    *,
    step: str,
    examples: str,
    held: Iterable[nn.Parameter] = (),
) -> Tensor:
    """Make one step down the gradient of a loss, and return the loss.

    Parameters
    ----------
    fabric, network, optimizer
        What `fabric` has set up.
    loss
        A single number.
    step, examples
        Which step it is, and what it learns from, for errors.
    held
        Parameters that stay as they are: an optimiser passes over what has no gradient.

    Raises
    ------
    DataSetError
        If the loss is not a number.
    """
    if not torch.isfinite(loss):
        raise DataSetError(
            f"{step}: the loss is not a number; lower the learning rate, or look for extreme values in the {examples}"
        )
    fabric.backward(loss)
    for parameter in held:
        parameter.grad = None
    fabric.clip_gradients(network, optimizer, max_norm=STEEPEST)
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach()
