"""Axial attention on the CPU without a matrix of attention, by kernels that numba compiles when they are first wanted.

The terms are those of :mod:`src_models.nets.kernels.axial_plain`, the kernels those of
:mod:`src_models.nets.kernels.axial_cpu_kernels`. Here tensors become arrays and work is divided among threads. Nothing
here needs numba until a kernel is called; see :func:`available`.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from src_models.nets.kernels.axial_cpu_kernels import kernel
from src_models.nets.kernels.axial_plain import RelativePositions
from src_models.nets.kernels.lane_vectors import LANES

__all__ = [
    "attend_joined",
    "attend_measured",
    "attention_received",
    "available",
    "available_for",
    "axial_attention",
    "variances_of_terms",
]

Array = npt.NDArray[Any]

SMALL = 1 << 16  # similarities below which handing work to other threads costs more than it saves


# ---------------------------------------------------------------------------------------------------------------------
# What others call


def available() -> bool:
    """Tell whether numba can be imported, without which this form cannot run."""
    try:
        importlib.import_module("numba")
    except ImportError:
        return False
    return True


def available_for(tensor: Tensor) -> bool:
    """Tell whether a tensor can be given to :func:`axial_attention`: on the CPU, in single or double precision.

    Not while a network is traced for export: what is written has to run elsewhere.
    """
    if torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
        return False
    return tensor.device.type == "cpu" and tensor.dtype in (torch.float32, torch.float64) and available()


def axial_attention(
    query: Tensor, key: Tensor, value: Tensor, scale: Tensor, positions: RelativePositions | None
) -> tuple[Tensor, Tensor | None]:
    """Attend along the last axis (Wang et al. 2020, equation 4), with derivatives of every argument.

    Parameters
    ----------
    query, key
        (N, O, G, D, L), float32 or float64 as all that follow, with any strides.
    value
        (N, O, G, C, L).
    scale
        (G,), the factor of the content term.
    positions
        Tables (G, D, 2L - 1), (G, D, 2L - 1) and (G, C, 2L - 1), or None to attend by content alone.

    Returns
    -------
    content, positional : Tensor
        (N, O, G, C, L) each, their axes in memory in the order of `value`; None for the second without positions.
    """
    tables = _tables(query, value, positions)
    inputs = (query, key, value, scale, *tables)
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in inputs):
        if positions is None:
            return _JoinedAttention.apply(*inputs), None  # type: ignore[no-untyped-call]
        content, positional = _AxialAttention.apply(*inputs)  # type: ignore[no-untyped-call]
        return content, positional
    content = _empty_as(value)
    if positions is None:
        _attend(inputs, content, None)
        return content, None
    positional = _empty_as(value)
    _attend(inputs, content, positional)
    return content, positional


def attend_joined(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    scale: Tensor,
    positions: RelativePositions | None,
    out: Tensor | None = None,
) -> Tensor:
    """Return the sum of the two results of :func:`axial_attention`, without derivatives.

    Parameters
    ----------
    query, key, value, scale, positions
        As for :func:`axial_attention`.
    out
        (N, O, G, C, L) to write to, with any strides; it may share no memory with the inputs.

    Returns
    -------
    Tensor
        (N, O, G, C, L): content and positional together, or content alone without positions.
    """
    if out is None:
        out = _empty_as(value)
    _attend((query, key, value, scale, *_tables(query, value, positions)), out, None)
    return out


def attend_measured(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    scale: Tensor,
    positions: RelativePositions | None,
    offset: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return what :func:`attend_joined` does, to the bit, and what can be measured on the way.

    Parameters
    ----------
    query, key, value, scale, positions
        As for :func:`axial_attention`; not differentiable.
    offset
        (G, C), what is in the values besides content.

    Returns
    -------
    joined, received, squares : Tensor
        (N, O, G, C, L); (N, O, G, L), the sum of attention over queries; (N, O, G, 2, L), the squares of the content
        less the offset and of the positional part, summed over channels.
    """
    inputs = (query, key, value, scale, *_tables(query, value, positions))
    joined = _empty_as(value)
    _check(inputs, joined)
    if offset.shape != value.shape[2:4]:
        raise ValueError(f"offset has the shape {tuple(offset.shape)}, not {tuple(value.shape[2:4])}")
    arrays = _arrays(inputs)
    offsets = np.zeros(arrays[6].shape[:2], arrays[6].dtype)  # with the channel that fills up a pair
    offsets[:, : offset.shape[1]] = offset.detach().numpy()
    received, squares = (query.new_empty(*query.shape[:3], count, query.shape[4]) for count in (1, 2))
    outputs = [tensor.numpy() for tensor in (joined, received, squares)]
    measured = kernel("measured", arrays[0].dtype.name)

    def run(_: int, start: int, stop: int) -> None:
        measured(*arrays, offsets, *outputs, _rooms(arrays), start, stop)

    _in_threads(run, _parts(query))
    return joined, received[:, :, :, 0], squares


def attention_received(
    query: Tensor, key: Tensor, scale: Tensor, positions: RelativePositions | None, weights: Tensor
) -> Tensor:
    """Return the sum of attention over queries, (N, O, G, L) by key, without derivatives.

    Parameters
    ----------
    query, key, scale, positions
        As for :func:`axial_attention`.
    weights
        (N, O, L), with any strides: the factor of each query.
    """
    weights = weights[:, :, None, None].expand(-1, -1, query.shape[2], -1, -1)
    return _sum_up("received", query, key, scale, positions, weights=weights)[:, :, :, 0]


def variances_of_terms(
    query: Tensor, key: Tensor, scale: Tensor, positions: RelativePositions
) -> tuple[Tensor, Tensor]:
    """Return the variances over keys of the content term and of the positional one, (N, O, G, L) each, by query."""
    found = _sum_up("variances", query, key, scale, positions, channels=2)
    return found[:, :, :, 0], found[:, :, :, 1]


# ---------------------------------------------------------------------------------------------------------------------
# From tensors to kernels


class _AxialAttention(torch.autograd.Function):
    """Attention with its two results apart."""

    @staticmethod
    def forward(ctx: FunctionCtx, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(*inputs)
        content, positional = _empty_as(inputs[2]), _empty_as(inputs[2])
        _attend(inputs, content, positional)
        return content, positional

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, content: Tensor, positional: Tensor) -> tuple[Tensor, ...]:
        return _differentiate(ctx.saved_tensors, content, positional)


class _JoinedAttention(torch.autograd.Function):
    """Attention with the sum of its results."""

    @staticmethod
    def forward(ctx: FunctionCtx, *inputs: Tensor) -> Tensor:
        ctx.save_for_backward(*inputs)
        joined = _empty_as(inputs[2])
        _attend(inputs, joined, None)
        return joined

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, joined: Tensor) -> tuple[Tensor, ...]:
        return _differentiate(ctx.saved_tensors, joined, joined)


def _tables(query: Tensor, value: Tensor, positions: RelativePositions | None) -> RelativePositions:
    """Return the tables, or zeros in their place: attention by content alone is attention with tables of zeros."""
    if positions is not None:
        return positions
    _, _, heads, channels, length = query.shape
    zeros = query.new_zeros(heads, channels, 2 * length - 1)
    return RelativePositions(zeros, zeros, query.new_zeros(heads, value.shape[3], 2 * length - 1))


def _empty_as(tensor: Tensor) -> Tensor:
    """Make room for a tensor of the same shape, dense, with the axes in the same order of memory."""
    order = sorted(range(tensor.ndim), key=tensor.stride, reverse=True)
    inverse = sorted(range(tensor.ndim), key=order.__getitem__)
    return tensor.new_empty([tensor.shape[axis] for axis in order]).permute(inverse)


def _check(inputs: tuple[Tensor, ...], result: Tensor) -> None:
    """Raise ValueError where shapes do not fit: the kernels do not look, and would read what is not theirs."""
    query, _, value, *_ = inputs
    images, others, heads, small, length = query.shape
    large = value.shape[3]
    tables = [(heads, channels, 2 * length - 1) for channels in (small, small, large)]
    values = (images, others, heads, large, length)
    wanted = [tuple(query.shape), tuple(query.shape), values, (heads,), *tables, values]
    found = [tuple(tensor.shape) for tensor in (*inputs, result)]
    if found != wanted or 0 in wanted[0][2:]:
        raise ValueError(f"query, key, value, scale, the three tables and the result are {found}, not {wanted}")


def _arrays(inputs: tuple[Tensor, ...]) -> list[Array]:
    """View tensors as arrays; scale and tables, which are small, become contiguous, and the values' table even."""
    query, key, value, scale, *tables, last = (tensor.detach().numpy() for tensor in inputs)
    if last.shape[1] % 2:  # kernels take the values' channels in pairs
        last = np.pad(last, ((0, 0), (0, 1), (0, 0)))
    return [query, key, value, *(np.ascontiguousarray(array) for array in (scale, *tables, last))]


def _attend(inputs: tuple[Tensor, ...], content: Tensor, positional: Tensor | None) -> None:
    """Write the results, or their sum to `content` if there is no place for the second."""
    _check(inputs, content)
    arrays = _arrays(inputs)
    first = content.detach().numpy()
    second = first if positional is None else positional.detach().numpy()
    forward = kernel("forward", arrays[0].dtype.name)

    def run(_: int, start: int, stop: int) -> None:
        forward(*arrays, first, second, positional is None, _rooms(arrays), start, stop)

    _in_threads(run, _parts(inputs[0]))


def _sum_up(
    name: str,
    query: Tensor,
    key: Tensor,
    scale: Tensor,
    positions: RelativePositions | None,
    *,
    weights: Tensor | None = None,
    channels: int = 1,
) -> Tensor:
    """Run a kernel that gives (N, O, G, channels, L) of the similarities."""
    images, others, heads, small, length = query.shape
    table_q, table_k, _ = _tables(query, query, positions)
    found = query.new_empty(images, others, heads, channels, length)
    given = (query, key) if weights is None else (query, key, weights)
    wanted = [tuple(query.shape)] * 2 + [(images, others, heads, 1, length)] * (weights is not None)
    wanted += [(heads,)] + [(heads, small, 2 * length - 1)] * 2
    shapes = [tuple(tensor.shape) for tensor in (*given, scale, table_q, table_k)]
    if shapes != wanted or 0 in query.shape[2:]:
        raise ValueError(f"query, key, weights if any, scale and two tables are {shapes}, not {wanted}")
    arrays = [tensor.detach().numpy() for tensor in given]
    arrays += [np.ascontiguousarray(tensor.detach().numpy()) for tensor in (scale, table_q, table_k)]
    run_kernel = kernel(name, arrays[0].dtype.name)

    def run(_: int, start: int, stop: int) -> None:
        # Values have twice the channels of keys in this project's layers, whose rooms are then used again.
        rooms = _rooms_of(threading.get_ident(), small, length, 2 * small, 2 * length - 1, arrays[0].dtype.str)
        run_kernel(*arrays, found.numpy(), rooms, start, stop)

    _in_threads(run, _parts(query))
    return found


def _differentiate(inputs: tuple[Tensor, ...], content: Tensor, positional: Tensor) -> tuple[Tensor, ...]:
    """Return the gradients of the inputs from those of the results."""
    arrays = _arrays(inputs)
    upstream = [content.detach().numpy(), positional.detach().numpy()]
    gradients = [_empty_as(tensor.detach()) for tensor in inputs[:3]]
    parts = _parts(inputs[0])
    # Every sequence has a share in these, so each thread adds up its own.
    shared = [np.zeros((len(parts), *array.shape), array.dtype) for array in arrays[3:]]
    backward = kernel("backward", arrays[0].dtype.name)

    def run(part: int, start: int, stop: int) -> None:
        own = [array[part] for array in shared]
        backward(*arrays, *upstream, *(gradient.numpy() for gradient in gradients), *own, _rooms(arrays), start, stop)

    _in_threads(run, parts)
    scale, table_q, table_k, table_v = (torch.from_numpy(array.sum(axis=0)) for array in shared)
    return (*gradients, scale, table_q, table_k, table_v[:, : inputs[2].shape[3]])


def _rooms(arrays: list[Array]) -> tuple[Array, ...]:
    """Return the blocks that this thread works in.

    These are query, key, value, rows, results, and gradients of three and of the tables, which are zero before and
    after a kernel.
    """
    sizes = (*arrays[0].shape[3:], *arrays[6].shape[1:], arrays[0].dtype.str)
    if arrays[2].shape[3] % 2:  # the channel that fills up a pair is never written, and has to be zero
        return _rooms_of.__wrapped__(threading.get_ident(), *sizes)
    return _rooms_of(threading.get_ident(), *sizes)


@functools.lru_cache(maxsize=32)  # for small images, making them would take as long as using them
def _rooms_of(_thread: int, small: int, length: int, large: int, distances: int, dtype: str) -> tuple[Array, ...]:
    channels = (small, small, large, 2, 2 * large, small, large, 1)
    return tuple(
        _room(count, places, np.dtype(dtype))
        for count, places in (
            *((count, length) for count in channels),
            *((count, distances) for count in (small, small, large)),
        )
    )


def _room(channels: int, places: int, dtype: np.dtype[Any]) -> Array:
    """Make a block of zeros that begins a line of the cache: a vector across two lines takes two loads."""
    size = channels * places * LANES
    whole = np.zeros(size + LANES, dtype)
    skipped = -whole.ctypes.data % 64 // whole.itemsize
    return whole[skipped : skipped + size].reshape(channels, places, LANES)


def _parts(query: Tensor) -> list[tuple[int, int]]:
    """Divide the work among threads: bounds of runs of blocks, which are counted through head by head."""
    images, others, heads, _, length = query.shape
    blocks = heads * -(-images * others // LANES)
    threads = torch.get_num_threads() if images * others * heads * length * length >= SMALL else 1
    threads = max(1, min(threads, blocks))
    bounds = [blocks * part // threads for part in range(threads + 1)]
    return list(itertools.pairwise(bounds))


def _in_threads(run: Callable[[int, int, int], None], parts: list[tuple[int, int]]) -> None:
    """Do the first part here and the others in the pool.

    Threads of numba's own are no choice: where OpenMP and TBB are missing, they abort the process as soon as two of
    Python's threads start them at once.
    """
    others = [_pool().submit(run, part, *bounds) for part, bounds in enumerate(parts) if part > 0]
    try:
        run(0, *parts[0])
    finally:
        for other in others:
            other.result()


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="axial-attention")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a forked process inherits the pool but not its threads
