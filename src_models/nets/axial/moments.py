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
    used = () if tables is None else (tables.query, tables.key)
    found: tuple[Tensor, Tensor] = _Moments.apply(query, key, *used)  # type: ignore[no-untyped-call]
    return found


class _Moments(torch.autograd.Function):
    """Sums and squares of two or of no positional terms and of the content term, with their derivatives."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, *tables: Tensor) -> tuple[Tensor, Tensor]:
        flat = query.flatten(0, 1), key.flatten(0, 1)  # B, G, D, L
        totals = flat[0].sum(-1), flat[1].sum(-1)
        products = flat[0] @ flat[0].mT, flat[1] @ flat[1].mT
        sums = [(totals[0] * totals[1]).double().sum((0, 2))]
        squares = [(products[0] * products[1]).double().sum((0, 2, 3))]
        kept: list[Tensor] = []
        for sequence, table in zip(flat, tables, strict=False):
            once, twice = _windows(table.double()), _windows(_with_each_other(table.double()))
            total = sequence.sum(0)
            by_place = sequence.permute(1, 3, 2, 0).contiguous()  # G, L, D, B
            own = (by_place @ by_place.mT).permute(0, 2, 3, 1)  # G, D, D, L
            sums.append((total * once).sum((1, 2)))
            squares.append((own * twice).sum((1, 2, 3)))
            kept += [table, once.to(query.dtype), twice.to(query.dtype), total, own, by_place]
        ctx.save_for_backward(*flat, *totals, *products, *kept)
        ctx.shape = query.shape
        return torch.stack(sums), torch.stack(squares)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_sums: Tensor, to_squares: Tensor) -> tuple[Tensor, ...]:
        query, key, *rest = ctx.saved_tensors
        (query_total, key_total, query_product, key_product), kept = rest[:4], rest[4:]
        once, twice = to_sums.to(query.dtype), 2 * to_squares.to(query.dtype)  # terms, G
        with_sum, with_square = once[0, :, None, None], twice[0, :, None, None]
        found = [
            with_sum * key_total[..., None] + (with_square * key_product) @ query,
            with_sum * query_total[..., None] + (with_square * query_product) @ key,
        ]
        of_tables = []
        for term in range(1, len(once)):
            to_sequence, to_table = _positional_gradients(kept[6 * term - 6 : 6 * term], once[term], twice[term])
            found[term - 1] += to_sequence
            of_tables.append(to_table)
        return *(gradient.view(ctx.shape) for gradient in found), *of_tables


def _positional_gradients(kept: list[Tensor], to_sum: Tensor, to_square: Tensor) -> tuple[Tensor, Tensor]:
    """Return the derivatives by the sequences (B, G, D, L) and by the table of a positional term."""
    table, once, twice, total, own, by_place = kept
    weighed = (to_square[:, None, None, None] * twice).permute(0, 3, 1, 2)  # G, L, D, D
    to_sequence = (weighed @ by_place).permute(3, 0, 2, 1) + to_sum[:, None, None] * once
    to_table = to_sum[:, None, None] * _meeting(total)
    to_table = to_table + to_square[:, None, None] * (table[:, None] * _meeting(own)).sum(2)
    return to_sequence, to_table.sum_to_size(table.shape)


def _with_each_other(table: Tensor) -> Tensor:
    """Return the products of all pairs of channels, (G, D, D, 2L - 1)."""
    return table[:, :, None] * table[:, None]


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
