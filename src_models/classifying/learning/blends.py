"""Judging a network by pictures that it does not learn from, and finding how far to follow what it learnt.

As with other networks (:mod:`src_models.finetuning.judging`), between the weights that learning began with and those
that were learnt lie networks that forget less (Wortsman et al. 2022, arXiv 2109.01903).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from src_models.classifying.learning.progress import Judged
from src_models.classifying.training.pictures import Pictures

__all__ = ["FORGOTTEN", "ClassBlend", "ClassBlends", "judge"]

SHARES = (1.0, 0.6, 0.3)
FORGOTTEN = 0.015  # accuracy that may be lost on what was known: one picture of those that ship
_AT_A_TIME = 32


@dataclass(frozen=True, slots=True, eq=False)
class ClassBlend:
    """A network between the one that learning began with and the one that learns: how it does, and its weights."""

    judged: Judged
    weights: dict[str, Tensor]


class ClassBlends:
    """The networks between the one that learning began with and the one that learns.

    Parameters
    ----------
    network
        The network as it is before it learns; it is copied.
    held_out, known
        Pictures of what is learnt, and of what is not to be forgotten.
    device
        Where to compute.
    knew
        Accuracy on `known` of the network that the first of several rounds began with: what each round may forget would
        add up.
    """

    def __init__(
        self,
        network: nn.Module,
        held_out: Pictures,
        known: Pictures,
        device: torch.device,
        knew: float | None = None,
    ) -> None:
        self._held_out, self._known, self._device = held_out, known, device
        self._network = copy.deepcopy(network).to(device).requires_grad_(False).eval()
        self._start = {name: value.clone() for name, value in self._network.state_dict().items()}
        self.first = judge(self._network, held_out, device)
        self.knew = knew
        if knew is None and len(known):
            self.knew = judge(self._network, known, device).accuracy

    def best(self, learnt: Mapping[str, Tensor]) -> ClassBlend | None:
        """Return the best of the blends that do not forget; None where all do."""
        found: ClassBlend | None = None
        for share in SHARES:
            weights = self._blended(learnt, share)
            self._network.load_state_dict(weights)
            if self._forgets():
                continue
            judged = judge(self._network, self._held_out, self._device)
            if found is None or judged > found.judged:
                found = ClassBlend(judged, {name: value.cpu().clone() for name, value in weights.items()})
        return found

    def _forgets(self) -> bool:
        if self.knew is None or not len(self._known):
            return False
        return judge(self._network, self._known, self._device).accuracy < self.knew - FORGOTTEN

    def _blended(self, learnt: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
        return {
            name: torch.lerp(start, learnt[name].to(start), share) if start.is_floating_point() else start
            for name, start in self._start.items()
        }


def judge(network: nn.Module, pictures: Pictures, device: torch.device) -> Judged:
    """Return how a network does on some pictures."""
    right, likelihood = 0, 0.0
    for first in range(0, len(pictures), _AT_A_TIME):
        batch = torch.from_numpy(pictures.images[first : first + _AT_A_TIME].astype(np.float32)).to(device)
        labels = torch.from_numpy(pictures.labels[first : first + _AT_A_TIME]).to(device)
        with torch.inference_mode():
            probabilities = torch.softmax(network(batch).float(), dim=1)
        right += int((probabilities.argmax(1) == labels).sum())
        likelihood += float(probabilities[torch.arange(len(labels)), labels].sum())
    return Judged(right, round(likelihood / len(pictures), 6) if len(pictures) else 0.0, len(pictures))
