"""The batch norm of axial attention's similarities, without the similarities: what of it a softmax sees is a factor.

Mean and variance of the similarity's terms follow in closed form from sums over queries and keys
(:mod:`src_models.nets.axial.moments`), and what a norm subtracts is the same for all keys, so that the softmax does not
see it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["SimilarityNorm"]


class SimilarityNorm(nn.Module):
    """What is left of a batch norm over similarities (N, terms * heads, L, L) once a softmax follows: a factor.

    It has the parameters and statistics of :class:`torch.nn.BatchNorm2d`; `bias` and `running_mean` do not matter and
    are kept for the papers' checkpoints.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, terms: int, heads: int, *, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.terms, self.heads, self.eps, self.momentum = terms, heads, eps, momentum
        self.weight = nn.Parameter(torch.ones(terms * heads))
        self.bias = nn.Parameter(torch.zeros(terms * heads))
        self.register_buffer("running_mean", torch.zeros(terms * heads))
        self.register_buffer("running_var", torch.ones(terms * heads))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, moments: tuple[Tensor, Tensor, int] | None) -> Tensor:
        """Return factors (terms, heads).

        Parameters
        ----------
        moments
            Mean (terms, heads), mean of squares (terms, heads) and number of values of this batch, whose statistics
            are then used and tracked; None takes the tracked ones.
        """
        if moments is None:
            variance = self.running_var
        else:
            mean, square, count = moments
            variance = (square - mean.square()).clamp_min(0).flatten().to(self.weight.dtype)
            self._track(mean.detach().flatten(), variance.detach(), count)
        return (self.weight * torch.rsqrt(variance + self.eps)).view(self.terms, self.heads)

    def _track(self, mean: Tensor, variance: Tensor, count: int) -> None:
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
        unbiased = variance * (count / max(count - 1, 1))
        self.running_var.lerp_(unbiased.to(self.running_var.dtype), self.momentum)
