"""The kernels of axial attention on the CPU, and how numba compiles them when first wanted.

A kernel takes `LANES` sequences of one head side by side: their channels are gathered into small arrays (channel,
place, lane), and every number in a formula becomes a vector with one lane for each sequence. That suits sequences of
any length and any strides, and needs no sums across a vector. The kernel works row by row: all the similarities of one
query, their softmax, their results. The backward pass makes each row anew, so nothing but the inputs is kept for it.
Nor is a row kept by the kernels for who looks at attention, which sum it up.
"""

from __future__ import annotations

import functools
import importlib
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from src_models.nets.kernels.lane_vectors import LANES, vector_operations

__all__ = ["ROOMS", "kernel"]

Array = npt.NDArray[Any]

_compiling = threading.Lock()
ROOMS = 11  # blocks that a kernel works in


def kernel(name: str, dtype: str) -> Callable[..., None]:
    """Return a kernel for "float32" or "float64"; only the first call takes long.

    There are "forward", "measured" (forward, with sizes of its parts), "backward", "received" (sums of attention
    over queries) and "variances" (of similarities).
    """
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
    inputs, results = (strided, strided, strided, vector, *tables), (strided, strided)
    arguments = {
        "forward": (*inputs, *results, numba.boolean),
        "measured": (*inputs, number[:, ::1], strided, *results),
        "backward": (*inputs, *results, strided, strided, strided, vector, *tables),
        "received": (strided, strided, strided, vector, *tables[:2], strided),
        "variances": (strided, strided, vector, *tables[:2], strided),
    }[name]
    return numba.void(*arguments, rooms, numba.int64, numba.int64)


def _options() -> dict[str, Any]:
    # Contraction gives fused multiply-add. Freer arithmetic would undo the rounding in `_exp` and lose NaN.
    return {"nogil": True, "fastmath": {"contract"}, "error_model": "numpy"}


@functools.cache
def _prepare_steps() -> None:
    """Put what numba can call in the place of the functions that kernels call: it looks up their global names."""
    numba: Any = importlib.import_module("numba")

    globals().update(vector_operations())
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
    "_add_weights",
    "_sum_and_measure",
    "_write_terms",
    "_variance",
)

# ---------------------------------------------------------------------------------------------------------------------
# Vectors. The functions here say what kernels may call; numba is given the instructions of `vector_operations`.


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


def _add_weights(rows: Array, share: Any, sums: Array) -> None:
    """Add the share of one query to the sums for each key."""
    for j in range(rows.shape[1]):
        _store(sums, 0, j, _load(sums, 0, j) + share * _load(rows, 0, j))


def _sum_and_measure(
    rows: Array, value: Array, table_v: Array, offset: Array, i: int, total: Any, share: Any, results: Array
) -> None:
    """Write what :func:`_sum_values` does if joined; then the squares of content and positional part, channels summed.

    The offset of each channel is taken off the content first; `share` is one part of the total.
    """
    channels, length = value.shape[0], value.shape[1]
    of_content = of_positions = _fill(rows.dtype.type(0))
    for c in range(0, channels, 2):
        content = content2 = positional = positional2 = _fill(rows.dtype.type(0))
        for j in range(length):
            weight = _load(rows, 0, j)
            content = content + weight * _load(value, c, j)
            content2 = content2 + weight * _load(value, c + 1, j)
            positional = positional + weight * _spread(table_v, c, length - 1 + i - j)
            positional2 = positional2 + weight * _spread(table_v, c + 1, length - 1 + i - j)
        _store(results, c, i, (content + positional) / total)
        _store(results, c + 1, i, (content2 + positional2) / total)
        content, content2 = content * share - _fill(offset[c]), content2 * share - _fill(offset[c + 1])
        positional, positional2 = positional * share, positional2 * share
        of_content = of_content + content * content + content2 * content2
        of_positions = of_positions + positional * positional + positional2 * positional2
    _store(results, channels, i, of_content)
    _store(results, channels + 1, i, of_positions)


def _measured(
    query: Array,
    key: Array,
    value: Array,
    scale: Array,
    table_q: Array,
    table_k: Array,
    table_v: Array,
    offset: Array,
    joined: Array,
    received: Array,
    squares: Array,
    rooms: tuple[Array, ...],
    start: int,
    stop: int,
) -> None:
    """Attend in the blocks from `start` to `stop`; write the attention that keys receive and the parts' squares too."""
    of_head = (query.shape[0] * query.shape[1] + LANES - 1) // LANES
    large = table_v.shape[1]
    q, k, v, rows, results, sums = rooms[0], rooms[1], rooms[2], rooms[3], rooms[4], rooms[7]
    one = _fill(scale.dtype.type(1))
    for block in range(start, stop):
        head, at = block // of_head, block % of_head * LANES
        _gather(query, head, at, q)
        _gather(key, head, at, k)
        _gather(value, head, at, v)
        sums[:] = 0
        factor = _fill(scale[head])
        for i in range(q.shape[1]):
            total = _weigh(q, k, table_q[head], table_k[head], factor, i, rows)
            share = one / total
            _add_weights(rows, share, sums)
            _sum_and_measure(rows, v, table_v[head], offset[head], i, total, share, results)
        _scatter(results, head, at, joined)
        _scatter(sums, head, at, received)
        _scatter(results[large:], head, at, squares)


def _received(
    query: Array,
    key: Array,
    weights: Array,
    scale: Array,
    table_q: Array,
    table_k: Array,
    received: Array,
    rooms: tuple[Array, ...],
    start: int,
    stop: int,
) -> None:
    """Write, for each key, the sum over queries of weight times attention, of the blocks from `start` to `stop`."""
    of_head = (query.shape[0] * query.shape[1] + LANES - 1) // LANES
    q, k, w, rows, sums = rooms[0], rooms[1], rooms[2][:1], rooms[3], rooms[4][:1]
    for block in range(start, stop):
        head, at = block // of_head, block % of_head * LANES
        _gather(query, head, at, q)
        _gather(key, head, at, k)
        _gather(weights, head, at, w)
        sums[:] = 0
        factor = _fill(scale[head])
        for i in range(q.shape[1]):
            total = _weigh(q, k, table_q[head], table_k[head], factor, i, rows)
            _add_weights(rows, _load(w, 0, i) / total, sums)
        _scatter(sums, head, at, received)


def _write_terms(query: Array, key: Array, table_q: Array, table_k: Array, scale: Any, i: int, rows: Array) -> None:
    """Write the content term of query i for every key, and at 1 the sum of the positional ones."""
    last = key.shape[1] - 1
    for d in range(key.shape[0]):
        q = _load(query, d, i)
        scaled = q * scale
        for j in range(key.shape[1]):
            k = _load(key, d, j)
            content = k * scaled
            positional = k * _spread(table_k, d, last + j - i) + q * _spread(table_q, d, last + i - j)
            _store(rows, 0, j, content if d == 0 else _load(rows, 0, j) + content)
            _store(rows, 1, j, positional if d == 0 else _load(rows, 1, j) + positional)


def _variance(rows: Array, term: int) -> Any:
    """Return the variance of one of the terms over keys; the mean goes first, as single precision needs."""
    count = _fill(rows.dtype.type(rows.shape[1]))
    mean = square = _fill(rows.dtype.type(0))
    for j in range(rows.shape[1]):
        mean = mean + _load(rows, term, j)
    mean = mean / count
    for j in range(rows.shape[1]):
        off = _load(rows, term, j) - mean
        square = square + off * off
    return square / count


def _variances(
    query: Array,
    key: Array,
    scale: Array,
    table_q: Array,
    table_k: Array,
    variances: Array,
    rooms: tuple[Array, ...],
    start: int,
    stop: int,
) -> None:
    """Write, for each query, the variances of the content and of the positional term, from `start` to `stop`."""
    of_head = (query.shape[0] * query.shape[1] + LANES - 1) // LANES
    q, k, rows, found = rooms[0], rooms[1], rooms[3], rooms[4][:2]
    for block in range(start, stop):
        head, at = block // of_head, block % of_head * LANES
        _gather(query, head, at, q)
        _gather(key, head, at, k)
        factor = _fill(scale[head])
        for i in range(q.shape[1]):
            _write_terms(q, k, table_q[head], table_k[head], factor, i, rows)
            _store(found, 0, i, _variance(rows, 0))
            _store(found, 1, i, _variance(rows, 1))
        _scatter(found, head, at, variances)
