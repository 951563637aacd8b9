"""Attention along one axis with relative positions, by the fastest form that a machine has.

The formulas and the plain form are in :mod:`src_models.nets.kernels.axial_plain`; the forms that agree with it are a
kernel on the CPU (numba) and one on a CUDA card (Triton).
"""

from __future__ import annotations

import torch
from torch import Tensor

from src_models.nets.kernels import axial_cpu, axial_triton
from src_models.nets.kernels.axial_plain import (
    Measures,
    RelativePositions,
    attention_matrix,
    measured_parts,
    reference,
    similarity_terms,
)

__all__ = [
    "attend_joined",
    "attend_measured",
    "attention_received",
    "axial_attention",
    "in_single",
    "variances_of_terms",
]


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
    if _halved_on_cpu(query):
        found = axial_attention(query.float(), key.float(), value.float(), scale, positions)
        return found[0].to(query.dtype), None if found[1] is None else found[1].to(query.dtype)
    if axial_cpu.available_for(query):
        return axial_cpu.axial_attention(query, key, value, scale, positions)
    if query.is_cuda and axial_triton.works(query.device):
        try:
            return axial_triton.axial_attention(query, key, value, scale, positions)
        except axial_triton.KernelError:
            pass  # the tensors are not for the kernels, or one failed to run, which has been logged
    return reference(query, key, value, scale, positions)


def attend_joined(
    query: Tensor, key: Tensor, value: Tensor, scale: Tensor, positions: RelativePositions | None
) -> Tensor:
    """Return the sum of both results of :func:`axial_attention`, (N, O, G, C, L); not differentiable."""
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
