"""Where one pixel looks: the true 2D attention of an axial block, from what was recorded of it.

A block attends along the height first and then along the width, so the weight that its output at (y, x) puts on
(y', x') is ``A_w[y][x, x'] * A_h[x'][y, y']``. These weights sum to 1.

>>> import torch
>>> from src_models.attention.recording import record_attention
>>> from src_models.models.architectures import create
>>> network = create("gated-axial-unet", image_size=64).eval()
>>> with torch.inference_mode(), record_attention(network) as attention:
...     logits = network(torch.rand(1, 3, 64, 64))
>>> weights = query_map(attention, "block 1.1", (5, 7))
>>> tuple(weights.shape), round(float(weights.sum()), 4)
((32, 32), 1.0)
"""

from __future__ import annotations

import torch
from torch import Tensor

from src_models.attention.recording import AttentionMap, AttentionRecord
from src_models.errors import UserError

__all__ = ["query_map"]


def query_map(
    attention: AttentionRecord,
    block: str,
    query: tuple[int, int],
    *,
    heads: tuple[int, int] | None = None,
    image: int = 0,
) -> Tensor:
    """Return the weights that one pixel of a block's grid puts on all pixels of that grid.

    Parameters
    ----------
    attention
        What was recorded of a forward pass.
    block
        Name of the block, such as ``"global 1.1"``.
    query
        Row and column of the pixel, in cells of the block's grid.
    heads
        A head of the attention along the height and one of that along the width; None takes the mean over heads of
        each.
    image
        Number of the image in the batch.

    Returns
    -------
    Tensor, shape (H, W)
        Weights that sum to 1. A block that works on patches attends within the patch alone: outside, they are 0.

    Raises
    ------
    UserError
        If no such block was recorded, or the pixel or a head does not exist.
    """
    columns, rows = _recorded(attention, block)
    per_side = columns.patches
    height, width = columns.tensor.shape[-1], rows.tensor.shape[-1]
    _check_query(query, (per_side * height, per_side * width), block)
    (patch_row, y), (patch_column, x) = divmod(query[0], height), divmod(query[1], width)
    patch = image * per_side**2 + patch_row * per_side + patch_column
    along_height = _head(columns, patch, None if heads is None else heads[0])  # W, H, H
    along_width = _head(rows, patch, None if heads is None else heads[1])  # H, W, W
    weights = along_width[y, x][None, :] * along_height[:, y, :].T
    whole = weights.new_zeros(per_side * height, per_side * width)
    whole[patch_row * height : (patch_row + 1) * height, patch_column * width : (patch_column + 1) * width] = weights
    return whole


def _recorded(attention: AttentionRecord, block: str) -> tuple[AttentionMap, AttentionMap]:
    try:
        return attention[f"{block} height"], attention[f"{block} width"]
    except KeyError:
        blocks = [name.removesuffix(" height") for name in attention.names() if name.endswith(" height")]
        raise UserError(
            f"nothing was recorded of an axial block {block!r}; there is {', '.join(blocks) or 'none'}"
        ) from None


def _check_query(query: tuple[int, int], grid: tuple[int, int], block: str) -> None:
    if not all(0 <= place < size for place, size in zip(query, grid, strict=True)):
        raise UserError(f"there is no pixel {query} in {block}, whose grid is {grid[0]} x {grid[1]}")


def _head(recorded: AttentionMap, image: int, head: int | None) -> Tensor:
    """Return one image's matrices (O, L, L) of one head, or their mean over heads."""
    images, _, heads = recorded.tensor.shape[:3]
    if not 0 <= image < images:
        raise UserError(f"{recorded.name}: {images} images or patches were recorded, and none has the number {image}")
    if head is None:
        return recorded.tensor[image].mean(1)
    if not 0 <= head < heads:
        raise UserError(f"{recorded.name} has the heads 0 to {heads - 1}, not {head}")
    return torch.as_tensor(recorded.tensor[image, :, head])
