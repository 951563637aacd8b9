"""A model that teaches another one: its answers are learnt, too (Hinton et al. 2015, arXiv 1503.02531).

A network that begins with weights learnt from photographs tells classes well from a few hundred pictures; one whose
attention is to be looked at may have no such weights. What the first one answers says more than a class does: which
others come close, in this very picture as it was turned and coloured in this step.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from src_models.errors import UserError
from src_models.models.checkpoint import Model
from src_models.models.header import ModelHeader

__all__ = ["Teacher"]

#: Of each step's loss, the share that is the teacher's; the rest is people's.
SHARE = 0.7
#: Its answers are made softer by so much, so that what comes second and third is told, too.
TEMPERATURE = 1.5


@dataclass(frozen=True, slots=True)
class Teacher:
    """A model whose answers are learnt.

    Parameters
    ----------
    model
        Tells the same classes of pictures that are normalised in the same way.
    """

    model: Model

    def check(self, header: ModelHeader) -> None:
        """Refuse a model that cannot teach the one that a header describes.

        Raises
        ------
        UserError
            If it tells other classes, or sees pictures otherwise.
        """
        own = self.model.header
        for name in ("result", "classes", "channels", "intensity"):
            old, new = getattr(own, name), getattr(header, name)
            if old != new:
                raise UserError(
                    f"the model {own.name} cannot teach this one: its {name} is {old}, and {new} is asked for; train "
                    "both with the same set and options, or leave the teacher out"
                )

    @torch.no_grad()
    def answers(self, batch: Tensor) -> Tensor:
        """Return the probability of each class (N, K) in pictures (N, C, H, W) that are normalised for both."""
        size = self.model.header.tile
        if tuple(batch.shape[2:]) != size:
            batch = F.interpolate(batch, size=size, mode="bilinear", align_corners=False, antialias=True)
        network = self.model.network.to(batch.device).eval()
        return torch.softmax(network(batch).float() / TEMPERATURE, dim=1)

    def joined(self, loss: Tensor, logits: Tensor, batch: Tensor) -> Tensor:
        """Return the loss that counts: that of people's classes, and how far `logits` are from what it answers.

        Parameters
        ----------
        loss
            Of people's classes, a number.
        logits
            Of the network that learns (N, K).
        batch
            The pictures (N, C, H, W).
        """
        return (1 - SHARE) * loss + SHARE * F.cross_entropy(logits, self.answers(batch))
