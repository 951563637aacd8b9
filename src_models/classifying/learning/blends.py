"""Judging a network by pictures that it does not learn from, and finding how far to follow what it learnt.

Of the networks between the one that learning began with and the one that learns, the best that does not forget wins
(:mod:`src_models.training.rounds.blends`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from src_models.classifying.learning.progress import Judged
from src_models.classifying.training.pictures import Pictures
from src_models.training.rounds.blends import Blend, BlendingNetwork

__all__ = ["FORGOTTEN", "ClassBlends", "judge"]

SHARES = (1.0, 0.6, 0.3)
FORGOTTEN = 0.015  # accuracy that may be lost on what was known: one picture of those that ship
_AT_A_TIME = 32


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
        self._blending = BlendingNetwork(network, device)
        self.first = judge(self._blending.network, held_out, device)
        self.knew = knew
        if knew is None and len(known):
            self.knew = judge(self._blending.network, known, device).accuracy

    def best(self, learnt: Mapping[str, Tensor]) -> Blend[Judged] | None:
        """Return the best of the blends that do not forget; None where all do."""
        found: Blend[Judged] | None = None
        for share in SHARES:
            network = self._blending.follow(learnt, share)
            if self._forgets(network):
                continue
            judged = judge(network, self._held_out, self._device)
            if found is None or judged > found.validation:
                found = Blend(judged, self._blending.weights())
        return found

    def _forgets(self, network: nn.Module) -> bool:
        if self.knew is None or not len(self._known):
            return False
        return judge(network, self._known, self._device).accuracy < self.knew - FORGOTTEN


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
