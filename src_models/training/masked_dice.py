"""Dice scores of a network in training, over the pixels that count.

Counts add up, so a score of many images is pooled from their sum.

>>> targets = torch.tensor([[0, 1, 1, IGNORED]])
>>> counts = dice_counts(torch.tensor([[0, 1, 0, 1]]), targets, 2)
>>> counts.tolist(), round(mean_dice(counts, empty=0.0), 4)  # 2 * 1 / (1 + 2)
([[2, 2], [3, 3]], 0.6667)
"""

from __future__ import annotations

import torch
from torch import Tensor

from src_models.training.masked_loss import IGNORED

__all__ = ["dice_counts", "mean_dice"]


def dice_counts(found: Tensor, targets: Tensor, classes: int) -> Tensor:
    """Return numerator and denominator of the Dice score of each class, (2, classes), int64.

    Parameters
    ----------
    found, targets
        Classes of equal shape; pixels whose target is :data:`IGNORED` do not count.
    classes
        How many there are.
    """
    counts = targets != IGNORED
    columns = []
    for index in range(classes):
        here, there = (found == index) & counts, targets == index
        columns.append(torch.stack([2 * (here & there).sum(), here.sum() + there.sum()]))
    return torch.stack(columns, dim=1)


def mean_dice(counts: Tensor, *, empty: float) -> float:
    """Return the mean of the Dice scores of the classes but the background.

    Parameters
    ----------
    counts
        From :func:`dice_counts`, or a sum of such.
    empty
        What it is where none of these classes is there, nor was found.
    """
    overlap, sizes = counts[:, 1:].cpu().double()
    present = sizes > 0
    return float((overlap[present] / sizes[present]).mean()) if present.any() else empty
