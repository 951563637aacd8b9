"""Where and how a network runs: device, precision, memory layout, threads.

The choice is made for the person: CUDA, then Apple's MPS, then the CPU; half precision (bfloat16) on graphics cards
that multiply it natively; channels-last layout for 2D networks. Batch norms are folded into the convolutions before
them, which changes the result by rounding alone.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

from src_models.computing.devices import DeviceName
from src_models.errors import UserError
from src_models.nets.network import Foldable

__all__ = [
    "DeviceName",
    "Execution",
    "available_devices",
    "choose_execution",
    "computing_threads",
    "default_dtype",
    "prepare",
]


@dataclass(frozen=True, slots=True)
class Execution:
    """A device, the precision convolutions are done in, and how many tiles go through the network together."""

    device: torch.device
    dtype: torch.dtype
    tile_batch: int

    def __call__(self, network: nn.Module, batch: Tensor, classes: int | None = None) -> Tensor:
        """Return what a network makes of a batch (N, C, *S): class probabilities, then fields as they are.

        Parameters
        ----------
        network
            From :func:`prepare`.
        batch
            Normalised images.
        classes
            Number of classes, if the network gives more than those.

        Returns
        -------
        Tensor, shape (N, classes + fields, *S), float32 on the device
        """
        batch = batch.to(self.device)
        if batch.ndim == 4:
            batch = batch.contiguous(memory_format=torch.channels_last)
        with torch.inference_mode(), self.autocast():
            outputs = network(batch).float()
        if classes is None or classes == outputs.shape[1]:
            return torch.softmax(outputs, dim=1)
        return torch.cat([torch.softmax(outputs[:, :classes], dim=1), outputs[:, classes:]], dim=1)

    def autocast(self) -> AbstractContextManager[None]:
        """Return a context in which parts of a network compute as the whole does."""
        lower = self.dtype != torch.float32
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=lower)


def available_devices() -> list[str]:
    """Return the devices that this machine has, the fastest first."""
    found = ["cuda"] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        found.append("mps")
    return [*found, "cpu"]


def choose_execution(
    device: str = "auto", *, tile_batch: int | None = None, dtype: torch.dtype | None = None
) -> Execution:
    """Choose how to run.

    Parameters
    ----------
    device
        ``"auto"``, or one of the devices that the machine has.
    tile_batch
        Tiles at once; by default 8 on a GPU, 1 on the CPU.
    dtype
        ``torch.float32`` or ``torch.bfloat16``; by default :func:`default_dtype` of the device.

    Raises
    ------
    UserError
        If the machine does not have the device.
    """
    available = available_devices()
    name = available[0] if device == "auto" else device
    if name not in available:
        raise UserError(f"this machine has no device {device!r}; choose from auto, {', '.join(available)}")
    return Execution(torch.device(name), dtype or default_dtype(name), tile_batch or (1 if name == "cpu" else 8))


def default_dtype(device: str) -> torch.dtype:
    """Return the precision that networks run in on a device.

    On the CPU that is float32, also where the processor multiplies bfloat16: some such processors are faster in it with
    some networks, others slower with all, and labels come out otherwise (``benchmarks/precisions.py``,
    ``docs/numbers.md``).
    """
    if device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.float32


def prepare(network: nn.Module, execution: Execution) -> nn.Module:
    """Return a copy of a network in eval mode on the device, its batch norms folded; the original is untouched."""
    ready = copy.deepcopy(network).eval()
    fold_batch_norms(ready)
    ready = ready.to(execution.device)
    if any(isinstance(module, nn.Conv2d) for module in ready.modules()):
        ready = ready.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return ready.requires_grad_(False)


def fold_batch_norms(network: nn.Module) -> None:
    """Fold, in place, every batch norm into the convolution it follows (modules with both as `conv` and `norm`).

    Modules that can fold more than that, such as layers of axial attention, do so then.
    """
    for module in network.modules():
        conv, norm = getattr(module, "conv", None), getattr(module, "norm", None)
        if isinstance(conv, nn.Conv2d | nn.Conv3d) and isinstance(norm, _BatchNorm):
            module.conv = fuse_conv_bn_eval(conv, norm)
            module.norm = nn.Identity()
    for module in network.modules():
        if isinstance(module, Foldable) and not module.folded:
            module.fold()


@contextmanager
def computing_threads(count: int | None = None) -> Iterator[int]:
    """Limit torch's CPU threads inside the ``with`` block.

    Parameters
    ----------
    count
        Number of threads; None leaves one core free for the window (but uses at least one).
    """
    before = torch.get_num_threads()
    wanted = count or max(1, (os.cpu_count() or 2) - 1)
    torch.set_num_threads(wanted)
    try:
        yield wanted
    finally:
        torch.set_num_threads(before)
