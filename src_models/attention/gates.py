"""The gates of gated axial attention: how much each layer lets positions count.

G_Q and G_K weigh the positional terms of the similarity, G_V1 the content and G_V2 the positions of the result
(Valanarasu et al. 2021, arXiv 2102.10662, equation 3).

>>> from src_models.models.architectures import create
>>> [gates.layer for gates in gate_values(create("medt", image_size=64))][:2]
['global 1.1 height', 'global 1.1 width']
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from src_models.nets.medt_architectures import BRANCHES

if TYPE_CHECKING:
    from torch import nn

__all__ = ["GateValues", "gate_values", "stored_gate_values"]


@dataclass(frozen=True, slots=True)
class GateValues:
    """The four gates of one layer.

    Parameters
    ----------
    layer
        Called as in recordings of attention: "global 2.1 height" is the attention along the height of the first block
        of the global branch's second layer.
    g_q, g_k, g_v1, g_v2
        The gates, which may take any value.
    """

    layer: str
    g_q: float
    g_k: float
    g_v1: float
    g_v2: float


def gate_values(network: nn.Module) -> list[GateValues]:
    """Return the gates of each layer of gated axial attention, in the order of the network; [] of other networks."""
    parameters = dict(network.named_parameters())
    return _gates(parameters, lambda name: float(parameters[name].detach()))


def stored_gate_values(path: str | Path) -> list[GateValues]:
    """Return the gates in a model file, as :func:`gate_values` does, without making the network or loading torch."""
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        return _gates(sorted(file.keys()), lambda name: float(file.get_tensor(name)))


def _gates(names: Iterable[str], value: Callable[[str], float]) -> list[GateValues]:
    layers = [name.removesuffix(".g_q") for name in names if name.endswith(".g_q")]
    return [
        GateValues(_called(layer), *(value(f"{layer}.{gate}") for gate in ("g_q", "g_k", "g_v1", "g_v2")))
        for layer in layers
    ]


def _called(layer: str) -> str:
    """Return what recordings of attention call a layer of MedT and its like; of other networks, its own name."""
    if layer.partition(".")[0] not in BRANCHES:
        return layer
    branch, _, number, block, axis = layer.split(".")
    return f"{BRANCHES[branch]} {int(number) + 1}.{int(block) + 1} {axis}"
