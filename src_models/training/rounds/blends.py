"""The networks between the one that learning began with and the one that learns.

Between the weights that a network began with and those it learnt lie networks that forget less and are often better on
what was learnt, too (Wortsman et al. 2022, Robust fine-tuning of zero-shot models, arXiv 2109.01903).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

__all__ = ["Blend", "BlendingNetwork", "Judge"]

Score = TypeVar("Score")


@dataclass(frozen=True, slots=True, eq=False)
class Blend(Generic[Score]):
    """A network between the one that learning began with and the one that learns.

    Parameters
    ----------
    validation
        How good it is on what was held out.
    weights
        Its weights, on the CPU.
    forgot
        What it lost, beyond what may be lost, of what the network knew.
    """

    validation: Score
    weights: dict[str, Tensor]
    forgot: float = 0.0


class Judge(Protocol[Score]):
    """What judges a round of learning.

    Attributes
    ----------
    first
        How the network does that learning began with.
    knew
        How well it knew what is not to be forgotten; None where that is not watched.
    """

    first: Score
    knew: float | None

    def best(self, learnt: Mapping[str, Tensor]) -> Blend[Score] | None:
        """Return the network to keep of those between the beginning and what was learnt; None where all forget."""
        ...


class BlendingNetwork:
    """A network that can be given any of the weights between its own and those that another learnt.

    Parameters
    ----------
    network
        The network as it is before it learns; it is copied, and in eval mode.
    device
        Where to compute.

    Attributes
    ----------
    network
        The copy, with the weights it was last given; at first, its own.
    """

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        self.network = copy.deepcopy(network).to(device).requires_grad_(False).eval()
        self._start = {name: value.clone() for name, value in self.network.state_dict().items()}

    def follow(self, learnt: Mapping[str, Tensor], share: float) -> nn.Module:
        """Give the network weights that lie `share` of the way to those that were learnt, and return it."""
        self.network.load_state_dict(
            {
                name: torch.lerp(start, learnt[name].to(start), share) if start.is_floating_point() else start
                for name, start in self._start.items()
            }
        )
        return self.network

    def weights(self) -> dict[str, Tensor]:
        """Return a copy of its present weights, on the CPU."""
        return {name: value.cpu().clone() for name, value in self.network.state_dict().items()}
