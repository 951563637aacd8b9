"""Judging a network that learns another kind of labels than the one that it came from.

There is nothing to blend with, since between two heads for different kinds lies none for either, and nothing that was
known is found any more. What must be beaten is the best answer that looks at no pixel: the same class everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from src_models.finetuning.judging import Validation, judge
from src_models.models.header import ModelHeader
from src_models.training.masked_dice import dice_counts, mean_dice
from src_models.training.patches import TrainingImage, classes_of_labels
from src_models.training.rounds.blends import Blend, BlendingNetwork

__all__ = ["Unblended", "blind_dice"]


class Unblended:
    """The network that learns, alone; made and asked like :class:`~src_models.finetuning.judging.Blends`.

    Parameters
    ----------
    network
        The network as it is before it learns; it is copied.
    header
        What it is.
    held_out
        Images of what is learnt.
    known, knew
        Not heeded: no image of the first training shows another kind.
    device
        Where to compute.
    """

    def __init__(
        self,
        network: nn.Module,
        header: ModelHeader,
        held_out: Sequence[TrainingImage],
        known: Sequence[TrainingImage],
        device: torch.device,
        knew: float | None = None,
    ) -> None:
        self._header, self._held_out = header, held_out
        self._blending = BlendingNetwork(network, device)
        loss = judge(self._blending.network, held_out, header).loss
        self.first = Validation(loss, blind_dice(held_out, header))
        self.knew: float | None = None

    def best(self, learnt: Mapping[str, Tensor]) -> Blend[Validation]:
        """Return the network as it learnt."""
        network = self._blending.follow(learnt, 1.0)
        return Blend(judge(network, self._held_out, self._header), self._blending.weights())


def blind_dice(images: Sequence[TrainingImage], header: ModelHeader) -> float:
    """Return the Dice of the best answer that is the same for each pixel.

    Parameters
    ----------
    images
        What is judged by.
    header
        Of the network that is judged.
    """
    classes = len(header.classes)
    counts = torch.zeros(classes, 2, classes, dtype=torch.int64)
    for image in images:
        targets = torch.from_numpy(classes_of_labels(image.labels, header))
        for answer in range(classes):
            counts[answer] += dice_counts(torch.full_like(targets, answer), targets, classes)
    return max(mean_dice(counts[answer], empty=0.0) for answer in range(classes))
