"""Fully convolutional network (Long et al. 2015, arXiv 1411.4038), the baseline that papers compare with, in 2D and 3D.

Section 4 of the paper: a classifier's layers as convolutions give a coarse map of class scores; the scores of finer
levels, each one 1 x 1 convolution of pooled features, are added while the map is doubled step by step, and the last
step up is an interpolation:

    s_L = W_top t                        scores of the coarsest grid, 1 cell = 2^L px
    s_(l-1) = up(s_l) + W_(l-1) p_(l-1)  for each finer level that adds its scores
    logits = interpolated s

With two finer levels over strides 8, 16 and 32 px, this is FCN-8s; with one FCN-16s, with none FCN-32s.

What is otherwise than in the paper, so that it can be trained from nothing on a processor: the encoder is not VGG16 but
five blocks of two 3-wide convolutions with normalisation, in the widths of the plain U-Net here; ``fc6`` and ``fc7``
are 3 and 1 wide in place of 7 and 1, as wide as the last block, and without dropout; the image is padded to a multiple
of the coarsest cell in place of by 100 px; and all scores begin at random and are trained at once, not stage by stage.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from src_models.nets.architecture import DECODER, LearnablePart
from src_models.nets.conv_blocks import CONV, LINEAR, ConvBlock, ConvNorm, NormName, initialise
from src_models.nets.network import Network
from src_models.nets.padding import cropped_like, padded_to_multiple

__all__ = ["FCN", "DoubledScores"]

_TRANSPOSED_CONV = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_MAX_POOL = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
FEWEST_CELLS = 2  # over a single cell of one image there is no variance to normalise by


class DoubledScores(nn.Module):
    """A learned doubling of class scores, which begins as linear interpolation (Section 3.3 of the paper).

    Parameters
    ----------
    classes
        Number of score maps; each begins with no part in the others.
    dimensions
        2 or 3.
    """

    def __init__(self, classes: int, *, dimensions: int) -> None:
        super().__init__()
        self.up = _TRANSPOSED_CONV[dimensions](classes, classes, 4, stride=2, padding=3, bias=False)
        tent = torch.tensor([0.25, 0.75, 0.75, 0.25])
        kernel = tent
        for _ in range(dimensions - 1):
            kernel = kernel[..., None] * tent
        with torch.no_grad():
            self.up.weight.zero_()
            for number in range(classes):
                self.up.weight[number, number] = kernel

    def forward(self, scores: Tensor) -> Tensor:  # (N, K, *S) -> (N, K, *2S)
        """Double the grid; beyond the border, the scores of the border go on."""
        doubled: Tensor = self.up(F.pad(scores, (1, 1) * (scores.ndim - 2), mode="replicate"))
        return doubled


class FCN(Network):
    """A fully convolutional network of the kind FCN-8s.

    Parameters
    ----------
    in_channels, classes
        Input channels and output classes, the background included.
    dimensions
        2 or 3.
    widths
        Channels of each block of the encoder from the finest; after each, pooling halves the grid.
    skips
        How many finer levels add their scores: 2 for FCN-8s, 1 for FCN-16s, 0 for FCN-32s.
    norm
        ``"batch"``, ``"instance"`` or ``"group"``.

    Raises
    ------
    ValueError
        If the configuration is contradictory.
    """

    def __init__(
        self,
        *,
        in_channels: int = 1,
        classes: int = 2,
        dimensions: int = 2,
        widths: Sequence[int] = (16, 32, 64, 128, 192),
        skips: int = 2,
        norm: NormName = "batch",
    ) -> None:
        super().__init__()
        _check(dimensions=dimensions, widths=widths, skips=skips)
        self.in_channels, self.dimensions, self.skips = in_channels, dimensions, skips
        self.stride = 2 ** len(widths)
        inputs = (in_channels, *widths[:-1])
        self.encoder = nn.ModuleList(
            ConvBlock(i, o, dimensions=dimensions, norm=norm) for i, o in zip(inputs, widths, strict=True)
        )
        self.pool = _MAX_POOL[dimensions](2)
        width = widths[-1]
        self.top = nn.Sequential(
            ConvNorm(width, width, kernel=3, dimensions=dimensions, norm=norm),
            ConvNorm(width, width, kernel=1, dimensions=dimensions, norm=norm),
        )
        self._scored = (width, *reversed(widths[len(widths) - 1 - skips : -1]))  # the coarsest first
        initialise(self)
        self._make_head(classes)

    def _make_head(self, classes: int) -> None:
        self.scores = nn.ModuleList(CONV[self.dimensions](width, classes, 1) for width in self._scored)
        self.ups = nn.ModuleList(DoubledScores(classes, dimensions=self.dimensions) for _ in range(self.skips))
        initialise(self.scores)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (N, classes, *S) for an image (N, in_channels, *S) of any size *S.

        Raises
        ------
        ValueError
            If the image has another number of channels than the network.
        """
        if image.shape[1] != self.in_channels:
            raise ValueError(f"the network takes {self.in_channels} channels, the image has {image.shape[1]}")
        x = padded_to_multiple(image, self.stride, fewest=FEWEST_CELLS)
        size = x.shape[2:]
        pooled = []
        for block in self.encoder:
            x = self.pool(block(x))
            pooled.append(x)
        scores: Tensor = self.scores[0](self.top(x))
        for level, up in enumerate(self.ups, start=1):
            scores = up(scores) + self.scores[level](pooled[-1 - level])
        logits = F.interpolate(scores, size=size, mode=LINEAR[self.dimensions], align_corners=False)
        return cropped_like(logits, image)

    def learnable(self) -> dict[LearnablePart, list[nn.Parameter]]:
        """Return the decoder: what makes scores of features, and what doubles them."""
        return {DECODER: self._head()}

    def deepest(self) -> nn.Module:
        """Return the convolutions on the coarsest grid, the paper's ``fc6`` and ``fc7``."""
        return self.top

    def finest_head(self) -> nn.Module:
        """Return what makes scores of the finest level that has any."""
        return self.scores[-1]

    def new_head(self, classes: int) -> list[nn.Parameter]:
        """Put new scores, and what doubles them, in the place of those of every level."""
        self._make_head(classes)
        return self._head()

    def _head(self) -> list[nn.Parameter]:
        return [*self.scores.parameters(), *self.ups.parameters()]


def _check(*, dimensions: int, widths: Sequence[int], skips: int) -> None:
    if dimensions not in CONV:
        raise ValueError(f"dimensions {dimensions!r} must be 2 or 3")
    if not widths or min(widths) < 1:
        raise ValueError(f"widths {tuple(widths)!r} must be positive numbers, at least one")
    if not 0 <= skips < len(widths):
        raise ValueError(
            f"skips {skips!r} must be at least 0 and less than the number of levels, {len(widths)}: each finer level "
            "adds its scores once"
        )
