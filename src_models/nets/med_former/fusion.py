"""Fusion of stages: what the stage before saw more finely is taken into account together with what this one sees.

Spatial Attention Fusion (SAF) brings the features of the stage before, f_A, to the grid and the channels of this one's,
f_B, weighs both, place by place, by attention maps of their own, and adds them:

    f = s(f_A') f_A' + s(f_B) f_B,    s(f) = sigmoid(conv_7x7[mean of f over channels; maximum of f over channels])

The paper, as it is retold, leaves open how f_A is brought down and what the attention is. Here f_A' is a linear map of
the mean over the cells that fall together, and s is the spatial attention of CBAM (Woo et al. 2018, arXiv 1807.06521,
equation 5). The ablation in its place is concatenation: a linear map of both.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from src_models.nets.tap import AttentionTap

__all__ = ["FusionName", "SpatialGate", "StageFusion"]

FusionName = Literal["saf", "concat", "none"]


class SpatialGate(nn.Module):
    """Features are weighed, place by place, by the spatial attention of CBAM.

    Parameters
    ----------
    tap
        Where the weights (N, 1, H, W), from 0 to 1, can be read.
    """

    def __init__(self, tap: AttentionTap) -> None:
        super().__init__()
        self.attention = nn.Conv2d(2, 1, 7, padding=3)
        self.tap = tap

    def forward(self, x: Tensor) -> Tensor:  # (N, H, W, C) -> (N, H, W, C)
        """Weigh."""
        told = torch.stack([x.mean(-1), x.amax(-1)], dim=1)
        weight: Tensor = self.tap(torch.sigmoid(self.attention(told)))
        return x * weight.permute(0, 2, 3, 1)


class StageFusion(nn.Module):
    """Features of the stage before and of this one become one.

    Parameters
    ----------
    channels
        Of this stage; the stage before has half as many, on a grid twice as fine.
    fusion
        ``"saf"`` or ``"concat"``.
    name
        Number of the stage, such as ``"2"``.
    level, stride
        As in :class:`~src_models.nets.tap.AttentionTap`; the taps are ``fusion NAME earlier`` and ``fusion NAME
        later``.

    Attributes
    ----------
    earlier, later
        Modules whose results (N, H, W, C) are added.
    """

    def __init__(self, channels: int, fusion: FusionName, *, name: str, level: int, stride: int) -> None:
        super().__init__()
        if fusion not in ("saf", "concat"):
            raise ValueError(f"fusion {fusion!r} is not one of saf, concat, none")
        self.reduce: nn.Module = nn.Identity()
        self.earlier: nn.Module
        self.later: nn.Module
        if fusion == "concat":  # a linear map of both beside each other is the sum of one of each
            self.earlier = nn.Linear(channels // 2, channels)
            self.later = nn.Linear(channels, channels, bias=False)
            return

        def gate(which: str, what: str) -> SpatialGate:
            tap = AttentionTap(
                name=f"fusion {name} {which}",
                kind="fusion",
                level=level,
                stride=stride,
                description=f"stage {name}, 1 cell = {stride} px: how much is taken here of what {what} saw",
            )
            return SpatialGate(tap)

        self.reduce = nn.Linear(channels // 2, channels)
        self.earlier, self.later = gate("earlier", "the stage before"), gate("later", "this stage")

    def forward(self, before: Tensor, now: Tensor) -> Tensor:  # (N, 2 H, 2 W, C / 2), (N, H, W, C) -> (N, H, W, C)
        """Fuse."""
        finer = F.avg_pool2d(before.permute(0, 3, 1, 2), 2, ceil_mode=True, count_include_pad=False)
        return self.earlier(self.reduce(finer.permute(0, 2, 3, 1))) + self.later(now)  # type: ignore[no-any-return]
