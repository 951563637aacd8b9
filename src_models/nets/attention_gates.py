"""Attention gates (Oktay et al. 2018, arXiv 1804.03999), in 2D and 3D, in the two forms that exist.

* :class:`GridAttentionGate`, the paper's (Section 3.1 and its official code): the skip features are brought to the
  *coarser* grid of the gating signal by a strided convolution, the coefficients are computed there and resampled to the
  skip's grid. Several sub-gates per skip make multi-dimensional attention.
* :class:`SkipAttentionGate`, the 2D form most people copied: the gating signal is first brought to the skip's own grid,
  and there is one coefficient per pixel.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from src_models.nets.conv_blocks import CONV, LINEAR, ConvNorm, NormName, make_norm
from src_models.nets.tap import AttentionTap

__all__ = ["GridAttentionGate", "GridSubGate", "SkipAttentionGate", "gate_tap"]


class GridSubGate(nn.Module):
    """One additive attention gate on the gating signal's grid.

    Equations 1 and 2 of the paper, with the strided convolution of its official code in place of the 1 x 1 one:
    ``alpha = sigmoid(psi(relu(theta(x) + phi(g))))``, resampled to the grid of `x`.

    Parameters
    ----------
    skip_channels, gating_channels
        Channels of the skip features `x` and of the gating signal `g`.
    inner_channels
        Channels of the sum inside the gate; `skip_channels` when None.
    normalised
        Normalise what goes into the sigmoid.
    """

    def __init__(
        self,
        skip_channels: int,
        gating_channels: int,
        *,
        dimensions: int,
        norm: NormName,
        inner_channels: int | None = None,
        normalised: bool = False,
    ) -> None:
        super().__init__()
        conv = CONV[dimensions]
        inner = inner_channels or skip_channels
        self.theta = conv(skip_channels, inner, 2, stride=2, bias=False)
        self.phi = conv(gating_channels, inner, 1)
        self.psi = conv(inner, 1, 1)
        self.psi_norm = make_norm(norm, 1, dimensions) if normalised else nn.Identity()
        self.project = ConvNorm(skip_channels, skip_channels, kernel=1, dimensions=dimensions, norm=norm, relu=False)

    def coefficients(self, x: Tensor, g: Tensor, *, mode: str, align_corners: bool) -> Tensor:
        """Return alpha of shape (N, 1, *spatial of x), values between 0 and 1."""
        query, gating = self.theta(x), self.phi(g)
        if gating.shape[2:] != query.shape[2:]:
            gating = F.interpolate(gating, size=query.shape[2:], mode=mode, align_corners=align_corners)
        alpha = torch.sigmoid(self.psi_norm(self.psi(F.relu_(query + gating))))
        return F.interpolate(alpha, size=x.shape[2:], mode=mode, align_corners=align_corners)


class GridAttentionGate(nn.Module):
    """Grid attention gate with one or more sub-gates (paper, Section 3.1, "multi-dimensional attention").

    Parameters
    ----------
    skip_channels, gating_channels
        Channels of the skip features and of the gating signal, whose grid is half as fine.
    subgates
        Number of coefficient maps; their gated features are fused by a 1 x 1 convolution.
    normalised
        Normalise what goes into the sigmoid.
    tap
        Where the coefficients (N, subgates, *spatial of the skip) can be read.
    """

    def __init__(
        self,
        skip_channels: int,
        gating_channels: int,
        *,
        subgates: int,
        dimensions: int,
        norm: NormName,
        align_corners: bool,
        tap: AttentionTap,
        normalised: bool = False,
    ) -> None:
        super().__init__()
        self.subgates = nn.ModuleList(
            GridSubGate(skip_channels, gating_channels, dimensions=dimensions, norm=norm, normalised=normalised)
            for _ in range(subgates)
        )
        self.fuse = ConvNorm(subgates * skip_channels, skip_channels, kernel=1, dimensions=dimensions, norm=norm)
        self.mode = LINEAR[dimensions]
        self.align_corners = align_corners
        self.tap = tap

    def forward(self, x: Tensor, g: Tensor) -> Tensor:
        """Weigh the skip features `x` (N, C, *S) by coefficients computed from them and from `g` (N, C_g, *S / 2)."""
        alphas = [
            gate.coefficients(x, g, mode=self.mode, align_corners=self.align_corners)  # type: ignore[operator]
            for gate in self.subgates
        ]
        alpha = self.tap(torch.cat(alphas, dim=1) if len(alphas) > 1 else alphas[0])  # N, K, *S
        gated = [gate.project(x * alpha[:, k : k + 1]) for k, gate in enumerate(self.subgates)]  # type: ignore[operator]
        fused: Tensor = self.fuse(torch.cat(gated, dim=1) if len(gated) > 1 else gated[0])
        return fused


class SkipAttentionGate(nn.Module):
    """Additive attention gate on the skip's own grid: ``alpha = sigmoid(psi(relu(W_x x + W_g g)))`` times `x`.

    Parameters
    ----------
    channels
        Channels of the skip features and of the gating signal, which have the same grid.
    tap
        Where the coefficients (N, 1, *spatial of the skip) can be read.
    """

    def __init__(self, channels: int, *, dimensions: int, norm: NormName, tap: AttentionTap) -> None:
        super().__init__()
        inner = max(channels // 2, 1)
        self.w_g = ConvNorm(channels, inner, kernel=1, dimensions=dimensions, norm=norm, relu=False)
        self.w_x = ConvNorm(channels, inner, kernel=1, dimensions=dimensions, norm=norm, relu=False)
        self.psi = ConvNorm(inner, 1, kernel=1, dimensions=dimensions, norm=norm, relu=False)
        self.tap = tap

    def forward(self, x: Tensor, g: Tensor) -> Tensor:
        """Weigh the skip features `x` (N, C, *S) by coefficients computed from them and from `g` of equal shape."""
        alpha = self.tap(torch.sigmoid(self.psi(F.relu_(self.w_g(g) + self.w_x(x)))))  # N, 1, *S
        return torch.mul(x, alpha)


def gate_tap(level: int) -> AttentionTap:
    """Return the tap of the gate of a level of the pyramid, 1 the finest."""
    stride = 2 ** (level - 1)
    return AttentionTap(
        name=f"gate {level}",
        kind="attention gate",
        level=level,
        stride=stride,
        description=f"gate {level}, 1 cell = {stride} px: how much of the image features the decoder lets through here",
    )
