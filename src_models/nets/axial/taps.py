"""What can be read of an axial block: its attention, what each pixel receives, and how much positions matter.

A block attends along the height first, then along the width, so the weight that its output at (y, x) puts on (y', x')
is the product ``A_w[y][x, x'] * A_h[x'][y, y']``, a map that sums to 1. The maps here that have one value a pixel
follow from it without making any such product.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from src_models.nets.axial.record import AxialRecord
from src_models.nets.tap import AttentionTap

__all__ = ["AxialTaps"]

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
        self.name = name

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

    def tell(self, columns: AxialRecord, rows: AxialRecord) -> None:
        """Compute what is listened to.

        Parameters
        ----------
        columns, rows
            What the layers along the height and along the width computed in this pass.
        """
        with torch.no_grad():
            if self.height.heard:
                self.height(columns.matrix())
            if self.width.heard:
                self.width(rows.matrix())
            if self.received.heard:
                self.received(_received(columns, rows))
            if self.in_similarity is not None and self.in_similarity.heard:
                self.in_similarity(_mean(columns.similarity_share(), rows.similarity_share()))
            if self.in_output is not None and self.in_output.heard:
                self.in_output(_mean(columns.output_share(), rows.output_share()))


def _received(columns: AxialRecord, rows: AxialRecord) -> Tensor:
    """Return how much attention each pixel receives from all, (N, 1, H, W); the mean over pixels is 1.

    Summed over the outputs (y, x), ``A_w[y][x, x'] A_h[x'][y, y']`` is the attention along the height of the pixels
    (y, x') of column x', each counted by what it receives from its own row.
    """
    from_row = rows.received()  # N, H, W
    return columns.received(from_row.transpose(1, 2)).transpose(1, 2)[:, None]


def _mean(columns: Tensor, rows: Tensor) -> Tensor:
    """Return the mean of what was found along the height (N, W, H) and along the width (N, H, W), (N, 1, H, W)."""
    return (columns.transpose(1, 2) + rows)[:, None] / 2
