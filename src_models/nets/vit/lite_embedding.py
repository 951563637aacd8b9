"""An image becomes a grid of tokens by the first levels of a convolutional network.

A transformer that learns from a few thousand pictures learns edges and textures badly from linear maps of patches, and
better from convolutions (Xiao et al. 2021, Early Convolutions Help Transformers See Better, arXiv 2106.14881). Those of
EfficientNet-Lite0 can begin with weights that were learnt from photographs.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from src_models.nets.efficientnet_lite import lite0_levels, lite0_widths
from src_models.nets.padding import padded_to_multiple

__all__ = ["LiteEmbedding"]

LEVELS = 4
STRIDE = 2**LEVELS


class LiteEmbedding(nn.Module):
    """Four levels of EfficientNet-Lite0, and a linear map and a norm of what they find.

    The image is enlarged before, so that a cell of the grid is a patch of the size that is asked for: the objects of
    photographs, from which its published weights are, fill more pixels than a cell does in a microscope's.

    Parameters
    ----------
    in_channels, channels
        Of the image and of the tokens.
    patch
        Pixels per cell (px): 1, 2, 4, 8 or 16. At the far ends of an image that patches do not divide, its last row and
        column are repeated.

    Raises
    ------
    ValueError
        If the levels' 16 px are not a multiple of `patch`.
    """

    def __init__(self, in_channels: int, channels: int, patch: int) -> None:
        super().__init__()
        if STRIDE % patch:
            raise ValueError(f"patch {patch!r} must be 1, 2, 4, 8 or 16 where EfficientNet-Lite0 embeds")
        self.in_channels, self.patch = in_channels, patch
        self.levels = nn.Sequential(*lite0_levels(in_channels, LEVELS))
        self.proj = nn.Conv2d(lite0_widths(LEVELS)[-1], channels, 1)
        self.tokens_norm = nn.LayerNorm(channels)

    def forward(self, image: Tensor) -> Tensor:  # (N, C, H, W) -> (N, H / patch, W / patch, channels)
        """Return the tokens.

        Raises
        ------
        ValueError
            If the image has another number of channels than the network.
        """
        if image.shape[1] != self.in_channels:
            raise ValueError(f"the network takes {self.in_channels} channels, the image has {image.shape[1]}")
        image = padded_to_multiple(image, self.patch)
        if self.patch < STRIDE:
            image = F.interpolate(image, scale_factor=STRIDE // self.patch, mode="bilinear", align_corners=False)
        return self.tokens_norm(self.proj(self.levels(image)).permute(0, 2, 3, 1))  # type: ignore[no-any-return]
