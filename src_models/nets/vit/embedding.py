"""An image becomes a grid of tokens."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from src_models.nets.vit.lite_embedding import LiteEmbedding

__all__ = ["EmbeddingName", "PatchEmbedding", "embedding_of"]

EmbeddingName = Literal["patches", "efficientnet-lite0"]


def embedding_of(name: EmbeddingName, in_channels: int, channels: int, patch: int) -> PatchEmbedding | LiteEmbedding:
    """Return the module that makes normalised tokens of an image.

    Parameters
    ----------
    name
        ``"patches"`` or ``"efficientnet-lite0"``.
    in_channels, channels
        Of the image and of the tokens.
    patch
        Pixels per cell (px).

    Raises
    ------
    ValueError
        If the name is unknown, or there is none of it for such patches.
    """
    if name == "patches":
        return PatchEmbedding(in_channels, channels, patch, norm=True)
    if name == "efficientnet-lite0":
        return LiteEmbedding(in_channels, channels, patch)
    raise ValueError(f"embedding {name!r} is not one of patches, efficientnet-lite0")


class PatchEmbedding(nn.Module):
    """Each patch of an image becomes a token: a linear map of its pixels, and a norm where one is wanted.

    Parameters
    ----------
    in_channels, channels
        Of the image and of the tokens.
    patch
        Size of a patch (px). At the far ends of an image that patches do not divide, its last row and column are
        repeated.
    norm
        Whether the tokens are normalised (LayerNorm), as those of Swin Transformer are.
    """

    def __init__(self, in_channels: int, channels: int, patch: int, *, norm: bool) -> None:
        super().__init__()
        self.patch = patch
        self.proj = nn.Conv2d(in_channels, channels, patch, stride=patch)
        self.tokens_norm = nn.LayerNorm(channels) if norm else nn.Identity()

    def forward(self, image: Tensor) -> Tensor:  # (N, C, H, W) -> (N, H / patch, W / patch, channels)
        """Return the tokens.

        Raises
        ------
        ValueError
            If the image has another number of channels than the network.
        """
        if image.shape[1] != self.proj.in_channels:
            raise ValueError(f"the network takes {self.proj.in_channels} channels, the image has {image.shape[1]}")
        down, right = (-size % self.patch for size in image.shape[2:])
        if down or right:
            image = F.pad(image, (0, right, 0, down), mode="replicate")
        return self.tokens_norm(self.proj(image).permute(0, 2, 3, 1))  # type: ignore[no-any-return]
