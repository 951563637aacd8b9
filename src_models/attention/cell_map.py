"""Where one cell of a grid looks: a row of the attention in its window, or among all tokens, put in its place.

>>> import torch
>>> from src_models.attention.recording import record_attention
>>> from src_models.models.architectures import create
>>> network = create("med-former", classes=3).eval()
>>> with torch.inference_mode(), record_attention(network) as attention:
...     logits = network(torch.rand(1, 3, 72, 72))
>>> weights = cell_map(attention, "large window 1.1", (4, 7))
>>> tuple(weights.shape), round(float(weights.sum()), 4), round(float(weights[:6, 6:12].sum()), 4)
((18, 18), 1.0, 1.0)
"""

from __future__ import annotations

from torch import Tensor

from src_models.attention.recording import AttentionMap, AttentionRecord
from src_models.errors import UserError
from src_models.nets.med_former.lattice import WindowLattice
from src_models.nets.tap import TOKENS, WINDOWS

__all__ = ["cell_map", "cell_maps"]


def cell_maps(attention: AttentionRecord) -> list[str]:
    """Return the names of what :func:`cell_map` can be asked about, finest first."""
    return [each.name.removesuffix(" matrix") for each in attention if each.kind in (WINDOWS, TOKENS)]


def cell_map(
    attention: AttentionRecord, name: str, query: tuple[int, int], *, head: int | None = None, image: int = 0
) -> Tensor:
    """Return the weights that one cell of a grid puts on all cells of that grid.

    Parameters
    ----------
    attention
        What was recorded of a forward pass.
    name
        One of :func:`cell_maps`, such as ``"large window 1.1"`` or ``"layer 3"``.
    query
        Row and column of the cell.
    head
        A head of the attention; None takes the mean over heads.
    image
        Number of the image in the batch.

    Returns
    -------
    Tensor, shape (H, W)
        Weights that sum to 1; outside of the cell's window they are 0. Of a network with a class token, what goes to
        that token is left out, and the sum is less.

    Raises
    ------
    UserError
        If no such attention was recorded, or the cell, the head or the image does not exist.
    """
    recorded = _recorded(attention, name)
    height, width = recorded.grid
    row, column = query
    if not (0 <= row < height and 0 <= column < width):
        raise UserError(f"there is no cell {query} in {name}, whose grid is {height} x {width}")
    images, heads = recorded.shape[0], recorded.shape[-3]
    if not 0 <= image < images:
        raise UserError(f"{name}: {images} images were recorded, and none has the number {image}")
    if head is not None and not 0 <= head < heads:
        raise UserError(f"{name} has the heads 0 to {heads - 1}, not {head}")
    matrices = recorded.tensor[image].mean(-3) if head is None else recorded.tensor[image].select(-3, head)
    if recorded.window is None:
        first = matrices.shape[-1] - height * width
        return matrices[first + row * width + column, first:].reshape(height, width)
    lattice = WindowLattice.over((height, width), recorded.window, shifted=recorded.shifted)
    place = int(lattice.tables(matrices.device).place[row * width + column])
    window, query_place = divmod(place, lattice.places)
    weights = matrices.new_zeros(1, *matrices.shape[:2], 1)  # 1, windows, places, 1
    weights[0, window, :, 0] = matrices[window, query_place]
    return lattice.from_windows(weights)[0, ..., 0]


def _recorded(attention: AttentionRecord, name: str) -> AttentionMap:
    if name not in cell_maps(attention):
        there = ", ".join(cell_maps(attention)) or "none"
        raise UserError(f"nothing was recorded of attention called {name!r}; there is {there}")
    return attention[f"{name} matrix"]
