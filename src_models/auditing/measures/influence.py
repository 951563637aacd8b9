"""Which positions truly act on the output of an axial block, against its product map.

The product map says that the output at (y, x) takes ``A_w[y][x, x'] * A_h[x'][y, y']`` of the position (y', x'). Here
the values v of the height layer are changed a little at (y', x'), and the change of the width layer's output at (y, x)
is measured (the block's pooling, its last convolution and its ReLU come after that).

What is exact: with the width layer's attention kept as it was, for one head of each layer, the change is the product
times a vector that is the same for all positions. What is not: heads are mixed by the width layer's projection, so
over all heads the change is a sum of products that the map of head means replaces by a product of means; and the width
layer's own attention moves, since its queries and keys are made of what the height layer gives. A position in the
column of the query changes that query itself, which the product map does not know.
"""

from __future__ import annotations

import copy
from collections.abc import Generator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from src_models.auditing.figures import BlockInfluence
from src_models.auditing.measures.correlation import cosine, rank_correlation
from src_models.computing.execution import fold_batch_norms
from src_models.nets.axial.attention import AxialAttention, axial_blocks
from src_models.nets.kernels.axial import attend_joined
from src_models.nets.kernels.axial_plain import attention_matrix, attention_row

__all__ = ["Influences", "audit_influence", "influences"]

# In units of the values' root mean square: small enough to be linear, and far above rounding in double precision.
STEP = 1e-4
QUERIES = 4
POSITIONS = 192
AT_ONCE = 64


class Influences(NamedTuple):
    """What each position (P,) does to one query: the product map, and the size of the true change both ways."""

    product: NDArray[np.float64]
    frozen: NDArray[np.float64]
    moving: NDArray[np.float64]


def audit_influence(
    network: nn.Module, picture: Tensor, blocks: Sequence[str], *, seed: int = 0
) -> Generator[str, None, tuple[BlockInfluence, ...]]:
    """Compare product maps with true influence, for a sample of queries and positions.

    Parameters
    ----------
    network
        In eval mode, norms not folded; it stays as it is. A copy runs on the CPU in double precision.
    picture
        The input (1, C, H, W).
    blocks
        Names of blocks.
    seed
        Of the queries, the positions and the direction of the change.

    Yields
    ------
    str
        What is being done, after each query.
    """
    exact = copy.deepcopy(network).cpu().double().eval().requires_grad_(False)
    fold_batch_norms(exact)
    generator = np.random.default_rng(seed)
    found = []
    for name in blocks:
        block = axial_blocks(exact)[name]
        inner = _input_of(exact, block.height, picture.cpu().double())
        height, width = inner.shape[2:]
        cells = height * width
        numbers = []
        for _ in range(QUERIES):
            patch = int(generator.integers(len(inner)))
            query = int(generator.integers(height)), int(generator.integers(width))
            sample = generator.choice(cells, min(cells, POSITIONS), replace=False)
            positions = [(int(place) // width, int(place) % width) for place in sample]
            direction = torch.from_numpy(generator.standard_normal(block.height.channels))
            one = influences(block.height, block.width, inner[patch : patch + 1], query, positions, direction)
            numbers.append(_figures(one))
            yield f"changing single positions of {name}"
        found.append(BlockInfluence(name, QUERIES, len(sample), *(float(mean) for mean in np.mean(numbers, axis=0))))
    return tuple(found)


def influences(
    height: AxialAttention,
    width: AxialAttention,
    inner: Tensor,
    query: tuple[int, int],
    positions: Sequence[tuple[int, int]],
    direction: Tensor,
    *,
    heads: tuple[int, int] | None = None,
) -> Influences:
    """Change the height layer's values at each position and measure the width layer's output at a query.

    Parameters
    ----------
    height, width
        The layers of a block, folded, in double precision.
    inner
        What goes into the height layer, (1, C, H, W).
    query
        Row and column on the block's grid.
    positions
        Rows and columns that are changed, one at a time.
    direction
        Direction (C,) of the change.
    heads
        A head of the height layer that is changed and one of the width layer that is looked at, for which the frozen
        change is exactly proportional to the product; None changes all, looks at all, and takes means over heads of
        each layer's attention for the product.
    """
    y, x = query
    with torch.inference_mode():
        q, k, v = height.project(inner)
        scale, tables = height.weigh(q, k)
        step = direction.view(height.heads, -1).to(v) * STEP * v.square().mean().sqrt()
        if heads is not None:
            step = step * torch.nn.functional.one_hot(torch.tensor(heads[0]), height.heads).to(step)[:, None]
        row = height(inner)[:, :, y : y + 1]  # 1, C, 1, W
        row_q, row_k, row_v = width.project(row)
        along_width = attention_row(row_q, row_k, *width.weigh(row_q, row_k), x)[0, 0]  # heads, W
        along_height = attention_matrix(q, k, scale, tables)[0, :, :, y]  # W, heads, H
        before = width(row)[0, :, 0, x]
        frozen: list[Tensor] = []
        moving: list[Tensor] = []
        for start in range(0, len(positions), AT_ONCE):
            ys, xs = torch.tensor(positions[start : start + AT_ONCE]).T
            count = torch.arange(len(ys))
            changed = v[0, xs][:, None].clone()  # P, 1, heads, D, H
            changed[count, 0, :, :, ys] += step
            columns = attend_joined(q[0, xs][:, None], k[0, xs][:, None], changed, scale, tables)
            rows = row.repeat(len(ys), 1, 1, 1)
            rows[count, :, 0, xs] = columns[:, 0, ..., y].flatten(1)
            value = width.project(rows)[2] - row_v
            kept = torch.einsum("gj,pgdj->pgd", along_width, value[:, 0])
            moved = (width(rows)[..., 0, x] - before).view_as(kept)
            for sizes, change in ((frozen, kept), (moving, moved)):
                sizes.append((change if heads is None else change[:, heads[1]]).flatten(1).norm(dim=1))
        of_row = along_width.mean(0) if heads is None else along_width[heads[1]]
        of_columns = along_height.mean(1) if heads is None else along_height[:, heads[0]]
        ys, xs = torch.tensor(positions).T
        product = of_row[xs] * of_columns[xs, ys]
    return Influences(product.numpy(), torch.cat(frozen).numpy(), torch.cat(moving).numpy())


def _figures(found: Influences) -> tuple[float, float, float, float]:
    """Return the figures of :class:`BlockInfluence` for one query."""
    flat = np.ones_like(found.product)
    return (
        rank_correlation(found.product, found.frozen) or 0.0,
        _residual(found.product, found.frozen),
        _residual(flat, found.frozen),
        rank_correlation(found.product, found.moving) or 0.0,
    )


def _residual(map_: NDArray[np.float64], influence: NDArray[np.float64]) -> float:
    """Return what is left of the influence, relative to its size, by the best multiple of a map."""
    return float(np.sqrt(1 - cosine(map_, influence) ** 2)) if influence.any() else 1.0


def _input_of(network: nn.Module, layer: nn.Module, picture: Tensor) -> Tensor:
    kept: list[Tensor] = []
    handle = layer.register_forward_pre_hook(lambda _, given: kept.append(given[0]))
    try:
        with torch.inference_mode():
            network(picture)
    finally:
        handle.remove()
    return kept[0]
