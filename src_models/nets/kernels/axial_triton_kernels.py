"""Triton kernels of axial attention: importing this needs Triton, so only `axial_triton` does, when it launches one.

Every tile has three axes: other position, sequence, own position. A program owns positions (queries, keys or distances,
by the kernel) and walks over the others a few at a time. Own positions are the last axis, so neighbouring threads own
neighbouring positions, and each thread holds whatever else the tile has: sums over channels and over other positions
stay within a thread. A value of a table is loaded once for all the sequences of a tile. Channels are few, so loops over
them are unrolled, and what is kept for each channel is a tuple of tiles.

The numbers of positions and of sequences in a tile are powers of two, so those beyond the end are masked: they are read
as 0. Arithmetic is in float32 whatever the tensors hold, and offsets are in 64 bits.

Names are those of `axial`: row i is a query, column j a key, `at` is the tuple (O, sequence, head) that locates a tile
in the tensors (N, O, G, X, L), and such a tensor is a tuple of its pointer and its strides.
"""

# Tuples of tiles grow by the channel, which changes their type: that is no mistake in a loop that is unrolled.
# mypy: disable-error-code="assignment"

import triton  # type: ignore[import-untyped]
import triton.language as tl  # type: ignore[import-untyped]

__all__ = ["backward_keys", "backward_queries", "backward_tables", "forward"]

# Were it known that a tensor is aligned, a thread would load four neighbouring positions at once, and values would then
# have to go from thread to thread to be added up.
_inputs = ["query", "key", "value", "tables", "total", "beside", "length"]
_arriving = [*_inputs, "log_sum", "grad_content", "grad_positional", "mean"]


@triton.jit  # type: ignore[untyped-decorator]
def _others(start: tl.tensor, count: tl.constexpr) -> tl.tensor:
    """Return positions from `start`, along the first axis of a tile."""
    return start + tl.arange(0, count)[:, None, None]


@triton.jit  # type: ignore[untyped-decorator]
def _sequences(start: tl.tensor, count: tl.constexpr) -> tl.tensor:
    """Return sequences from `start`, along the second axis of a tile."""
    return start + tl.arange(0, count)[None, :, None]


@triton.jit  # type: ignore[untyped-decorator]
def _owned(start: tl.tensor, count: tl.constexpr) -> tl.tensor:
    """Return positions from `start`, along the last axis of a tile."""
    return start + tl.arange(0, count)[None, None, :]


@triton.jit  # type: ignore[untyped-decorator]
def _places(tensor: tl.tuple, at: tl.tuple, channel: tl.constexpr, position: tl.tensor) -> tl.tensor:
    """Point at positions of a channel of a tensor.

    The channel comes last: the positions change from step to step, so that no pointers of each channel are kept.
    """
    pointer, strides = tensor
    beside, sequence, head = at
    image = (sequence // beside).to(tl.int64)
    inside = (sequence % beside).to(tl.int64)
    pointer += head.to(tl.int64) * strides[2]
    pointer = pointer + (image * strides[0] + inside * strides[1]) + position.to(tl.int64) * strides[4]
    return pointer + tl.full((), channel, tl.int64) * strides[3]


@triton.jit  # type: ignore[untyped-decorator]
def _load(tensor: tl.tuple, at: tl.tuple, channel: tl.constexpr, position: tl.tensor, inside: tl.tensor) -> tl.tensor:
    """Load a channel of a tensor, as float32, with 0 where not `inside`."""
    return tl.load(_places(tensor, at, channel, position), mask=inside, other=0.0).to(tl.float32)


@triton.jit  # type: ignore[untyped-decorator]
def _load_all(
    tensor: tl.tuple, at: tl.tuple, channels: tl.constexpr, position: tl.tensor, inside: tl.tensor
) -> tl.tuple:
    """Load every channel of a tensor."""
    tiles = ()
    for channel in tl.static_range(channels):
        tiles = tiles + (_load(tensor, at, channel, position, inside),)  # noqa: RUF005  (Triton has no starred tuples)
    return tiles


@triton.jit  # type: ignore[untyped-decorator]
def _store(
    tensor: tl.tuple, at: tl.tuple, channel: tl.constexpr, position: tl.tensor, inside: tl.tensor, tile: tl.tensor
) -> None:
    """Store a channel of a tensor where `inside`."""
    places = _places(tensor, at, channel, position)
    tl.store(places, tile.to(places.dtype.element_ty), mask=inside)


@triton.jit  # type: ignore[untyped-decorator]
def _store_all(
    tensor: tl.tuple, at: tl.tuple, channels: tl.constexpr, position: tl.tensor, inside: tl.tensor, tiles: tl.tuple
) -> None:
    """Store every channel of a tensor where `inside`."""
    for channel in tl.static_range(channels):
        _store(tensor, at, channel, position, inside, tiles[channel])


@triton.jit  # type: ignore[untyped-decorator]
def _zeros(channels: tl.constexpr, sequences: tl.constexpr, own: tl.constexpr) -> tl.tuple:
    """Return tiles to add up in, one for each channel."""
    tiles = ()
    for _ in tl.static_range(channels):
        tiles = tiles + (tl.full((1, sequences, own), 0.0, tl.float32),)  # noqa: RUF005
    return tiles


@triton.jit  # type: ignore[untyped-decorator]
def _sum(tile: tl.tensor) -> tl.tensor:
    """Add up over other positions."""
    return tl.sum(tile, axis=0, keep_dims=True)


@triton.jit  # type: ignore[untyped-decorator]
def _table(
    table: tl.tensor,
    at: tl.tuple,
    channels: tl.constexpr,
    channel: tl.constexpr,
    length: tl.tensor,
    distance: tl.tensor,
    inside: tl.tensor,
) -> tl.tensor:
    """Load a channel of a table (G, X, 2L - 1) at distances: column d + L - 1."""
    width = 2 * length - 1
    places = table + (at[2] * channels * width + length - 1 + distance)
    return tl.load(places + channel * width, mask=inside, other=0.0)


@triton.jit  # type: ignore[untyped-decorator]
def _similarity(
    held: tl.tuple,
    other: tl.tuple,
    at: tl.tuple,
    position: tl.tensor,
    inside: tl.tensor,
    factor: tl.tensor,
    tables: tl.tuple,
    length: tl.tensor,
    distance: tl.tensor,
    pair: tl.tensor,
    OF_QUERIES: tl.constexpr,
    POSITIONS: tl.constexpr,
    D: tl.constexpr,
) -> tl.tuple:
    """Return q . k and s = scale * q . k + q . E_q + k . E_k, where queries or keys are held and the others loaded."""
    product = 0.0
    relative = 0.0
    for channel in tl.static_range(D):
        loaded = _load(other, at, channel, position, inside)
        product += held[channel] * loaded
        if POSITIONS:
            by_query = _table(tables[0], at, D, channel, length, distance, pair)
            by_key = _table(tables[1], at, D, channel, length, -distance, pair)
            if OF_QUERIES:
                relative += held[channel] * by_query + loaded * by_key
            else:
                relative += loaded * by_query + held[channel] * by_key
    return product, factor * product + relative


@triton.jit(do_not_specialize_on_alignment=[*_inputs, "content", "positional", "log_sum"])  # type: ignore[untyped-decorator]
def forward(
    query: tl.tuple,
    key: tl.tuple,
    value: tl.tuple,
    scale: tl.tensor,
    tables: tl.tuple,
    content: tl.tuple,
    positional: tl.tuple,
    log_sum: tl.tuple,
    total: tl.tensor,
    beside: tl.tensor,
    length: tl.tensor,
    POSITIONS: tl.constexpr,
    D: tl.constexpr,
    C: tl.constexpr,
    SEQUENCES: tl.constexpr,
    OWN: tl.constexpr,
    OTHER: tl.constexpr,
) -> None:
    """Own queries, walk over keys: both results and the logarithm of the softmax's sum.

    The softmax is taken as the keys come: when a larger similarity than `top` turns up, what was summed shrinks.
    """
    sequence = _sequences(tl.program_id(0) * SEQUENCES, SEQUENCES)
    row = _owned(tl.program_id(2) * OWN, OWN)
    at = (beside, sequence, tl.program_id(1))
    here = (sequence < total) & (row < length)
    factor = tl.load(scale + tl.program_id(1))
    held = _load_all(query, at, D, row, here)
    top = tl.full((1, SEQUENCES, OWN), float("-inf"), tl.float32)
    weight = tl.full((1, SEQUENCES, OWN), 0.0, tl.float32)
    by_content = _zeros(C, SEQUENCES, OWN)
    by_position = _zeros(C, SEQUENCES, OWN)
    for start in range(0, length, OTHER):
        column = _others(start, OTHER)
        there = (sequence < total) & (column < length)
        pair = (row < length) & (column < length)
        _, similarity = _similarity(
            held, key, at, column, there, factor, tables, length, row - column, pair, True, POSITIONS, D
        )
        similarity = tl.where(column < length, similarity, float("-inf"))
        new_top = tl.maximum(top, tl.max(similarity, axis=0, keep_dims=True))
        shrink = tl.exp(top - new_top)
        part = tl.exp(similarity - new_top)
        top = new_top
        weight = weight * shrink + _sum(part)
        contents = ()
        positionals = ()
        for channel in tl.static_range(C):
            term = _sum(part * _load(value, at, channel, column, there))
            contents = contents + (by_content[channel] * shrink + term,)  # noqa: RUF005
            if POSITIONS:
                term = _sum(part * _table(tables[2], at, C, channel, length, row - column, pair))
            positionals = positionals + (by_position[channel] * shrink + term,)  # noqa: RUF005
        by_content = contents
        by_position = positionals
    _store(log_sum, at, 0, row, here, top + tl.log(weight))
    for channel in tl.static_range(C):
        _store(content, at, channel, row, here, by_content[channel] / weight)
        if POSITIONS:
            _store(positional, at, channel, row, here, by_position[channel] / weight)


@triton.jit(do_not_specialize_on_alignment=[*_arriving, "content", "positional", "grad_query"])  # type: ignore[untyped-decorator]
def backward_queries(
    query: tl.tuple,
    key: tl.tuple,
    value: tl.tuple,
    scale: tl.tensor,
    tables: tl.tuple,
    content: tl.tuple,
    positional: tl.tuple,
    log_sum: tl.tuple,
    grad_content: tl.tuple,
    grad_positional: tl.tuple,
    mean: tl.tuple,
    grad_query: tl.tuple,
    grad_scale: tl.tensor,
    total: tl.tensor,
    beside: tl.tensor,
    length: tl.tensor,
    POSITIONS: tl.constexpr,
    D: tl.constexpr,
    C: tl.constexpr,
    SEQUENCES: tl.constexpr,
    OWN: tl.constexpr,
    OTHER: tl.constexpr,
) -> None:
    """Own queries, walk over keys: the gradient of the queries, this program's share of that of the scale, and `mean`.

    `mean` is the average of dA under A, sum_j A_ij dA_ij = content . dcontent + positional . dpositional.
    """
    sequence = _sequences(tl.program_id(0) * SEQUENCES, SEQUENCES)
    row = _owned(tl.program_id(2) * OWN, OWN)
    at = (beside, sequence, tl.program_id(1))
    here = (sequence < total) & (row < length)
    factor = tl.load(scale + tl.program_id(1))
    held = _load_all(query, at, D, row, here)
    to_content = _load_all(grad_content, at, C, row, here)
    to_positional = to_content
    average = tl.full((1, SEQUENCES, OWN), 0.0, tl.float32)
    for channel in tl.static_range(C):
        average += to_content[channel] * _load(content, at, channel, row, here)
    if POSITIONS:
        to_positional = _load_all(grad_positional, at, C, row, here)
        for channel in tl.static_range(C):
            average += to_positional[channel] * _load(positional, at, channel, row, here)
    _store(mean, at, 0, row, here, average)
    logarithm = _load(log_sum, at, 0, row, here)
    to_query = _zeros(D, SEQUENCES, OWN)
    to_scale = tl.full((1, SEQUENCES, OWN), 0.0, tl.float32)
    for start in range(0, length, OTHER):
        column = _others(start, OTHER)
        there = (sequence < total) & (column < length)
        pair = (row < length) & (column < length)
        product, similarity = _similarity(
            held, key, at, column, there, factor, tables, length, row - column, pair, True, POSITIONS, D
        )
        slope = 0.0 - average
        for channel in tl.static_range(C):
            slope += to_content[channel] * _load(value, at, channel, column, there)
            if POSITIONS:
                slope += to_positional[channel] * _table(tables[2], at, C, channel, length, row - column, pair)
        slope *= tl.where(here & (column < length), tl.exp(similarity - logarithm), 0.0)
        to_scale += _sum(slope * product)
        queries = ()
        for channel in tl.static_range(D):
            tile = factor * _load(key, at, channel, column, there)
            if POSITIONS:
                tile += _table(tables[0], at, D, channel, length, row - column, pair)
            queries = queries + (to_query[channel] + _sum(slope * tile),)  # noqa: RUF005
        to_query = queries
    _store_all(grad_query, at, D, row, here, to_query)
    share = (tl.program_id(0) * tl.num_programs(1) + tl.program_id(1)) * tl.num_programs(2) + tl.program_id(2)
    tl.store(grad_scale + share, tl.sum(tl.sum(tl.sum(to_scale, axis=0), axis=0), axis=0))


@triton.jit(do_not_specialize_on_alignment=[*_arriving, "grad_key", "grad_value"])  # type: ignore[untyped-decorator]
def backward_keys(
    query: tl.tuple,
    key: tl.tuple,
    value: tl.tuple,
    scale: tl.tensor,
    tables: tl.tuple,
    log_sum: tl.tuple,
    grad_content: tl.tuple,
    grad_positional: tl.tuple,
    mean: tl.tuple,
    grad_key: tl.tuple,
    grad_value: tl.tuple,
    total: tl.tensor,
    beside: tl.tensor,
    length: tl.tensor,
    POSITIONS: tl.constexpr,
    D: tl.constexpr,
    C: tl.constexpr,
    SEQUENCES: tl.constexpr,
    OWN: tl.constexpr,
    OTHER: tl.constexpr,
) -> None:
    """Own keys, walk over queries: the gradients of the keys and of the values."""
    sequence = _sequences(tl.program_id(0) * SEQUENCES, SEQUENCES)
    column = _owned(tl.program_id(2) * OWN, OWN)
    at = (beside, sequence, tl.program_id(1))
    here = (sequence < total) & (column < length)
    factor = tl.load(scale + tl.program_id(1))
    held = _load_all(key, at, D, column, here)
    values = _load_all(value, at, C, column, here)
    to_key = _zeros(D, SEQUENCES, OWN)
    to_value = _zeros(C, SEQUENCES, OWN)
    for start in range(0, length, OTHER):
        row = _others(start, OTHER)
        there = (sequence < total) & (row < length)
        pair = (row < length) & (column < length)
        _, similarity = _similarity(
            held, query, at, row, there, factor, tables, length, -(column - row), pair, False, POSITIONS, D
        )
        attention = tl.exp(similarity - _load(log_sum, at, 0, row, there))
        attention = tl.where(there & (column < length), attention, 0.0)
        slope = 0.0 - _load(mean, at, 0, row, there)
        added = ()
        for channel in tl.static_range(C):
            to_content = _load(grad_content, at, channel, row, there)
            slope += values[channel] * to_content
            added = added + (to_value[channel] + _sum(attention * to_content),)  # noqa: RUF005
            if POSITIONS:
                by_value = _table(tables[2], at, C, channel, length, -(column - row), pair)
                slope += by_value * _load(grad_positional, at, channel, row, there)
        slope *= attention
        to_value = added
        keys = ()
        for channel in tl.static_range(D):
            tile = factor * _load(query, at, channel, row, there)
            if POSITIONS:
                tile += _table(tables[1], at, D, channel, length, column - row, pair)
            keys = keys + (to_key[channel] + _sum(slope * tile),)  # noqa: RUF005
        to_key = keys
    _store_all(grad_key, at, D, column, here, to_key)
    _store_all(grad_value, at, C, column, here, to_value)


@triton.jit(do_not_specialize_on_alignment=[*_arriving, "grad_tables", "each"])  # type: ignore[untyped-decorator]
def backward_tables(
    query: tl.tuple,
    key: tl.tuple,
    value: tl.tuple,
    scale: tl.tensor,
    tables: tl.tuple,
    log_sum: tl.tuple,
    grad_content: tl.tuple,
    grad_positional: tl.tuple,
    mean: tl.tuple,
    grad_tables: tl.tensor,
    total: tl.tensor,
    beside: tl.tensor,
    length: tl.tensor,
    each: tl.tensor,
    D: tl.constexpr,
    C: tl.constexpr,
    OWN: tl.constexpr,
    OTHER: tl.constexpr,
) -> None:
    """Own distances, walk over `each` sequences and their queries: this program's share of the tables' gradients.

    A thread owns a distance i - j; distances fall as threads go up, so that neighbours meet neighbouring keys. It holds
    its column of each table and that column's gradient, and query i meets key i - distance. Half of these keys lie
    outside the sequence. That is the price of sums that need no atomic addition: those would come in any order, and the
    gradient would differ from run to run.
    """
    head = tl.program_id(1)
    width = 2 * length - 1
    place = _owned(tl.program_id(2) * OWN, OWN)
    distance = length - 1 - place
    known = place < width
    factor = tl.load(scale + head)
    at = (beside, _sequences(0, 1), head)
    by_query = ()
    by_key = ()
    by_value = ()
    for channel in tl.static_range(D):
        by_query = by_query + (_table(tables[0], at, D, channel, length, distance, known),)  # noqa: RUF005
        by_key = by_key + (_table(tables[1], at, D, channel, length, -distance, known),)  # noqa: RUF005
    for channel in tl.static_range(C):
        by_value = by_value + (_table(tables[2], at, C, channel, length, distance, known),)  # noqa: RUF005
    to_query, to_key, to_value = _zeros(D, 1, OWN), _zeros(D, 1, OWN), _zeros(C, 1, OWN)
    first = tl.program_id(0) * each
    for one in range(first, tl.minimum(first + each, total)):
        at = (beside, _sequences(one, 1), head)
        for start in range(0, length, OTHER):
            row = _others(start, OTHER)
            column = row + place - (length - 1)
            there = row < length
            pair = there & (column >= 0) & (column < length)
            similarity = 0.0 - _load(log_sum, at, 0, row, there)
            for channel in tl.static_range(D):
                q = _load(query, at, channel, row, there)
                k = _load(key, at, channel, column, pair)
                similarity += q * (factor * k + by_query[channel]) + k * by_key[channel]
            attention = tl.where(pair, tl.exp(similarity), 0.0)
            slope = 0.0 - _load(mean, at, 0, row, there)
            values = ()
            for channel in tl.static_range(C):
                to_positional = _load(grad_positional, at, channel, row, there)
                slope += by_value[channel] * to_positional
                slope += _load(value, at, channel, column, pair) * _load(grad_content, at, channel, row, there)
                values = values + (to_value[channel] + _sum(attention * to_positional),)  # noqa: RUF005
            slope *= attention
            to_value = values
            queries = ()
            keys = ()
            for channel in tl.static_range(D):
                queries = queries + (to_query[channel] + _sum(slope * _load(query, at, channel, row, there)),)  # noqa: RUF005
                keys = keys + (to_key[channel] + _sum(slope * _load(key, at, channel, column, pair)),)  # noqa: RUF005
            to_query = queries
            to_key = keys
    share = grad_tables + (tl.program_id(0) * tl.num_programs(1) + head).to(tl.int64) * (2 * D + C) * width
    for channel in tl.static_range(D):
        tl.store(share + channel * width + (width - 1 - place), to_query[channel], mask=known)
        tl.store(share + (D + channel) * width + place, to_key[channel], mask=known)
    for channel in tl.static_range(C):
        tl.store(share + (2 * D + channel) * width + (width - 1 - place), to_value[channel], mask=known)
