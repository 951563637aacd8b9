"""Mean and variance of axial attention's similarities, without the similarities.

A term such as ``q_i . k_j`` summed over i and j is the product of two sums, and its square the inner product of two
small matrices: ``sum_ij (q_i . k_j)^2 = <sum_i q_i q_i^T, sum_j k_j k_j^T>``. Of a positional term, all that a query
meets of its table is one window of L columns, and a sum over windows is a difference of running sums. The derivatives
are as short, and are written out: those that PyTorch derives step by step take several times as long.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from src_models.nets.kernels.axial_plain import RelativePositions

__all__ = ["moments_of_terms"]


def moments_of_terms(query: Tensor, key: Tensor, tables: RelativePositions | None) -> tuple[Tensor, Tensor]:
    """Return sums and sums of squares of the similarity's terms over all sequences and pairs, without making any pair.

    Parameters
    ----------
    query, key
        (N, O, G, D, L).
    tables
        Relative positions (1 or G, D, 2L - 1), or None.

    Returns
    -------
    sums, squares : Tensor
        (terms, G), in double precision: their difference is wanted. Differentiable once.
    """
    used = None if tables is None else torch.stack([tables.query, tables.key])
    found: tuple[Tensor, Tensor] = _Moments.apply(torch.stack([query, key]), used)  # type: ignore[no-untyped-call]
    return found


class _Moments(torch.autograd.Function):
    """Sums and squares of the content term and, with tables, of the two positional ones, and their derivatives.

    Queries and keys are (2, N, O, G, D, L), tables (2, 1 or G, D, 2L - 1): what is done to one is done to the other. D
    is small, so that products of channels are made one by one, which takes fewer steps than products of matrices.
    """

    @staticmethod
    def forward(ctx: Any, given: Tensor, table: Tensor | None) -> tuple[Tensor, Tensor]:
        both = given.flatten(1, 2)  # 2, B, G, D, L
        pairs = _with_each_other(both)  # 2, B, G, D, D, L
        totals, products = both.sum(-1), pairs.sum(-1)
        sums = (totals[0] * totals[1]).double().sum((0, 2))[None]
        squares = (products[0] * products[1]).double().sum((0, 2, 3))[None]
        kept: tuple[Tensor, ...] = ()
        if table is not None:
            once, twice = _windows(table.double()), _windows(_with_each_other(table.double()))
            total, own = both.sum(1), pairs.sum(1)  # 2, G, D, L and 2, G, D, D, L
            sums = torch.cat([sums, (total * once).sum((2, 3))])
            squares = torch.cat([squares, (own * twice).sum((2, 3, 4))])
            kept = table, once.to(both.dtype), twice.to(both.dtype), total, own
        ctx.save_for_backward(both, totals, products, *kept)
        ctx.shape = given.shape
        return sums, squares

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_sums: Tensor, to_squares: Tensor) -> tuple[Tensor, Tensor | None]:
        both, totals, products, *kept = ctx.saved_tensors
        to_sum, to_square = to_sums.to(both.dtype), 2 * to_squares.to(both.dtype)  # terms, G
        # Of the content term, what is said of queries goes to keys, and the other way round.
        offset = (to_sum[0, :, None] * totals.flip(0))[..., None]  # 2, B, G, D, 1
        factor = (to_square[0, :, None, None] * products.flip(0))[..., None]  # 2, B, G, D, D, 1
        to_table = None
        if kept:
            table, once, twice, total, own = kept
            of_sum, of_square = to_sum[1:, :, None, None], to_square[1:, :, None, None]  # 2, G, 1, 1
            offset = offset + (of_sum * once)[:, None]
            factor = factor + (of_square[..., None] * twice)[:, None]
            of_each = (table[:, :, None] * _meeting(own)).sum(3)
            to_table = (of_sum * _meeting(total) + of_square * of_each).sum_to_size(table.shape)
        found = offset + (factor * both[:, :, :, None]).sum(4)
        return found.view(ctx.shape), to_table


def _with_each_other(values: Tensor) -> Tensor:
    """Return the products of all pairs of channels, (..., D, D, L) of (..., D, L)."""
    return values[..., :, None, :] * values[..., None, :, :]


def _windows(values: Tensor) -> Tensor:
    """Sum, for each place i of a sequence, over the columns i to i + L - 1 of (..., 2L - 1) that it meets: (..., L)."""
    length = (values.shape[-1] + 1) // 2
    running = values.cumsum(-1)
    found = running[..., length - 1 :].clone()
    found[..., 1:] -= running[..., : length - 1]
    return found


def _meeting(values: Tensor) -> Tensor:
    """Sum, for each column of a table, over the places of (..., L) that meet it: (..., 2L - 1)."""
    running = values.cumsum(-1)
    return torch.cat([running, running[..., -1:] - running[..., :-1]], dim=-1)
