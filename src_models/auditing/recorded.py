"""The attention maps of one pass of a network over one image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from src_models.attention.recording import record_attention

__all__ = ["RecordedMap", "record_maps"]


class RecordedMap(NamedTuple):
    """A map at its own resolution: `values` (h, w), each cell of `stride` x `stride` pixels."""

    values: NDArray[np.float32]
    stride: int
    kind: str
    description: str


def record_maps(network: nn.Module, picture: Tensor, names: Sequence[str]) -> dict[str, RecordedMap]:
    """Run a network on one image (1, C, H, W) and return maps by name; each sub-gate has a map of its own."""
    with torch.inference_mode(), record_attention(network, names) as recorded:
        network(picture)
    maps = {}
    for found in recorded:
        planes = found.tensor[0].float().cpu().numpy()
        for number, values in enumerate(planes, start=1):
            name = found.name if len(planes) == 1 else f"{found.name} map {number}"
            maps[name] = RecordedMap(values, found.stride, found.kind, found.description)
    return maps
