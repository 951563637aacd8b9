"""The loss of a segmentation in which not every pixel counts."""

from __future__ import annotations

import torch.nn.functional as F
from monai.losses.dice import DiceLoss
from torch import Tensor

__all__ = ["IGNORED", "masked_ce", "masked_dice_ce"]

IGNORED = -1

_dice = DiceLoss(softmax=True, to_onehot_y=True, ignore_index=IGNORED)


def masked_ce(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy over the pixels that count; 0 if there are none.

    Parameters
    ----------
    logits
        (N, classes, *S).
    targets
        (N, *S) integers; :data:`IGNORED` does not count.
    """
    if not bool((targets != IGNORED).any()):
        return logits.sum() * 0.0
    return F.cross_entropy(logits, targets, ignore_index=IGNORED)


def masked_dice_ce(logits: Tensor, targets: Tensor) -> Tensor:
    """Return Dice loss plus cross-entropy over the pixels that count; 0 if there are none.

    Where all count, this is what MONAI's ``DiceCELoss(softmax=True, to_onehot_y=True)`` gives.

    Parameters
    ----------
    logits
        (N, classes, *S).
    targets
        (N, *S) integers; :data:`IGNORED` does not count.
    """
    if not bool((targets != IGNORED).any()):
        return logits.sum() * 0.0
    overlap: Tensor = _dice(logits, targets[:, None])
    return overlap + F.cross_entropy(logits, targets, ignore_index=IGNORED)
