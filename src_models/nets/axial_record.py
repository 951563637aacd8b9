"""What one layer of axial attention computed in one pass, and what follows from it without computing it again.

It lives as long as the pass of the block that looks.
"""

from __future__ import annotations

import torch
from torch import Tensor

from src_models.nets.kernels.axial import (
    RelativePositions,
    attention_matrix,
    attention_received,
    variances_of_terms,
)

__all__ = ["AxialRecord"]


class AxialRecord:
    """What a layer is given to fill in during its pass.

    Parameters
    ----------
    parts
        Whether content and positional parts of the result are wanted apart.

    Attributes
    ----------
    query, key
        (N, O, heads, D, L): O columns (rows) of length L.
    scale, positions
        Factor of the content term (heads,) and the tables of each head, norms and gates included.
    content, positional
        What content and what positions contribute to the result, (N, O, heads, C / heads, L) each, if they were
        wanted. Norms and gates are in it, offsets that are the same for every pixel are not.
    """

    query: Tensor
    key: Tensor
    scale: Tensor
    positions: RelativePositions | None
    content: Tensor
    positional: Tensor

    def __init__(self, *, parts: bool = False) -> None:
        self.parts = parts

    def keep(self, query: Tensor, key: Tensor, scale: Tensor, positions: RelativePositions | None) -> None:
        """Keep what similarities are made of."""
        self.query, self.key, self.scale = query.detach(), key.detach(), scale.detach()
        self.positions = positions and RelativePositions(*(table.detach() for table in positions))

    def keep_parts(self, content: Tensor, positional: Tensor) -> None:
        """Keep the parts of the result."""
        self.content, self.positional = content.detach(), positional.detach()

    def matrix(self) -> Tensor:
        """Return the attention (N, O, heads, L, L), query by key."""
        return attention_matrix(self.query, self.key, self.scale, self.positions)

    def received(self, weights: Tensor | None = None) -> Tensor:
        """Return the attention that each pixel receives, (N, O, L), head means.

        Parameters
        ----------
        weights
            How much each query counts, (N, O, L); None counts all as 1.
        """
        if weights is None:
            images, others, _, _, length = self.query.shape
            weights = self.query.new_ones(()).expand(images, others, length)
        return attention_received(self.query, self.key, self.scale, self.positions, weights).mean(2)

    def similarity_share(self) -> Tensor:
        """Return the share (N, O, L) of the positional terms in the spread over keys."""
        assert self.positions is not None
        content, positional = variances_of_terms(self.query, self.key, self.scale, self.positions)
        return _share(positional.sqrt(), content.sqrt())

    def output_share(self) -> Tensor:
        """Return the share (N, O, L) of the positional part in the norm over a head's channels."""
        return _share(self.positional.norm(dim=3), self.content.norm(dim=3))


def _share(part: Tensor, rest: Tensor) -> Tensor:
    """Return part / (part + rest), head by head (axis 2), averaged; 0 where both are 0."""
    return (part / (part + rest).clamp_min(torch.finfo(part.dtype).tiny)).mean(2)
