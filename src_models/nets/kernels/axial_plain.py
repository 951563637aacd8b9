"""Attention along one axis with relative positions in plain PyTorch: what the other forms must agree with.

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
    "attention_matrix",
    "attention_row",
    "measured_parts",
    "reference",
    "similarity_terms",
    "spread_over_pairs",
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


def measured_parts(content: Tensor, positional: Tensor | None) -> Measures:
    """Return the sizes of the parts (N, O, G, C, L) of a result."""
    of_content = content.norm(dim=3)
    return Measures(of_content, torch.zeros_like(of_content) if positional is None else positional.norm(dim=3))


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
    """Do as :func:`src_models.nets.kernels.axial.axial_attention`: what its other forms are tested against."""
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
