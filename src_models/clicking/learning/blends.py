"""Judging a network of clicks by objects that it does not learn from, and finding how far to follow what it learnt.

Of the networks between the one that learning began with and the one that learns, the largest that does not forget wins
(:mod:`src_models.training.rounds.blends`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from src_models.clicking.learning.progress import Ious
from src_models.clicking.training.asking import asked, iou_of, ious_after_clicks
from src_models.clicking.training.examples import Example
from src_models.training.rounds.blends import Blend, BlendingNetwork

__all__ = ["FORGOTTEN", "ClickBlends", "KnownAnswers", "judge_clicks"]

SHARES = (1.0, 0.6, 0.3)
FORGOTTEN = 0.01  # IoU that may be lost on what was known
_AT_A_TIME = 10


class ClickBlends:
    """The networks between the one that learning began with and the one that learns.

    Parameters
    ----------
    network
        The network as it is before it learns; it is copied.
    held_out, known
        Objects of what is learnt, and of what is not to be forgotten.
    device
        Where to compute.
    knew
        IoU on `known` of the network that the first of several rounds began with: what each round may forget would add
        up.
    """

    def __init__(
        self,
        network: nn.Module,
        held_out: Sequence[Example],
        known: Sequence[Example],
        device: torch.device,
        knew: float | None = None,
    ) -> None:
        self._held_out, self._device = held_out, device
        self._blending = BlendingNetwork(network, device)
        self.first = judge_clicks(self._blending.network, held_out, device)
        self._known = KnownAnswers(self._blending.network, known, device)
        self.knew: float | None = self._known.iou(self._blending.network) if knew is None else knew

    def best(self, learnt: Mapping[str, Tensor]) -> Blend[Ious] | None:
        """Return the largest blend that does not forget, judged; None where all do."""
        for share in SHARES:
            network = self._blending.follow(learnt, share)
            if not self._forgets(network):
                return Blend(judge_clicks(network, self._held_out, self._device), self._blending.weights())
        return None

    def _forgets(self, network: nn.Module) -> bool:
        return self.knew is not None and self._known.iou(network) < self.knew - FORGOTTEN


class KnownAnswers:
    """What a network of clicks knows: its answers to what people gave it before it learnt.

    All networks that come of it are asked the same, so that a small change for the worse is seen in few objects.

    Parameters
    ----------
    network
        The network as it is before it learns.
    examples
        The objects.
    device
        Where to compute.
    """

    def __init__(self, network: nn.Module, examples: Sequence[Example], device: torch.device) -> None:
        self._asked: list[tuple[Tensor, NDArray[np.bool_]]] = []
        for first in range(0, len(examples), _AT_A_TIME):
            some = examples[first : first + _AT_A_TIME]
            truths = np.stack([example.truth for example in some])
            self._asked += [
                (batch.cpu(), truths) for batch in asked(network, some, _randoms_of(first, len(some)), device)
            ]
        self._device = device

    def iou(self, network: nn.Module) -> float:
        """Return the mean IoU of the answers after 1, 3 and 5 clicks."""
        found: list[float] = []
        for batch, truths in self._asked:
            with torch.inference_mode():
                masks = (network(batch.to(self._device)).argmax(1) == 1).cpu().numpy()
            found += [iou_of(mask, truth) for mask, truth in zip(masks, truths, strict=True)]
        return float(np.mean(found))


def _randoms_of(first: int, count: int) -> list[np.random.Generator]:
    """Return what decides what people do: each number has a person of its own, who is always the same one."""
    return [np.random.default_rng((0, 4, number)) for number in range(first, first + count)]


def judge_clicks(network: nn.Module, examples: Sequence[Example], device: torch.device) -> Ious:
    """Return the mean IoU after 1, 3 and 5 clicks."""
    found = []
    for first in range(0, len(examples), _AT_A_TIME):
        some = examples[first : first + _AT_A_TIME]
        found.append(ious_after_clicks(network, some, _randoms_of(first, len(some)), device))
    return tuple(float(value) for value in np.concatenate(found).mean(axis=0))
