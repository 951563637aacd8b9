"""Axial attention on the CPU without a matrix of attention: kernels that numba compiles when they are first wanted.

The terms are those of :mod:`src_models.nets.kernels.axial`. A kernel takes `LANES` sequences of one head side by side:
their channels are gathered into small arrays (channel, place, lane), and every number in a formula becomes a vector
with one lane for each sequence. That suits sequences of any length, any strides, and needs no sums across a vector. The
kernel works row by row: all the similarities of one query, their softmax, their results. The backward pass makes each
row anew, so nothing but the inputs is kept for it.

The vectors are a type that this module adds to numba. LLVM can make vectors of plain loops too, but not where it would
have to check at run time that many arrays do not overlap, as here.

Nothing here needs numba until a kernel is called; see :func:`available`.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import math
import operator
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from src_models.nets.kernels.axial import RelativePositions

__all__ = ["attend_joined", "available", "available_for", "axial_attention"]

Array = npt.NDArray[Any]

LANES = 16  # sequences side by side: one AVX-512 register in single precision, several registers elsewhere
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
    """Tell whether a tensor can be given to :func:`axial_attention`: on the CPU, in single or double precision."""
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
    forward = _kernel("forward", arrays[0].dtype.name)

    def run(_: int, start: int, stop: int) -> None:
        forward(*arrays, first, second, positional is None, _rooms(arrays), start, stop)

    _in_threads(run, _parts(inputs[0]))


def _differentiate(inputs: tuple[Tensor, ...], content: Tensor, positional: Tensor) -> tuple[Tensor, ...]:
    """Return the gradients of the inputs from those of the results."""
    arrays = _arrays(inputs)
    upstream = [content.detach().numpy(), positional.detach().numpy()]
    gradients = [_empty_as(tensor.detach()) for tensor in inputs[:3]]
    parts = _parts(inputs[0])
    # Every sequence has a share in these, so each thread adds up its own.
    shared = [np.zeros((len(parts), *array.shape), array.dtype) for array in arrays[3:]]
    backward = _kernel("backward", arrays[0].dtype.name)

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
    return _rooms_of(threading.get_ident(), *arrays[0].shape[3:], *arrays[6].shape[1:], arrays[0].dtype.str)


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


# ---------------------------------------------------------------------------------------------------------------------
# Compilation

_compiling = threading.Lock()
ROOMS = 11  # blocks that `_rooms` makes


def _kernel(name: str, dtype: str) -> Callable[..., None]:
    """Return the "forward" or the "backward" kernel for "float32" or "float64"; only the first call takes long."""
    with _compiling:
        return _compiled(name, dtype)


@functools.cache
def _compiled(name: str, dtype: str) -> Callable[..., None]:
    """Compile a kernel, or load it from numba's cache where numba finds a folder to write to."""
    numba: Any = importlib.import_module("numba")

    _prepare_steps()
    signature = _signature(name, getattr(numba, dtype))
    function = globals()[f"_{name}"]
    try:
        kernel = numba.njit(signature, cache=True, **_options())(function)
    except (OSError, RuntimeError):
        kernel = numba.njit(signature, **_options())(function)
    compiled: Callable[..., None] = kernel
    return compiled


def _signature(name: str, number: Any) -> Any:
    """Return the types of a kernel's arguments, for arrays of one type of number."""
    numba: Any = importlib.import_module("numba")

    # Arrays with any strides are one type here; numba would else compile anew for every layout that it meets.
    strided, vector, tables = number[:, :, :, :, :], number[::1], (number[:, :, ::1],) * 3
    rooms = numba.types.UniTuple(number[:, :, ::1], ROOMS)
    inputs = (strided, strided, strided, vector, *tables)
    own = (numba.boolean,) if name == "forward" else (strided, strided, strided, vector, *tables)
    return numba.void(*inputs, strided, strided, *own, rooms, numba.int64, numba.int64)


def _options() -> dict[str, Any]:
    # Contraction gives fused multiply-add. Freer arithmetic would undo the rounding in `_exp` and lose NaN.
    return {"nogil": True, "fastmath": {"contract"}, "error_model": "numpy"}


@functools.cache
def _prepare_steps() -> None:
    """Put what numba can call in the place of the functions that kernels call: it looks up their global names."""
    numba: Any = importlib.import_module("numba")

    globals().update(_vector_operations())
    for name in _STEPS:
        globals()[name] = numba.njit(**_options())(globals()[name])


_STEPS = (
    "_copy_in",
    "_copy_out",
    "_gather",
    "_scatter",
    "_term",
    "_weigh",
    "_sum_values",
    "_forward_block",
    "_scale_upstream",
    "_value_gradients",
    "_similarity_gradients",
    "_key_gradients",
    "_backward_block",
    "_add_lanes",
)

# ---------------------------------------------------------------------------------------------------------------------
# Vectors. The functions here say what kernels may call; numba is given the instructions of `_vector_operations`.


def _load(block: Array, channel: int, place: int) -> Any:
    """Return the vector block[channel, place]."""


def _store(block: Array, channel: int, place: int, vector: Any) -> None:
    """Set block[channel, place]."""


def _spread(table: Array, channel: int, at: int) -> Any:
    """Return a vector whose lanes are all table[channel, at]."""


def _fill(number: Any) -> Any:
    """Return a vector whose lanes are all `number`."""


def _larger(one: Any, other: Any) -> Any:
    """Return the larger of two numbers in each lane."""


def _exp(vector: Any) -> Any:
    """Return e to each lane, which is at most 0."""


class _Typing(NamedTuple):
    """The parts of numba that new operations are made of."""

    ir: Any  # LLVM's instructions
    numba: Any
    extending: Any
    vector: Any  # the type of vectors, for one type of number


def _vector_operations() -> dict[str, Any]:
    """Add vectors and their arithmetic to numba, and return the other operations by name."""
    ir, numba, extending = (importlib.import_module(name) for name in ("llvmlite.ir", "numba", "numba.extending"))
    typing = _Typing(ir, numba, extending, _vector_type(ir, numba, extending))
    instructions = {"add": "fadd", "sub": "fsub", "mul": "fmul", "truediv": "fdiv"}
    for name, instruction in instructions.items():
        _add_operator(typing, getattr(operator, name), instruction)
    return {**_memory_operations(typing), **_lane_operations(typing)}


def _vector_type(ir: Any, numba: Any, extending: Any) -> Any:
    """Make the type of a vector, which LLVM keeps in registers."""

    class Vector(numba.types.Type):  # type: ignore[misc]
        def __init__(self, number: Any) -> None:
            self.number = number
            super().__init__(name=f"Vector({number}, {LANES})")

    @extending.register_model(Vector)
    class VectorModel(extending.models.PrimitiveModel):  # type: ignore[misc]
        def __init__(self, manager: Any, vector: Any) -> None:
            number = ir.FloatType() if vector.number.bitwidth == 32 else ir.DoubleType()
            super().__init__(manager, vector, ir.VectorType(number, LANES))

    return Vector


def _add_operator(typing: _Typing, function: Any, instruction: str) -> None:
    """Let kernels write an operator between vectors."""

    @typing.extending.type_callable(function)  # type: ignore[untyped-decorator]
    def returned(_: Any) -> Any:
        return lambda one, other: one if isinstance(one, typing.vector) and one == other else None

    @typing.extending.lower_builtin(function, typing.vector, typing.vector)  # type: ignore[untyped-decorator]
    def generate(_: Any, builder: Any, __: Any, values: Any) -> Any:
        return getattr(builder, instruction)(*values)


def _memory_operations(typing: _Typing) -> dict[str, Any]:
    """Make what reads and writes vectors. Indices go unchecked, and negative ones do not count from the end."""
    intp, arrays = typing.numba.types.intp, importlib.import_module("numba.core.cgutils")

    def address(context: Any, builder: Any, kind: Any, values: Any, step: int) -> Any:
        array = arrays.create_struct_proxy(kind)(context, builder, value=values[0])
        row = builder.mul(values[1], arrays.unpack_tuple(builder, array.shape)[1])
        return builder.gep(array.data, [builder.mul(builder.add(row, values[2]), row.type(step))])

    @typing.extending.intrinsic  # type: ignore[untyped-decorator]
    def load(_: Any, block: Any, channel: Any, place: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            pointer = address(context, builder, block, values, LANES)
            vector = context.get_value_type(signature.return_type)
            return builder.load(builder.bitcast(pointer, vector.as_pointer()), align=block.dtype.bitwidth // 8)

        return typing.vector(block.dtype)(block, intp, intp), generate

    @typing.extending.intrinsic  # type: ignore[untyped-decorator]
    def store(_: Any, block: Any, channel: Any, place: Any, vector: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            pointer = address(context, builder, block, values, LANES)
            pointer = builder.bitcast(pointer, values[3].type.as_pointer())
            builder.store(values[3], pointer, align=block.dtype.bitwidth // 8)
            return context.get_dummy_value()

        return typing.numba.types.void(block, intp, intp, vector), generate

    @typing.extending.intrinsic  # type: ignore[untyped-decorator]
    def spread(_: Any, table: Any, channel: Any, at: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return _generate_spread(typing.ir, builder, builder.load(address(context, builder, table, values, 1)))

        return typing.vector(table.dtype)(table, intp, intp), generate

    return {"_load": load, "_store": store, "_spread": spread}


def _lane_operations(typing: _Typing) -> dict[str, Any]:
    """Make what works on each lane by itself."""

    @typing.extending.intrinsic  # type: ignore[untyped-decorator]
    def fill(_: Any, number: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return _generate_spread(typing.ir, builder, values[0])

        return typing.vector(number)(number), generate

    @typing.extending.intrinsic  # type: ignore[untyped-decorator]
    def larger(_: Any, one: Any, other: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return builder.select(builder.fcmp_ordered(">", *values), *values)

        return one(one, one), generate

    @typing.extending.intrinsic  # type: ignore[untyped-decorator]
    def exp(_: Any, vector: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return _generate_exp(typing.ir, builder, values[0])

        return vector(vector), generate

    return {"_fill": fill, "_larger": larger, "_exp": exp}


def _generate_spread(ir: Any, builder: Any, number: Any) -> Any:
    """Write a vector whose lanes are all `number`."""
    index = ir.IntType(32)
    one = builder.insert_element(ir.VectorType(number.type, LANES)(ir.Undefined), number, index(0))
    return builder.shuffle_vector(one, one, ir.VectorType(index, LANES)([0] * LANES))


class _ExpConstants(NamedTuple):
    """What the exponential needs to know of a floating-point format."""

    lowest: float  # e to this is about the least normal number
    rounder: float  # 1.5 * 2**mantissa: adding it to a small number rounds that to an integer
    high: float  # ln(2) but for its last bits, so that its products with small integers are exact
    low: float  # those last bits
    degree: int  # of the Taylor polynomial, which is exact to rounding for |r| <= ln(2) / 2
    bias: int
    mantissa: int


_SINGLE = _ExpConstants(-87.0, 1.5 * 2**23, 0.693359375, -2.12194440054690583e-4, 7, 127, 23)
_DOUBLE = _ExpConstants(-708.0, 1.5 * 2**52, 0.693145751953125, 1.42860682030941723212e-6, 13, 1023, 52)


def _generate_exp(ir: Any, builder: Any, given: Any) -> Any:
    """Write e^x = 2^k e^r with |r| <= ln(2) / 2 in operations that all exist for vectors; 0 below the normal range."""
    single = isinstance(given.type.element, ir.FloatType)
    constants = _SINGLE if single else _DOUBLE
    integers = ir.VectorType(ir.IntType(32 if single else 64), LANES)

    def constant(number: float, kind: Any = given.type) -> Any:
        return ir.Constant(kind, [ir.Constant(kind.element, number)] * LANES)

    def times_plus(one: Any, factor: Any, summand: Any) -> Any:
        return builder.fadd(builder.fmul(one, factor), summand)

    below = builder.fcmp_ordered("<", given, constant(constants.lowest))  # so asked, NaN stays NaN
    x = builder.select(below, constant(constants.lowest), given)
    rounded = times_plus(x, constant(math.log2(math.e)), constant(constants.rounder))
    k = builder.fsub(rounded, constant(constants.rounder))
    r = times_plus(k, constant(-constants.low), times_plus(k, constant(-constants.high), x))
    power = constant(1 / math.factorial(constants.degree))
    for degree in reversed(range(constants.degree)):
        power = times_plus(power, r, constant(1 / math.factorial(degree)))
    # The last bits of `rounded` are k; shifted to the place of the exponent they are 2^k.
    bits = builder.add(builder.bitcast(rounded, integers), constant(constants.bias, integers))
    two_to_k = builder.bitcast(builder.shl(bits, constant(constants.mantissa, integers)), given.type)
    return builder.select(below, constant(0.0), builder.fmul(power, two_to_k))


# ---------------------------------------------------------------------------------------------------------------------
# Steps of the kernels. Blocks are (channel, place, lane), tables of a head are (channel, distance), and the block
# `rows` holds what belongs to one query: numbers for each key, the unnormalised weights at 0 and derivatives at 1.


def _copy_in(source: Array, block: Array) -> None:
    """Copy (lane, channel, place) into a block, whose neighbours in memory are lanes."""
    for channel in range(source.shape[1]):
        for place in range(source.shape[2]):
            for lane in range(source.shape[0]):
                block[channel, place, lane] = source[lane, channel, place]


def _copy_out(block: Array, target: Array) -> None:
    """Copy a block out to (lane, channel, place), whose neighbours in memory are lanes or places."""
    lanes, channels, length = target.shape
    for channel in range(channels):
        if target.strides[0] < target.strides[2]:
            for place in range(length):
                for lane in range(lanes):
                    target[lane, channel, place] = block[channel, place, lane]
        else:
            for lane in range(lanes):
                for place in range(length):
                    target[lane, channel, place] = block[channel, place, lane]


def _gather(source: Array, head: int, start: int, block: Array) -> None:
    """Copy the sequences from `start` on of one head into a block; lanes without a sequence become zero."""
    images, others = source.shape[:2]
    lane, stop = 0, min(LANES, images * others - start)
    while lane < stop:
        image, other = (start + lane) // others, (start + lane) % others
        lanes = min(stop - lane, others - other)  # as far as the image goes
        _copy_in(source[image, other : other + lanes, head], block[:, :, lane : lane + lanes])
        lane += lanes
    if stop < LANES:
        block[:, :, stop:] = 0


def _scatter(block: Array, head: int, start: int, target: Array) -> None:
    """Copy a block to where :func:`_gather` takes it from."""
    images, others = target.shape[:2]
    lane, stop = 0, min(LANES, images * others - start)
    while lane < stop:
        image, other = (start + lane) // others, (start + lane) % others
        lanes = min(stop - lane, others - other)
        _copy_out(block[:, :, lane : lane + lanes], target[image, other : other + lanes, head])
        lane += lanes


def _term(key: Array, table_q: Array, table_k: Array, d: int, i: int, j: int, q: Any, scaled: Any) -> Any:
    """Return what channel d contributes to s_ij."""
    last = key.shape[1] - 1
    return _load(key, d, j) * (scaled + _spread(table_k, d, last + j - i)) + q * _spread(table_q, d, last + i - j)


def _weigh(query: Array, key: Array, table_q: Array, table_k: Array, scale: Any, i: int, rows: Array) -> Any:
    """Write the weights of query i for every key, e to the power of s_ij less the largest, and return their sum."""
    channels, length = key.shape[0], key.shape[1]
    largest = _fill(rows.dtype.type(-np.inf))
    for d in range(channels):
        q = _load(query, d, i)
        scaled = q * scale
        for j in range(length):
            term = _term(key, table_q, table_k, d, i, j, q, scaled)
            similarity = term if d == 0 else _load(rows, 0, j) + term
            _store(rows, 0, j, similarity)
            if d == channels - 1:
                largest = _larger(similarity, largest)
    total = _fill(rows.dtype.type(0))
    for j in range(length):
        weight = _exp(_load(rows, 0, j) - largest)
        _store(rows, 0, j, weight)
        total = total + weight
    return total


def _sum_values(rows: Array, value: Array, table_v: Array, i: int, total: Any, joined: bool, results: Array) -> None:
    """Write the results of query i: content, then positional `channels` further, or their sum."""
    channels, length = value.shape[0], value.shape[1]
    for c in range(0, channels, 2):  # pairs keep four sums under way, as an addition waits for the one before
        content = content2 = positional = positional2 = _fill(rows.dtype.type(0))
        for j in range(length):
            weight = _load(rows, 0, j)
            content = content + weight * _load(value, c, j)
            content2 = content2 + weight * _load(value, c + 1, j)
            positional = positional + weight * _spread(table_v, c, length - 1 + i - j)
            positional2 = positional2 + weight * _spread(table_v, c + 1, length - 1 + i - j)
        if joined:
            _store(results, c, i, (content + positional) / total)
            _store(results, c + 1, i, (content2 + positional2) / total)
        else:
            _store(results, c, i, content / total)
            _store(results, c + 1, i, content2 / total)
            _store(results, channels + c, i, positional / total)
            _store(results, channels + c + 1, i, positional2 / total)


def _forward_block(
    query: Array,
    key: Array,
    value: Array,
    scale: Any,
    tables: tuple[Array, ...],
    joined: bool,
    rows: Array,
    results: Array,
) -> None:
    """Attend in one block."""
    factor = _fill(scale)
    for i in range(query.shape[1]):
        total = _weigh(query, key, tables[0], tables[1], factor, i, rows)
        _sum_values(rows, value, tables[2], i, total, joined, results)


def _forward(
    query: Array,
    key: Array,
    value: Array,
    scale: Array,
    table_q: Array,
    table_k: Array,
    table_v: Array,
    content: Array,
    positional: Array,
    joined: bool,
    rooms: tuple[Array, ...],
    start: int,
    stop: int,
) -> None:
    """Attend in the blocks from `start` to `stop`."""
    images, others, large = query.shape[0], query.shape[1], table_v.shape[1]
    of_head = (images * others + LANES - 1) // LANES
    q, k, v, rows, results = rooms[:5]
    for block in range(start, stop):
        head, at = block // of_head, block % of_head * LANES
        _gather(query, head, at, q)
        _gather(key, head, at, k)
        _gather(value, head, at, v)
        tables = (table_q[head], table_k[head], table_v[head])
        _forward_block(q, k, v, scale[head], tables, joined, rows, results)
        _scatter(results, head, at, content)
        if not joined:
            _scatter(results[large:], head, at, positional)


def _scale_upstream(content: Array, positional: Array, i: int, total: Any) -> None:
    """Divide the derivatives by the results of query i by the sum of its weights, as every use of them needs."""
    for c in range(content.shape[0]):
        _store(content, c, i, _load(content, c, i) / total)
        _store(positional, c, i, _load(positional, c, i) / total)


def _value_gradients(
    rows: Array,
    value: Array,
    table_v: Array,
    content: Array,
    positional: Array,
    i: int,
    to_value: Array,
    to_table: Array,
) -> None:
    """Write the derivatives by the weights of query i; add its share in the gradients of the values and their table."""
    channels, length = value.shape[0], value.shape[1]
    for c in range(0, channels, 2):
        g, g2 = _load(content, c, i), _load(content, c + 1, i)
        h, h2 = _load(positional, c, i), _load(positional, c + 1, i)
        for j in range(length):
            at = length - 1 + i - j
            weight = _load(rows, 0, j)
            slope = g * _load(value, c, j) + h * _spread(table_v, c, at)
            slope2 = g2 * _load(value, c + 1, j) + h2 * _spread(table_v, c + 1, at)
            slope = slope + slope2
            _store(rows, 1, j, slope if c == 0 else _load(rows, 1, j) + slope)
            _store(to_value, c, j, _load(to_value, c, j) + weight * g)
            _store(to_value, c + 1, j, _load(to_value, c + 1, j) + weight * g2)
            _store(to_table, c, at, _load(to_table, c, at) + weight * h)
            _store(to_table, c + 1, at, _load(to_table, c + 1, at) + weight * h2)


def _similarity_gradients(rows: Array, total: Any) -> None:
    """Turn the derivatives by the weights into those by the similarities, through the softmax."""
    mean = _fill(rows.dtype.type(0))
    for j in range(rows.shape[1]):
        mean = mean + _load(rows, 0, j) * _load(rows, 1, j)
    mean = mean / total
    for j in range(rows.shape[1]):
        _store(rows, 1, j, _load(rows, 0, j) * (_load(rows, 1, j) - mean))


def _key_gradients(
    rows: Array,
    query: Array,
    key: Array,
    tables: tuple[Array, ...],
    scale: Any,
    i: int,
    to_key: Array,
    to_table_q: Array,
    to_table_k: Array,
) -> Any:
    """Add the share of query i in the gradients of the keys and of two tables, and put its own in its place.

    Return its share in the gradient of the scale.
    """
    channels, length = key.shape[0], key.shape[1]
    to_scale = _fill(rows.dtype.type(0))
    for d in range(channels):
        q = _load(query, d, i)
        scaled = q * scale
        by_content = by_position = _fill(rows.dtype.type(0))
        for j in range(length):
            at_q, at_k = length - 1 + i - j, length - 1 + j - i
            slope, k = _load(rows, 1, j), _load(key, d, j)
            share = slope * k
            by_content = by_content + share
            by_position = by_position + slope * _spread(tables[0], d, at_q)
            _store(to_key, d, j, _load(to_key, d, j) + slope * (scaled + _spread(tables[1], d, at_k)))
            _store(to_table_q, d, at_q, _load(to_table_q, d, at_q) + slope * q)
            _store(to_table_k, d, at_k, _load(to_table_k, d, at_k) + share)
        to_scale = to_scale + q * by_content
        _store(query, d, i, scale * by_content + by_position)
    return to_scale


def _backward_block(
    query: Array,
    key: Array,
    value: Array,
    scale: Any,
    tables: tuple[Array, ...],
    upstream: tuple[Array, Array],
    gradients: tuple[Array, ...],
    table_gradients: tuple[Array, ...],
    rows: Array,
) -> None:
    """Differentiate one block: add to the gradients of key, value, scale and tables.

    A query is done with when its row is, and then makes room for its gradient; so do the derivatives upstream.
    """
    to_key, to_value, to_scale = gradients
    factor = _fill(scale)
    for i in range(query.shape[1]):
        total = _weigh(query, key, tables[0], tables[1], factor, i, rows)
        _scale_upstream(upstream[0], upstream[1], i, total)
        _value_gradients(rows, value, tables[2], upstream[0], upstream[1], i, to_value, table_gradients[2])
        _similarity_gradients(rows, total)
        share = _key_gradients(rows, query, key, tables, factor, i, to_key, table_gradients[0], table_gradients[1])
        _store(to_scale, 0, 0, _load(to_scale, 0, 0) + share)


def _add_lanes(lanes: Array, total: Array) -> None:
    """Add a gradient (channel, distance, lane) to that of a table, and begin anew."""
    for channel in range(total.shape[0]):
        for at in range(total.shape[1]):
            for lane in range(LANES):
                total[channel, at] += lanes[channel, at, lane]
                lanes[channel, at, lane] = 0


def _backward(
    query: Array,
    key: Array,
    value: Array,
    scale: Array,
    table_q: Array,
    table_k: Array,
    table_v: Array,
    content: Array,
    positional: Array,
    to_query: Array,
    to_key: Array,
    to_value: Array,
    to_scale: Array,
    to_table_q: Array,
    to_table_k: Array,
    to_table_v: Array,
    rooms: tuple[Array, ...],
    start: int,
    stop: int,
) -> None:
    """Differentiate the blocks from `start` to `stop`: write the first three gradients, add to the other four."""
    images, others, large = query.shape[0], query.shape[1], table_v.shape[1]
    of_head = (images * others + LANES - 1) // LANES
    q, k, v, rows, results = rooms[:5]
    upstream, gradients, table_gradients = (results[:large], results[large:]), rooms[5:8], rooms[8:11]
    for block in range(start, stop):
        head, at = block // of_head, block % of_head * LANES
        _gather(query, head, at, q)
        _gather(key, head, at, k)
        _gather(value, head, at, v)
        _gather(content, head, at, upstream[0])
        _gather(positional, head, at, upstream[1])
        for gradient in gradients:
            gradient[:] = 0
        tables = (table_q[head], table_k[head], table_v[head])
        _backward_block(q, k, v, scale[head], tables, upstream, gradients, table_gradients, rows)
        _scatter(q, head, at, to_query)
        _scatter(gradients[0], head, at, to_key)
        _scatter(gradients[1], head, at, to_value)
        for lane in range(LANES):
            to_scale[head] += gradients[2][0, 0, lane]
        if block + 1 == stop or (block + 1) % of_head == 0:  # the last of this head
            _add_lanes(table_gradients[0], to_table_q[head])
            _add_lanes(table_gradients[1], to_table_k[head])
            _add_lanes(table_gradients[2], to_table_v[head])
