"""The loss of one training step: of a network's logits, or of all that it is supervised by."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from src_models.nets.network import Supervised, SupervisedNetwork
from src_models.training.segmentation_loss import SegmentationLoss

__all__ = ["step_loss"]


def step_loss(network: Any, batch: Tensor, targets: Tensor, loss: SegmentationLoss) -> Tensor:
    """Run a network on a batch and return what is to become less.

    Parameters
    ----------
    network
        A network, or what wraps one and keeps it as `module`.
    batch, targets
        As patches give them.
    loss
        Of one prediction and the targets. Of a network that is supervised by several predictions, the losses add up,
        and its penalty is added.
    """
    if not isinstance(getattr(network, "module", network), SupervisedNetwork):
        return loss(network(batch), targets)
    found: Supervised = network(batch, supervised=True)
    total = found.penalty
    for prediction in found.predictions:
        total = total + loss(prediction, targets)
    return total
