"""What one layer of axial attention computed in one pass, and what follows from it without computing it again.

It lives as long as the pass of the block that looks.
"""

from __future__ import annotations

import torch
from torch import Tensor

from src_models.nets.kernels.axial import attention_received, in_single, variances_of_terms
from src_models.nets.kernels.axial_plain import Measures, RelativePositions, attention_matrix

__all__ = ["AxialRecord"]


class AxialRecord:
    """What a layer is given to fill in during its pass.

    Attributes
    ----------
    query, key
        (N, O, heads, D, L): O columns (rows) of length L.
    scale, positions
        Factor of the content term (heads,) and the tables of each head, norms and gates included.
    measures
        Sizes of what content and what positions contribute to the result. Norms and gates are in it, offsets that are
        the same for every pixel are not.
    """

    query: Tensor
    key: Tensor
    scale: Tensor
    positions: RelativePositions | None
    measures: Measures

    def keep(
        self, query: Tensor, key: Tensor, scale: Tensor, positions: RelativePositions | None, measures: Measures
    ) -> None:
        """Keep what similarities are made of, and what was measured."""
        self.query, self.key, self.scale = query.detach(), key.detach(), scale.detach()
        self.positions = positions and RelativePositions(*(table.detach() for table in positions))
        self.measures = measures

    def matrix(self) -> Tensor:
        """Return the attention (N, O, heads, L, L), query by key, in single or double precision."""
        with torch.autocast(self.query.device.type, enabled=False):
            return attention_matrix(*in_single(self.query, self.key, self.scale, self.positions))

    def received(self, weights: Tensor | None = None) -> Tensor:
        """Return the attention that each pixel receives, (N, O, L), head means.

        Parameters
        ----------
        weights
            How much each query counts, (N, O, L); None counts all as 1.
        """
        if weights is None and self.measures.received is not None:
            return self.measures.received.mean(2)
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
        return _share(self.measures.positional, self.measures.content)


def _share(part: Tensor, rest: Tensor) -> Tensor:
    """Return part / (part + rest), head by head (axis 2), averaged; 0 where both are 0."""
    return (part / (part + rest).clamp_min(torch.finfo(part.dtype).tiny)).mean(2)
