"""What a network of clicks is taught with: a loss that looks at what is still wrong."""

from __future__ import annotations

import torch
from monai.losses.dice import DiceLoss
from torch import Tensor, nn

__all__ = ["ClickLoss", "normalised_focal"]

FOCUS = 2.0
LEAST = 1e-6


def normalised_focal(logits: Tensor, targets: Tensor, focus: float = FOCUS) -> Tensor:
    """Return the normalised focal loss of each example (Sofiiuk et al. 2019, arXiv 1909.07829, Equation 3).

    Of each pixel with the probability p of what is right there, it is ``-(1 - p)^focus log p``, divided by the mean of
    ``(1 - p)^focus`` over the example: pixels that are wrong still count in full where few are left, as after some
    clicks. What is divided by is no function of the weights.

    Parameters
    ----------
    logits
        (N, 2, H, W).
    targets
        Whether a pixel is the object, (N, 1, H, W).
    focus
        The exponent; 0 makes it the cross-entropy.

    Returns
    -------
    Tensor, shape (N,)
    """
    log_right = torch.log_softmax(logits.float(), 1).gather(1, targets)[:, 0].flatten(1)
    wrong = (1 - log_right.exp()) ** focus
    return -(wrong * log_right).mean(1) / wrong.detach().mean(1).clamp_min(LEAST)


class ClickLoss(nn.Module):
    """Dice loss and normalised focal loss, half of each."""

    def __init__(self) -> None:
        super().__init__()
        self.dice = DiceLoss(include_background=False, softmax=True, to_onehot_y=True)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of logits (N, 2, H, W) for targets (N, 1, H, W), 0 or 1."""
        dice: Tensor = self.dice(logits, targets)
        return (dice + normalised_focal(logits, targets).mean()) / 2
