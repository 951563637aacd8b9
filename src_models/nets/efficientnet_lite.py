"""EfficientNet-Lite0's features (Tan & Le 2019, arXiv 1905.11946, without what small devices lack), as an encoder.

It is EfficientNet-B0 without squeeze-and-excitation and with ReLU6 in place of swish. The parts of one stride make one
level, so that a U-Net takes its skips from their results.

Where a 3-wide or 5-wide convolution of stride 2 looks from an even number of pixels is half a pixel beside the middle
of the cell it makes. TensorFlow, where the published weights come from, puts that half pixel to the same side in every
level, 7.5 px in all at stride 16. Here it alternates between the sides, so it is 2.5 px there. This is the published
network on an image that was moved by some pixels: away from the border, the features are the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["LEVELS", "LITE0", "LiteLayer", "MBConv", "Opening", "Stage", "lite0_levels", "lite0_widths"]

EPSILON = 1e-3  # of its norms, which the published statistics go with


@dataclass(frozen=True, slots=True)
class Stage:
    """A row of Table 1 of the paper: equal blocks, of which the first has the stride."""

    expansion: int
    kernel: int
    channels: int
    blocks: int
    stride: int


STEM = 32
LITE0 = (
    Stage(1, 3, 16, 1, 1),
    Stage(6, 3, 24, 2, 2),
    Stage(6, 5, 40, 2, 2),
    Stage(6, 3, 80, 3, 2),
    Stage(6, 5, 112, 3, 1),
    Stage(6, 5, 192, 4, 2),
    Stage(6, 3, 320, 1, 1),
)
# The stages of strides 2, 4, 8, 16 and 32.
LEVELS = (LITE0[:1], LITE0[1:2], LITE0[2:3], LITE0[3:5], LITE0[5:])


class LiteLayer(nn.Module):
    """Convolution, batch normalisation and, unless told otherwise, ReLU6.

    Parameters
    ----------
    in_channels, out_channels, kernel, stride
        Of the convolution.
    depthwise
        Whether each channel is convolved by itself.
    late
        Of a convolution of stride 2 over an even number of pixels: whether it looks half a pixel after the middle of
        its cell, as in TensorFlow, or before.
    relu
        Whether ReLU6 comes last.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        *,
        stride: int = 1,
        depthwise: bool = False,
        late: bool = False,
        relu: bool = True,
    ) -> None:
        super().__init__()
        before = kernel // 2
        # Zeros at both ends alike are before the middle, and cost no copy.
        self.pad = (before - 1, before) * 2 if late and stride == 2 else ()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel,
            stride=stride,
            padding=0 if self.pad else before,
            groups=in_channels if depthwise else 1,
            bias=False,
        )
        self.norm = nn.BatchNorm2d(out_channels, eps=EPSILON)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:  # (N, C_in, H, W) -> (N, C_out, H / stride, W / stride)
        """Apply the layers."""
        x = self.norm(self.conv(F.pad(x, self.pad) if self.pad else x))
        return F.hardtanh_(x, 0.0, 6.0) if self.relu else x


class MBConv(nn.Module):
    """Mobile inverted bottleneck (Sandler et al. 2018, arXiv 1801.04381): expand, convolve each channel, project.

    Where input and output have the same shape, their sum is the result.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, expansion: int, kernel: int, stride: int, late: bool
    ) -> None:
        super().__init__()
        inner = in_channels * expansion
        self.expand = LiteLayer(in_channels, inner, 1) if expansion > 1 else nn.Identity()
        self.depthwise = LiteLayer(inner, inner, kernel, stride=stride, depthwise=True, late=late)
        self.project = LiteLayer(inner, out_channels, 1, relu=False)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:  # (N, C_in, H, W) -> (N, C_out, H / stride, W / stride)
        """Apply the layers."""
        result: Tensor = self.project(self.depthwise(self.expand(x)))
        return result + x if self.residual else result


class Opening(nn.Module):
    """The first layer, of stride 2, and what it takes off the image's channels before.

    The published network takes images in which `centre` is 0, and continues them by zeros.

    Parameters
    ----------
    in_channels
        Of the image.
    """

    centre: Tensor

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(in_channels))
        self.layer = LiteLayer(in_channels, STEM, 3, stride=2, late=True)

    def forward(self, image: Tensor) -> Tensor:  # (N, C, H, W) -> (N, 32, H / 2, W / 2)
        """Apply the layer."""
        features: Tensor = self.layer(image - self.centre[:, None, None])
        return features


def lite0_widths(levels: int = len(LEVELS)) -> list[int]:
    """Return the channels of so many levels, that of stride 2 first."""
    return [level[-1].channels for level in LEVELS[:levels]]


def lite0_levels(in_channels: int, levels: int = len(LEVELS)) -> list[nn.Sequential]:
    """Return the modules of so many levels, each of which takes the result of the one before, the first the image.

    Parameters
    ----------
    in_channels
        Of the image, whose height and width are multiples of ``2 ** levels``.
    levels
        Up to 5: those of strides 2, 4, 8, 16 and 32.
    """
    made = []
    channels = STEM
    for number, stages in enumerate(LEVELS[:levels]):
        blocks = list(_blocks(channels, stages, late=number % 2 == 0))
        made.append(nn.Sequential(*([] if number else [Opening(in_channels)]), *blocks))
        channels = stages[-1].channels
    return made


def _blocks(channels: int, stages: Sequence[Stage], *, late: bool) -> Iterator[MBConv]:
    for stage in stages:
        for block in range(stage.blocks):
            yield MBConv(
                channels,
                stage.channels,
                expansion=stage.expansion,
                kernel=stage.kernel,
                stride=1 if block else stage.stride,
                late=late,
            )
            channels = stage.channels
