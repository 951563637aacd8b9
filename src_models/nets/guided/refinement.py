"""One step of self-guided attention at one scale (Sinha & Dolz 2020, Figure 2 and equations 6 to 8)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from src_models.nets.guided.attention import AttentionBranch
from src_models.nets.guided.taps import MapTaps

__all__ = ["Refinement", "strength"]


class Refinement(nn.Module):
    """Position and channel attention side by side; their sum is weighed by what the features mean.

    ``a = project((position(F) + channel(F)) * guide(D(E(F))))``, where E and D are the semantic module's encoder and
    decoder. The product is that of each pair of values, as in the authors' code.

    Parameters
    ----------
    channels
        Of the result; twice as many go in.
    attention
        ``"both"``, ``"position"`` or ``"channel"``.
    inverted
        As in :class:`~src_models.nets.guided.attention.ChannelAttention`.
    guidance
        Whether meanings weigh the attention.
    scale, step
        Counted from 1, for what can be read.
    """

    def __init__(self, channels: int, *, attention: str, inverted: bool, guidance: bool, scale: int, step: int) -> None:
        super().__init__()
        taps = MapTaps(scale, step)
        kinds = ("position", "channel") if attention == "both" else (attention,)
        self.branches = nn.ModuleDict(
            {kind: AttentionBranch(channels, kind, inverted=inverted, taps=taps) for kind in kinds}
        )
        self.guide = nn.Conv2d(2 * channels, channels, 3, padding=1) if guidance else None
        self.project = nn.Conv2d(channels, channels, 1)
        self.attended, self.guided = taps.attended(), taps.guided()

    def forward(self, features: Tensor, rebuilt: Tensor | None = None) -> Tensor:
        """Return the attention (N, C, H, W) of features (N, 2C, H, W).

        Parameters
        ----------
        features
            Of the scale, beside those that all scales share.
        rebuilt
            The same, rebuilt from what they mean; not needed without guidance.
        """
        found: Tensor = sum(branch(features) for branch in self.branches.values())
        if self.attended.heard:
            self.attended(strength(found))
        if self.guide is not None:
            found = found * self.guide(rebuilt)
        found = self.project(found)
        if self.guided.heard:
            self.guided(strength(found))
        return found


@torch.no_grad()
def strength(features: Tensor) -> Tensor:
    """Return the mean size of features (N, C, H, W) over channels, (N, 1, H, W), as a multiple of its own mean."""
    size = features.abs().float().mean(1, keepdim=True)
    return size / size.mean((2, 3), keepdim=True).clamp_min(torch.finfo(size.dtype).tiny)
