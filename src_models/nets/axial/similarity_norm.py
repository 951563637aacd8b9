"""The batch norm of axial attention's similarities, without the similarities: what of it a softmax sees is a factor.

Mean and variance of the similarity's terms follow in closed form from sums over queries and keys, and what a norm
subtracts is the same for all keys, so that the softmax does not see it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from src_models.nets.kernels.axial_plain import RelativePositions, spread_over_pairs

__all__ = ["SimilarityNorm", "moments_of_terms"]


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


def moments_of_terms(query: Tensor, key: Tensor, tables: RelativePositions | None) -> tuple[Tensor, Tensor]:
    """Return sums and sums of squares of the similarity's terms over all sequences and pairs, without making any pair.

    A term such as ``q_i . k_j`` summed over i and j is the product of two sums, and its square the inner product of
    two small matrices: ``sum_ij (q_i . k_j)^2 = <sum_i q_i q_i^T, sum_j k_j k_j^T>``.

    Parameters
    ----------
    query, key
        (N, O, G, D, L).
    tables
        Relative positions (1 or G, D, 2L - 1), or None.

    Returns
    -------
    sums, squares : Tensor
        (terms, G), in double precision: their difference is wanted.
    """
    outer = "nogdi,nogei->nogde"
    content = (query.sum(-1) * key.sum(-1)).double().sum((0, 1, 3))
    content_square = (torch.einsum(outer, query, query) * torch.einsum(outer, key, key)).double().sum((0, 1, 3, 4))
    if tables is None:
        return content[None], content_square[None]
    terms = [(content, content_square)]
    for sequence, table in ((query, tables.query), (key, tables.key)):
        pairs = spread_over_pairs(table)  # G, D, L, L: the position that each pixel i meets at every j
        own = torch.einsum("nogdi,nogei->gdei", sequence, sequence)
        met = torch.einsum("gdij,geij->gdei", pairs, pairs)
        total = (sequence.sum((0, 1)) * pairs.sum(-1)).double().sum((1, 2))
        terms.append((total, (own * met).double().sum((1, 2, 3))))
    sums, squares = zip(*terms, strict=True)
    return torch.stack(sums), torch.stack(squares)
