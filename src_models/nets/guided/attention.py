"""Position and channel attention (Sinha & Dolz 2020, arXiv 1906.02849, Section III-B; after DANet, arXiv 1809.02983).

Position attention compares every place with every other: of 256 x 256 px, 4096 places with 4096. The matrix of these
weights is never made whole, in neither direction of a training step, so that memory grows with the number of places and
not with its square; the result is the exact one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from src_models.nets.guided.taps import MapTaps
from src_models.nets.tap import AttentionTap

__all__ = [
    "AttentionBranch",
    "ChannelAttention",
    "ConvPReLU",
    "PositionAttention",
    "attention_received",
    "looks_from",
    "position_blocks",
]

PAIRS = 2**22  # weights that are made at a time where they are made at all


class ConvPReLU(nn.Module):
    """Convolution, batch normalisation, and a ReLU whose slope below zero is learnt."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)
        self.norm = nn.BatchNorm2d(out_channels)
        self.activation = nn.PReLU()

    def forward(self, x: Tensor) -> Tensor:  # (N, C_in, H, W) -> (N, C_out, H, W)
        """Apply the layers."""
        found: Tensor = self.activation(self.norm(self.conv(x)))
        return found


class PositionAttention(nn.Module):
    """Every place takes from all places what resembles it (equation 3 of the paper).

    ``out_i = x_i + gamma * sum_j A_ij V_j`` with ``A_ij = softmax_j(Q_i . K_j)``, not scaled; gamma begins at 0.

    Parameters
    ----------
    channels
        Of what goes in and of the result; queries and keys have an eighth.
    received
        Where it can be read how much each place is looked at by all, (N, 1, H, W); 1 is the average.
    """

    def __init__(self, channels: int, *, received: AttentionTap) -> None:
        super().__init__()
        inner = max(channels // 8, 1)
        self.query = nn.Conv2d(channels, inner, 1)
        self.key = nn.Conv2d(channels, inner, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.gamma = nn.Parameter(torch.zeros(1))
        self.received = received

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C, H, W) for (N, C, H, W)."""
        query, key = self.project(x)
        value = _places(self.value(x))
        if self.received.heard:
            with torch.no_grad():
                self.received(attention_received(query, key).view(len(x), 1, *x.shape[2:]))
        # PyTorch makes no matrix where all three have as many channels, which follow one another in memory; zeros add
        # nothing to a product.
        missing = (0, value.shape[2] - query.shape[2])
        query, key, value = (x.contiguous()[:, None] for x in (F.pad(query, missing), F.pad(key, missing), value))
        taken = F.scaled_dot_product_attention(query, key, value, scale=1.0)[:, 0]
        return self.gamma * taken.transpose(1, 2).reshape(x.shape) + x

    def project(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return queries and keys (N, H W, C / 8)."""
        return _places(self.query(x)), _places(self.key(x))


class ChannelAttention(nn.Module):
    """Every channel takes from all channels (equation 5 of the paper).

    ``out = x + gamma * A X`` with X (C, H W); gamma begins at 0. By the formula ``A = softmax(X X^T)``: a channel takes
    from those that resemble it, which nearly always is itself. The authors' code, as DANet's, takes
    ``softmax(max(X X^T) - X X^T)`` over each row: a channel takes from those that resemble it least.

    Parameters
    ----------
    inverted
        Whether it is as in the code.
    matrix
        Where A (N, C, C) can be read; each row sums to 1.
    """

    def __init__(self, *, inverted: bool, matrix: AttentionTap) -> None:
        super().__init__()
        self.inverted = inverted
        self.gamma = nn.Parameter(torch.zeros(1))
        self.matrix = matrix

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C, H, W) for (N, C, H, W)."""
        with torch.autocast(x.device.type, enabled=False):  # sums over all places: large, and nearly one-hot
            flat = (x if x.dtype == torch.float64 else x.float()).flatten(2)
            energy = flat @ flat.transpose(1, 2)
            if self.inverted:
                energy = energy.amax(2, keepdim=True) - energy
            attention = self.matrix(torch.softmax(energy, dim=2))
            taken: Tensor = (attention @ flat).view(x.shape)
        found: Tensor = self.gamma * taken.to(x.dtype) + x
        return found


class AttentionBranch(nn.Module):
    """Attention between two 3-wide convolutions, the first of which halves the channels.

    Parameters
    ----------
    channels
        Of the result; twice as many go in.
    kind
        ``"position"`` or ``"channel"``.
    inverted
        As in :class:`ChannelAttention`.
    taps
        Where attention can be read.
    """

    def __init__(self, channels: int, kind: str, *, inverted: bool, taps: MapTaps) -> None:
        super().__init__()
        self.before = ConvPReLU(2 * channels, channels, 3)
        self.attention: nn.Module
        if kind == "position":
            self.attention = PositionAttention(channels, received=taps.received())
        else:
            self.attention = ChannelAttention(inverted=inverted, matrix=taps.channels())
        self.after = ConvPReLU(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:  # (N, 2C, H, W) -> (N, C, H, W)
        """Apply the branch."""
        found: Tensor = self.after(self.attention(self.before(x)))
        return found


def position_blocks(network: nn.Module) -> dict[str, PositionAttention]:
    """Return the blocks of position attention of a network by the names that their maps begin with, finest first."""
    found = [module for module in network.modules() if isinstance(module, PositionAttention)]
    found.sort(key=lambda block: (block.received.level, block.received.name))
    return {block.received.name.removesuffix(" received"): block for block in found}


def attention_received(query: Tensor, key: Tensor) -> Tensor:
    """Return how much attention each place receives from all, (N, L) for (N, L, D); the mean is 1."""
    total = query.new_zeros(query.shape[:2], dtype=_exact(query))
    for some in torch.split(query, max(1, PAIRS // key.shape[1]), dim=1):
        total += looks_from(some, key).sum(1)
    return total


def looks_from(query: Tensor, key: Tensor) -> Tensor:
    """Return the weights (N, M, L) that M queries (N, M, D) put on all places; they sum to 1 over these."""
    with torch.autocast(query.device.type, enabled=False):
        exact = _exact(query)
        return torch.softmax(query.to(exact) @ key.to(exact).transpose(1, 2), dim=2)


def _exact(tensor: Tensor) -> torch.dtype:
    return torch.float64 if tensor.dtype == torch.float64 else torch.float32


def _places(x: Tensor) -> Tensor:
    """Return (N, H W, C) of (N, C, H, W)."""
    return x.flatten(2).transpose(1, 2)
