"""The encoder and decoder that guide attention (Sinha & Dolz 2020, Section III-C, "semantic-guided attention")."""

from __future__ import annotations

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from src_models.nets.conv_blocks import ConvBlock

__all__ = ["Meaning", "SemanticModule"]


class Meaning(NamedTuple):
    """What a semantic module makes of features.

    Parameters
    ----------
    code
        (N, 4C, H / 4, W / 4): what they mean, in few numbers.
    rebuilt
        (N, C, H, W): the features as they follow from that alone.
    """

    code: Tensor
    rebuilt: Tensor


class SemanticModule(nn.Module):
    """An autoencoder: two levels down to a code, two up again.

    Parameters
    ----------
    channels
        Of what goes in and is rebuilt; the levels have twice and four times as many.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        middle, code = 2 * channels, 4 * channels
        self.encoder = nn.ModuleList([_convolutions(channels, middle), _convolutions(middle, code)])
        self.decoder = nn.ModuleList([_convolutions(code, middle), _convolutions(middle, channels)])
        self.ups = nn.ModuleList(nn.ConvTranspose2d(width, width, 2, stride=2) for width in (middle, channels))
        self.pool = nn.MaxPool2d(2)

    def forward(self, features: Tensor) -> Meaning:
        """Encode and decode features (N, C, H, W) of at least 4 x 4."""
        first = self.pool(self.encoder[0](features))
        code = self.pool(self.encoder[1](first))
        x = code
        for convolutions, up, like in zip(self.decoder, self.ups, (first, features), strict=True):
            x = _to_size(up(convolutions(x)), like)
        return Meaning(code, x)


def _convolutions(in_channels: int, out_channels: int) -> ConvBlock:
    return ConvBlock(in_channels, out_channels, dimensions=2, norm="batch")


def _to_size(x: Tensor, like: Tensor) -> Tensor:
    if x.shape[2:] == like.shape[2:]:
        return x
    return F.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=False)
