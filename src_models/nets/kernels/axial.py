"""Attention along one axis with relative positions, in forms that agree: plain PyTorch, a CPU and a CUDA kernel.

Sequences of length L with G heads have queries and keys of D channels and values of C channels. With the relative
position tables E_q, E_k (D, 2L - 1) and E_v (C, 2L - 1) of a head, the similarity of query i and key j is

    s_ij = scale * q_i . k_j  +  q_i . E_q[i - j]  +  k_j . E_k[j - i]

(column ``d + L - 1`` of a table holds distance d), A_i is the softmax of s_i over j, and the two results are

    content_i = sum_j A_ij v_j          positional_i = sum_j A_ij E_v[i - j]

(Wang et al. 2020, equation 4; Valanarasu et al. 2021, equation 3, whose gates are in `scale` and in the tables.)
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = [
    "Measures",
    "RelativePositions",
    "attend_joined",
    "attend_measured",
    "attention_matrix",
    "attention_received",
    "attention_row",
    "axial_attention",
    "in_single",
    "measured_parts",
    "reference",
    "similarity_terms",
    "spread_over_pairs",
    "variances_of_terms",
]


class RelativePositions(NamedTuple):
    """Tables of every head over the distances from -(L - 1) to L - 1.

    `query` and `key` are (G, D, 2L - 1), `value` is (G, C, 2L - 1).
    """

    query: Tensor
    key: Tensor
    value: Tensor


class Measures(NamedTuple):
    """What is known of a pass besides its result, (N, O, G, L) each.

    `content` and `positional` are the sizes of both parts of the result (norms over channels), by query. `received` is
    the sum of attention over queries, by key; None where finding it takes a matrix.
    """

    content: Tensor
    positional: Tensor
    received: Tensor | None = None


def axial_attention(
    query: Tensor, key: Tensor, value: Tensor, scale: Tensor, positions: RelativePositions | None
) -> tuple[Tensor, Tensor | None]:
    """Attend along the last axis, by the fastest form that this machine has.

    Parameters
    ----------
    query, key
        (N, O, G, D, L), with any strides: O sequences beside each other in each of N images.
    value
        (N, O, G, C, L).
    scale
        (G,), the factor of the content term.
    positions
        Relative positions, or None to attend by content alone.

    Returns
    -------
    content, positional : Tensor
        (N, O, G, C, L) each; None for the second without positions.
    """
    from src_models.nets.kernels import axial_cpu  # which needs the tables' type from here

    if _halved_on_cpu(query):
        found = axial_attention(query.float(), key.float(), value.float(), scale, positions)
        return found[0].to(query.dtype), None if found[1] is None else found[1].to(query.dtype)
    if axial_cpu.available_for(query):
        return axial_cpu.axial_attention(query, key, value, scale, positions)
    if query.is_cuda:
        from src_models.nets.kernels import axial_triton

        if axial_triton.works(query.device):
            try:
                return axial_triton.axial_attention(query, key, value, scale, positions)
            except axial_triton.KernelError:
                pass  # the tensors are not for the kernels, or one failed to run, which has been logged
    return reference(query, key, value, scale, positions)


def attend_joined(
    query: Tensor, key: Tensor, value: Tensor, scale: Tensor, positions: RelativePositions | None
) -> Tensor:
    """Return the sum of both results of :func:`axial_attention`, (N, O, G, C, L); not differentiable."""
    from src_models.nets.kernels import axial_cpu

    if _halved_on_cpu(query):
        return attend_joined(query.float(), key.float(), value.float(), scale, positions).to(query.dtype)
    if axial_cpu.available_for(query):
        return axial_cpu.attend_joined(query, key, value, scale, positions)
    content, positional = axial_attention(query, key, value, scale, positions)
    return content if positional is None else content + positional


def attend_measured(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    scale: Tensor,
    positions: RelativePositions | None,
    offset: Tensor,
) -> tuple[Tensor, Measures]:
    """Return the result of :func:`attend_joined`, to the bit, and what is measured on the way; not differentiable.

    Parameters
    ----------
    query, key, value, scale, positions
        As for :func:`axial_attention`.
    offset
        (G, C), what is in the values besides content.
    """
    from src_models.nets.kernels import axial_cpu

    if _halved_on_cpu(query):
        result, measures = attend_measured(query.float(), key.float(), value.float(), scale, positions, offset)
        return result.to(query.dtype), measures
    if axial_cpu.available_for(query):
        result, received, squares = axial_cpu.attend_measured(query, key, value, scale, positions, offset)
        content, placed = squares.sqrt().unbind(3)
        return result, Measures(content, placed, received)
    parts = axial_attention(query, key, value, scale, positions)
    result = parts[0] if parts[1] is None else parts[0] + parts[1]
    return result, measured_parts(parts[0] - offset[..., None], parts[1])


def measured_parts(content: Tensor, positional: Tensor | None) -> Measures:
    """Return the sizes of the parts (N, O, G, C, L) of a result."""
    of_content = content.norm(dim=3)
    return Measures(of_content, torch.zeros_like(of_content) if positional is None else positional.norm(dim=3))


def attention_received(
    query: Tensor, key: Tensor, scale: Tensor, positions: RelativePositions | None, weights: Tensor
) -> Tensor:
    """Return how much attention each key receives, ``sum_i w_i A_ij``, (N, O, G, L) in single or double precision.

    Parameters
    ----------
    query, key, scale, positions
        As for :func:`axial_attention`; not differentiable.
    weights
        w (N, O, L), the factor of each query.
    """
    from src_models.nets.kernels import axial_cpu

    given = in_single(query, key, scale, positions)
    if axial_cpu.available_for(given[0]):
        return axial_cpu.attention_received(*given, weights.to(given[0].dtype))
    with torch.no_grad(), torch.autocast(query.device.type, enabled=False):
        return torch.einsum("noi,nogij->nogj", weights.to(given[0].dtype), attention_matrix(*given))


def variances_of_terms(
    query: Tensor, key: Tensor, scale: Tensor, positions: RelativePositions
) -> tuple[Tensor, Tensor]:
    """Return the variances over keys of both terms of s, content and positional.

    Each is (N, O, G, L) by query, in single or double precision; not differentiable.
    """
    from src_models.nets.kernels import axial_cpu

    own, met, factor, tables = in_single(query, key, scale, positions)
    assert tables is not None
    if axial_cpu.available_for(own):
        return axial_cpu.variances_of_terms(own, met, factor, tables)
    with torch.no_grad(), torch.autocast(query.device.type, enabled=False):
        content, positional = similarity_terms(own, met, factor, tables)
        assert positional is not None
        return content.var(-1, correction=0), positional.var(-1, correction=0)


def in_single(
    query: Tensor, key: Tensor, scale: Tensor, positions: RelativePositions | None
) -> tuple[Tensor, Tensor, Tensor, RelativePositions | None]:
    """Return the same, in single precision where queries and keys had half."""
    if query.dtype not in (torch.bfloat16, torch.float16):
        return query, key, scale, positions
    tables = None if positions is None else RelativePositions(*(table.float() for table in positions))
    return query.float(), key.float(), scale.float(), tables


def _halved_on_cpu(query: Tensor) -> bool:
    """Whether numbers have half precision, as in autocast, on the CPU: fast in convolutions, slow in all else."""
    return query.device.type == "cpu" and query.dtype in (torch.bfloat16, torch.float16)


def attention_matrix(query: Tensor, key: Tensor, scale: Tensor, positions: RelativePositions | None) -> Tensor:
    """Return A (N, O, G, L, L): rows are queries and sum to 1."""
    content, positional = similarity_terms(query, key, scale, positions)
    return torch.softmax(content if positional is None else content + positional, dim=-1)


def attention_row(query: Tensor, key: Tensor, scale: Tensor, positions: RelativePositions | None, place: int) -> Tensor:
    """Return the row of A (N, O, G, L) that belongs to the query at one place of each sequence."""
    length = query.shape[-1]
    own = query[..., place]
    similarity = torch.einsum("nogd,nogdj->nogj", own * scale[:, None], key)
    if positions is not None:
        ahead = positions.query[..., place : place + length].flip(-1)  # of distances place - j
        behind = positions.key[..., length - 1 - place : 2 * length - 1 - place]  # of distances j - place
        similarity = similarity + torch.einsum("nogd,gdj->nogj", own, ahead)
        similarity = similarity + torch.einsum("nogdj,gdj->nogj", key, behind)
    return torch.softmax(similarity, dim=-1)


def similarity_terms(
    query: Tensor, key: Tensor, scale: Tensor, positions: RelativePositions | None
) -> tuple[Tensor, Tensor | None]:
    """Return the content term of s and the sum of the positional ones, (N, O, G, L, L) each, query by key."""
    content = torch.einsum("nogdi,nogdj->nogij", query * scale[:, None, None], key)
    if positions is None:
        return content, None
    by_query = torch.einsum("nogdi,gdij->nogij", query, spread_over_pairs(positions.query))
    by_key = torch.einsum("nogdj,gdji->nogij", key, spread_over_pairs(positions.key))
    return content, by_query + by_key


def reference(
    query: Tensor, key: Tensor, value: Tensor, scale: Tensor, positions: RelativePositions | None
) -> tuple[Tensor, Tensor | None]:
    """Do as :func:`axial_attention`, in plain differentiable PyTorch: what the other forms are tested against."""
    attention = attention_matrix(query, key, scale, positions)
    content = torch.einsum("nogij,nogcj->nogci", attention, value)
    if positions is None:
        return content, None
    return content, torch.einsum("nogij,gcij->nogci", attention, spread_over_pairs(positions.value))


def spread_over_pairs(table: Tensor) -> Tensor:
    """Spread a table (G, D, 2L - 1) over pairs: (G, D, L, L) whose element (a, b) is that of the distance a - b."""
    length = (table.shape[-1] + 1) // 2
    place = torch.arange(length, device=table.device)
    return table[:, :, place[:, None] - place[None, :] + length - 1]
