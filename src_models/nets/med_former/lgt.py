"""The Local-Global Transformer (LGT) of Med-Former, and the merging of patches between stages.

A block looks around in windows of two sizes at once. With m cells per side (global) and n < m (local),

    z' = W-MSA_m(LN(z)) + W-MSA_n(LN(z)) + z,    z'' = MLP(LN(z')) + z'

and in every second block both kinds of windows are shifted by half of their size (SW-MSA). Without the small windows it
is the block of Swin Transformer (arXiv 2103.14030, equation 3).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from src_models.nets.med_former.windows import WindowAttention
from src_models.nets.vit.layers import Mlp, StochasticDepth

__all__ = ["Combine", "LocalGlobalBlock", "PatchMerging"]

Combine = Literal["sum", "mean"]


class LocalGlobalBlock(nn.Module):
    """Attention in large and in small windows, and an MLP.

    Parameters
    ----------
    channels, heads
        Of the features; both attentions have as many heads.
    large, small
        Cells per side of the windows; without small ones this is a block of Swin Transformer.
    shifted
        Whether windows are shifted.
    combine
        ``"sum"``: what both attentions found is added, as the paper has it. ``"mean"``: it is averaged.
    mlp_ratio
        Of the MLP's hidden channels to the others.
    drop_path
        Rate of stochastic depth.
    name
        Stage and number, such as ``"2.1"``.
    level, stride
        As in :class:`~src_models.nets.tap.AttentionTap`.
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        large: int,
        small: int | None = None,
        *,
        shifted: bool,
        combine: Combine = "sum",
        mlp_ratio: float = 4.0,
        drop_path: float = 0.0,
        name: str = "1.1",
        level: int = 1,
        stride: int = 4,
    ) -> None:
        super().__init__()
        self.share = 1.0 if combine == "sum" or small is None else 0.5

        def attention(window: int, what: str) -> WindowAttention:
            return WindowAttention(
                channels, heads, window, shifted=shifted, name=f"{what} {name}", level=level, stride=stride
            )

        self.norm1 = nn.LayerNorm(channels)
        self.large = attention(large, "window" if small is None else "large window")
        self.small = None if small is None else attention(small, "small window")
        self.drop_path = StochasticDepth(drop_path)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Mlp(channels, mlp_ratio)

    @property
    def attentions(self) -> list[WindowAttention]:
        """The attention in large windows, and that in small ones."""
        return [self.large] if self.small is None else [self.large, self.small]

    def forward(self, x: Tensor) -> Tensor:  # (N, H, W, C) -> (N, H, W, C)
        """Apply the block."""
        normed = self.norm1(x)
        found = self.large(normed)
        if self.small is not None:
            found = (found + self.small(normed)) * self.share
        x = x + self.drop_path(found)
        return x + self.drop_path(self.mlp(self.norm2(x)))  # type: ignore[no-any-return]


class PatchMerging(nn.Module):
    """Four neighbouring tokens become one of twice as many channels (arXiv 2103.14030, Section 3.1).

    Where height or width is odd, the last row or column counts twice.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * channels)
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:  # (N, H, W, C) -> (N, H / 2, W / 2, 2 C)
        """Merge."""
        if x.shape[1] % 2:
            x = torch.cat([x, x[:, -1:]], dim=1)
        if x.shape[2] % 2:
            x = torch.cat([x, x[:, :, -1:]], dim=2)
        images, height, width, channels = x.shape
        # The channels of (even, even), (odd, even), (even, odd) and (odd, odd) rows and columns, in this order.
        four = x.reshape(images, height // 2, 2, width // 2, 2, channels).permute(0, 1, 3, 4, 2, 5)
        return self.reduction(self.norm(four.flatten(3)))  # type: ignore[no-any-return]
