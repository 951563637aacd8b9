"""Axial attention on a CUDA card: kernels in Triton that keep the similarities of a block of rows on the chip.

The formulas are those of :mod:`src_models.nets.kernels.axial_plain`. Plain PyTorch writes and reads several tensors of
L x L for each sequence and head, and the two tables spread over pairs; here a similarity lives and dies in a register.

Cost, for the roofline. Let P = N * O * G * L**2 be the similarities, S = N * O * G * L the positions, b the bytes of an
element and s the sequences of a tile (`_tiles`). A multiply-add counts as two operations. With positions:

- `forward` does 6D + 4C + 6 operations per similarity, one of them an exponential (without positions 2D + 2C + 5). It
  moves S * (2D + 3C) * b + 4S bytes (queries, keys and values in; two results and the float32 logarithm of a softmax's
  sum out) and the tables, 4G * (2D + C) * (2L - 1) bytes, which stay in cache. That makes
  (6D + 4C + 6) * L / ((2D + 3C) * b + 4) operations per byte: 29 at D = 8, C = 16, L = 64 in float32.
- Inside the chip it loads (D + C) + (2D + C) / s values per similarity, from the nearest cache, for 3D + 2C
  multiply-adds. A multiprocessor loads a quarter as many values as it does multiply-adds in the same time, so these
  loads are the first limit to expect where the memory is none.
- `backward_queries` does 10D + 4C + 6 operations per similarity, `backward_keys` 10D + 6C + 4, and `backward_tables` as
  many for twice the similarities, half of which are masked. They move S * (8D + 12C) * b + 24S bytes. No tensor of
  L x L is stored: the attention is computed again from the logarithm.

No tile is multiplied on the tensor cores: the inner dimensions D and C are at most 8 and 16, and a position's table
differs from pair to pair.
"""

from __future__ import annotations

import logging
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from src_models.nets.kernels.axial_plain import RelativePositions, reference
from src_models.nets.kernels.triton_import import interpreted

__all__ = ["KernelError", "available", "axial_attention", "works"]

_DTYPES = (torch.float32, torch.bfloat16, torch.float16)

_log = logging.getLogger(__name__)

# What failed once is not tried again in this process.
_failures: list[str] = []

_Inputs = tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None, Tensor | None, Tensor | None]


class KernelError(RuntimeError):
    """The kernels cannot serve these tensors on this machine: take another form of the arithmetic."""


class _Tiles(NamedTuple):
    """How many own positions, other positions and sequences a program handles at once, and by how many warps."""

    own: int
    other: int
    sequences: int
    warps: int


def available() -> bool:
    """Return whether Triton can be imported, it has a card or its interpreter to run on, and nothing failed so far."""
    if _failures or not (interpreted() or torch.cuda.is_available()):
        return False
    try:
        import_module("triton")
    except Exception as error:  # a broken Triton raises anything
        _fail("Triton cannot be imported", error)
        return False
    return True


@cache
def works(device: torch.device) -> bool:
    """Return whether the kernels compile for a device and agree there with plain PyTorch, on one small problem.

    The first call compiles all kernels, which takes seconds; Triton keeps them on disk and the answer is kept here.
    """
    if not available():
        return False
    try:
        return _agrees(device) and not _failures
    except Exception as error:  # whatever a compiler or a driver raises
        _fail(f"a trial on {device} failed", error)
        return False


def axial_attention(
    query: Tensor, key: Tensor, value: Tensor, scale: Tensor, positions: RelativePositions | None
) -> tuple[Tensor, Tensor | None]:
    """Attend along the last axis by Triton kernels, differentiably (once).

    With s_ij = scale * q_i . k_j + q_i . E_q[i - j] + k_j . E_k[j - i] and A_i the softmax of s_i,

        content_i = sum_j A_ij v_j          positional_i = sum_j A_ij E_v[i - j]

    (Wang et al. 2020, equation 4; Valanarasu et al. 2021, equation 3). The gradients are the same in every run.

    Parameters
    ----------
    query, key
        (N, O, G, D, L), with any strides, in float32, bfloat16 or float16; the arithmetic is in float32.
    value
        (N, O, G, C, L).
    scale
        (G,), the factor of the content term.
    positions
        Relative positions, or None to attend by content alone.

    Returns
    -------
    content, positional : Tensor
        (N, O, G, C, L) each, of the type of `value`; None for the second without positions.

    Raises
    ------
    KernelError
        If the kernels cannot be imported or compiled, or do not handle these tensors. If only a kernel of the backward
        pass fails, the gradients come from plain PyTorch.
    """
    _check(query, key, value, scale, positions)
    tables = (None, None, None) if positions is None else tuple(table.float().contiguous() for table in positions)
    inputs = (query, key, value, scale.float().contiguous(), *tables)
    outputs: tuple[Tensor, Tensor | None] = _AxialAttention.apply(*inputs)  # type: ignore[no-untyped-call]
    return outputs


class _AxialAttention(torch.autograd.Function):
    """Keeps the inputs, the results and the logarithm of each softmax's sum, from which a pair's A_ij comes again."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[Tensor, Tensor | None]:
        content, positional, log_sum = _forward(inputs)
        ctx.save_for_backward(*inputs, content, positional, log_sum)
        return content, positional

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_content: Tensor, grad_positional: Tensor | None) -> tuple[Tensor | None, ...]:
        *inputs, content, positional, log_sum = ctx.saved_tensors
        grads = (grad_content, grad_positional)
        try:
            return _backward(tuple(inputs), (content, positional, log_sum), grads, any(ctx.needs_input_grad[4:]))
        except KernelError:
            return _backward_by_reference(tuple(inputs), grads)


def _forward(inputs: _Inputs) -> tuple[Tensor, Tensor | None, Tensor]:
    """Return the content, the positional result (or None) and log sum_j exp(s_ij), (N, O, G, 1, L)."""
    query, _, value, *_, table = inputs
    content = torch.empty_like(value)
    positional = None if table is None else torch.empty_like(value)
    log_sum = _row_values(query)
    tiles = _tiles(query.shape[-1], value.shape[3], 8)
    _launch("forward", _grid(query, tiles), tiles, inputs, _pair(content), _pair(positional), _pair(log_sum))
    return content, positional, log_sum


def _backward(
    inputs: _Inputs, saved: tuple[Tensor, Tensor | None, Tensor], grads: tuple[Tensor, Tensor | None], to_tables: bool
) -> tuple[Tensor | None, ...]:
    """Return the gradients of all inputs; those of the tables only if asked for."""
    query, key, value, *_ = inputs
    content, positional, log_sum = saved
    grad_query, grad_key, grad_value = (torch.empty_like(tensor) for tensor in (query, key, value))
    tiles = _tiles(query.shape[-1], value.shape[3], 4)
    grid = _grid(query, tiles)
    # One number per program, added up afterwards: atomic additions would come in any order, and so vary by run.
    grad_scale = torch.empty((grid[0], grid[1], grid[2]), device=query.device)
    mean = _row_values(query)
    arriving = (_pair(log_sum), _pair(grads[0]), _pair(grads[1]), _pair(mean))
    results = (_pair(content), _pair(positional))
    _launch("backward_queries", grid, tiles, inputs, *results, *arriving, _pair(grad_query), grad_scale)
    _launch("backward_keys", grid, tiles, inputs, *arriving, _pair(grad_key), _pair(grad_value))
    tables = _backward_tables(inputs, arriving) if to_tables else (None, None, None)
    return grad_query, grad_key, grad_value, grad_scale.sum(dim=(0, 2)), *tables


def _backward_tables(inputs: _Inputs, arriving: tuple[Any, ...]) -> tuple[Tensor, ...]:
    """Return the gradients of the three tables: every program writes its share, and the shares are added up."""
    query, _, value, *_ = inputs
    total, heads, channels, length = query.shape[0] * query.shape[1], *query.shape[2:]
    distances = 2 * length - 1
    tiles = _tiles(distances, value.shape[3], 0)
    # Enough programs to fill a card, each with enough sequences that its share is small beside what it reads.
    each = max(8, -(-total // 64))
    grid = (-(-total // each), heads, -(-distances // tiles.own))
    shares = torch.empty((grid[0], heads, 2 * channels + value.shape[3], distances), device=query.device)
    _launch("backward_tables", grid, tiles, inputs, *arriving, shares, each=each)
    return torch.split(shares.sum(dim=0), [channels, channels, value.shape[3]], dim=1)


def _backward_by_reference(inputs: _Inputs, grads: tuple[Tensor, Tensor | None]) -> tuple[Tensor | None, ...]:
    """Return the gradients of all inputs by plain PyTorch, in float32."""
    leaves = [tensor.detach().float().requires_grad_() for tensor in inputs if tensor is not None]
    positions = RelativePositions(*leaves[4:]) if len(leaves) > 4 else None
    with torch.enable_grad():
        outputs = [out for out in reference(leaves[0], leaves[1], leaves[2], leaves[3], positions) if out is not None]
        found = torch.autograd.grad(outputs, leaves, [grad.float() for grad in grads if grad is not None])
    typed = [grad.to(tensor.dtype) for grad, tensor in zip(found, inputs, strict=False) if tensor is not None]
    return *typed, *[None] * (len(inputs) - len(typed))


def _launch(name: str, grid: tuple[int, int, int], tiles: _Tiles, inputs: _Inputs, *rest: Any, **options: int) -> None:
    """Run a kernel on the inputs and on what else it takes; whatever goes wrong is a `KernelError`."""
    query, key, value, scale, *tables = inputs
    channels, width = query.shape[3], value.shape[3]
    sizes = {"total": query.shape[0] * query.shape[1], "beside": query.shape[1], "length": query.shape[4]}
    constants: dict[str, Any] = {"D": channels, "C": width, "OWN": tiles.own, "OTHER": tiles.other}
    if name != "backward_tables":  # it exists for positions only, and takes its sequences one by one
        constants |= {"POSITIONS": tables[0] is not None, "SEQUENCES": tiles.sequences}
    tensors = (_pair(query), _pair(key), _pair(value), scale, None if tables[0] is None else tuple(tables))
    try:
        kernel = getattr(import_module("src_models.nets.kernels.axial_triton_kernels"), name)
        with torch.cuda.device_of(query):  # type: ignore[no-untyped-call]
            kernel[grid](*tensors, *rest, **sizes, **options, **constants, num_warps=tiles.warps, enable_fp_fusion=True)
    except Exception as error:  # compilers, drivers and Triton's own checks raise many kinds
        _fail(f"the kernel {name} failed", error)
        message = f"Triton's kernel {name} of axial attention did not run"
        raise KernelError(message) from error


def _tiles(positions: int, width: int, most: int) -> _Tiles:
    """Return the tiles for a number of own positions and of value channels, with two sequences up to `most` channels.

    A position has a thread of its own, up to 128 of them, in whole warps from 32 on. Two sequences halve the loads of
    tables (see the module's text), but hold twice the sums: for many channels a thread has too few registers.
    """
    own = min(128, max(16, _power_of_two(positions)))
    return _Tiles(own=own, other=4 if width <= 8 else 2, sequences=2 if width <= most else 1, warps=max(1, own // 32))


def _grid(query: Tensor, tiles: _Tiles) -> tuple[int, int, int]:
    """Return the programs over groups of sequences, heads and groups of own positions."""
    images, beside, heads, _, length = query.shape
    return -(-images * beside // tiles.sequences), heads, -(-length // tiles.own)


def _row_values(query: Tensor) -> Tensor:
    """Return room for a float32 of each query, (N, O, G, 1, L)."""
    images, beside, heads, _, length = query.shape
    return torch.empty((images, beside, heads, 1, length), device=query.device)


def _pair(tensor: Tensor | None) -> tuple[Tensor, tuple[int, ...]] | None:
    """Return a tensor with its strides, as the kernels take it."""
    return None if tensor is None else (tensor, tensor.stride())


def _power_of_two(number: int) -> int:
    """Return the smallest power of two that is no less than a number."""
    return 1 << (number - 1).bit_length()


def _check(query: Tensor, key: Tensor, value: Tensor, scale: Tensor, positions: RelativePositions | None) -> None:
    """Raise `KernelError` for tensors that the kernels do not handle: a wrong shape would read beyond a tensor."""
    images, beside, heads, channels, length = query.shape
    width = value.shape[3]
    shapes = [query.shape, key.shape, value.shape, scale.shape]
    expected: list[tuple[int, ...]] = [(images, beside, heads, size, length) for size in (channels, channels, width)]
    expected.append((heads,))
    if positions is not None:
        shapes += [table.shape for table in positions]
        expected += [(heads, size, 2 * length - 1) for size in (channels, channels, width)]
    if shapes != expected:
        message = f"shapes {[tuple(shape) for shape in shapes]} do not belong together"
        raise KernelError(message)
    tensors = (query, key, value, scale, *(positions or ()))
    if any(tensor.dtype not in _DTYPES for tensor in tensors) or len({tensor.device for tensor in tensors}) > 1:
        message = f"tensors are on one device and of the types {_DTYPES}"
        raise KernelError(message)
    if not (query.is_cuda or interpreted()):
        message = f"Triton does not run on {query.device}"
        raise KernelError(message)


def _agrees(device: torch.device) -> bool:
    """Return whether results and gradients of a small problem are those of the reference."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(1, 3, 2, 1, 20), (1, 3, 2, 1, 20), (1, 3, 2, 2, 20), (2,), (2, 1, 39), (2, 1, 39), (2, 2, 39)]
    leaves = [torch.randn(shape, generator=generator).to(device).requires_grad_() for shape in shapes]
    found = []
    for form in (axial_attention, reference):
        content, positional = form(leaves[0], leaves[1], leaves[2], leaves[3], RelativePositions(*leaves[4:]))
        assert positional is not None
        grads = torch.autograd.grad((content.sin() + positional.cos()).sum(), leaves)
        found.append([content, positional, *grads])
    # Wide enough for a reference that multiplies in TF32.
    return all(torch.allclose(ours, theirs, rtol=1e-2, atol=1e-2) for ours, theirs in zip(*found, strict=True))


def _fail(what: str, error: Exception) -> None:
    """Note that the kernels are of no use in this process, and say why once."""
    if not _failures:
        _log.warning("Axial attention goes on without Triton: %s (%s: %s)", what, type(error).__name__, error)
    _failures.append(what)
