"""What can be read of an axial block: its attention, what each pixel receives, and how much positions matter.

A block attends along the height first, then along the width, so the weight that its output at (y, x) puts on (y', x')
is the product ``A_w[y][x, x'] * A_h[x'][y, y']``, a map that sums to 1. The maps here that have one value a pixel
follow from it without making any such product.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from src_models.nets.kernels.axial import attention_matrix, similarity_terms
from src_models.nets.tap import AttentionTap

if TYPE_CHECKING:
    from src_models.nets.axial_attention import AxialAttention

__all__ = ["AxialTaps", "attention_received"]

MATRIX = "axial attention"


class AxialTaps(nn.Module):
    """Taps of one block, which cost nothing while nobody listens.

    ``NAME height`` and ``NAME width`` give the matrices, (N, O, heads, L, L): for image n and column (row) o, each row
    of a matrix is a query and sums to 1. The others give one value a pixel, (N, 1, H, W):

    * ``NAME received``: how much all pixels together attend to this one, head means; 1 is the average.
    * ``NAME positions in similarity``: share of the positional terms in the spread (standard deviation over keys) of a
      query's similarities, mean over axes and heads.
    * ``NAME positions in output``: share of the positional part in the size (norm over channels) of the result.

    Parameters
    ----------
    name
        The block's.
    cell
        Input pixels per pixel of the block's grid.
    positions
        Whether the block knows positions.
    patches
        Patches per side that the image was cut into; they come as one batch.
    """

    def __init__(self, name: str, cell: int, *, positions: bool, patches: int = 1) -> None:
        super().__init__()

        def tap(what: str, kind: str, description: str) -> AttentionTap:
            return AttentionTap(
                name=f"{name} {what}",
                kind=kind,
                level=cell.bit_length(),
                stride=cell,
                description=f"{name}, 1 cell = {cell} px: {description}",
                patches=patches,
            )

        self.height = tap("height", MATRIX, "weights along every column, query by key")
        self.width = tap("width", MATRIX, "weights along every row, query by key")
        self.received = tap("received", "attention received", "how much all pixels attend to this one (1: average)")
        self.in_similarity: AttentionTap | None = None
        self.in_output: AttentionTap | None = None
        if positions:
            share = "positional share"
            self.in_similarity = tap(
                "positions in similarity", share, "share of positions in what decides where to look"
            )
            self.in_output = tap("positions in output", share, "share of positions in the result")

    def heard(self) -> bool:
        """Return whether anybody listens."""
        return any(isinstance(module, AttentionTap) and module.heard for module in self.children())

    def tell(self, along_height: AxialAttention, image: Tensor, along_width: AxialAttention, between: Tensor) -> None:
        """Compute what is listened to.

        Parameters
        ----------
        along_height, along_width
            The block's two layers.
        image, between
            What goes into the first, and into the second, (N, C, H, W).
        """
        with torch.no_grad(), _statistics_kept(along_height), _statistics_kept(along_width):
            layers = ((along_height, image), (along_width, between))
            if self.height.heard or self.width.heard or self.received.heard:
                columns, rows = (_matrix(layer, x) for layer, x in layers)
                self.height(columns)
                self.width(rows)
                self.received(attention_received(columns.mean(2), rows.mean(2)))
            for tap, share in ((self.in_similarity, _similarity_share), (self.in_output, _output_share)):
                if tap is not None and tap.heard:
                    down, across = (share(layer, x) for layer, x in layers)
                    tap((down.transpose(1, 2) + across)[:, None] / 2)


def attention_received(columns: Tensor, rows: Tensor) -> Tensor:
    """Return how much attention each pixel receives from all, (N, 1, H, W); the mean over pixels is 1.

    Parameters
    ----------
    columns
        Attention along the height, (N, W, H, H).
    rows
        Attention along the width, which comes after, (N, H, W, W).
    """
    return torch.einsum("nyx,nxyz->nzx", rows.sum(2), columns)[:, None]


@contextmanager
def _statistics_kept(layer: nn.Module) -> Iterator[None]:
    """Undo what norms in training track inside the ``with`` block: looking is not learning."""
    before = [(buffer, buffer.clone()) for buffer in layer.buffers()] if layer.training else []
    yield
    for buffer, value in before:
        buffer.copy_(value)


def _matrix(layer: AxialAttention, x: Tensor) -> Tensor:
    query, key, _ = layer.project(x)
    return attention_matrix(query, key, *layer.weigh(query, key))


def _similarity_share(layer: AxialAttention, x: Tensor) -> Tensor:
    """Return the share (N, O, L) of the positional terms in the spread over keys."""
    query, key, _ = layer.project(x)
    content, positional = similarity_terms(query, key, *layer.weigh(query, key))
    assert positional is not None
    return _share(positional.std(-1, correction=0), content.std(-1, correction=0))


def _output_share(layer: AxialAttention, x: Tensor) -> Tensor:
    """Return the share (N, O, L) of the positional part in the norm over a head's channels."""
    content, positional = layer.parts_of_result(x)
    assert positional is not None
    return _share(positional.norm(dim=3), content.norm(dim=3))


def _share(part: Tensor, rest: Tensor) -> Tensor:
    """Return part / (part + rest), head by head (axis 2), averaged; 0 where both are 0."""
    return (part / (part + rest).clamp_min(torch.finfo(part.dtype).tiny)).mean(2)
