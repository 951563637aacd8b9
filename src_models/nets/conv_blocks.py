"""What convolutional networks are built of, in 2D and 3D: convolutions, each with its normalisation."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "CONV",
    "LINEAR",
    "ConvBlock",
    "ConvNorm",
    "NormName",
    "UpConv",
    "initialise",
    "make_norm",
]

NormName = Literal["batch", "instance", "group"]

CONV = {2: nn.Conv2d, 3: nn.Conv3d}
LINEAR = {2: "bilinear", 3: "trilinear"}
_BATCH_NORM = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
_INSTANCE_NORM = {2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}
_GROUPS = 8


def make_norm(name: NormName, channels: int, dimensions: int) -> nn.Module:
    """Return a norm; of group norms, with as many groups as divide the channels, up to eight.

    Raises
    ------
    ValueError
        If there is no such norm.
    """
    if name == "batch":
        return _BATCH_NORM[dimensions](channels)
    if name == "instance":
        return _INSTANCE_NORM[dimensions](channels, affine=True)
    if name == "group":
        return nn.GroupNorm(max(n for n in range(1, _GROUPS + 1) if channels % n == 0), channels)
    raise ValueError(f"norm {name!r} is not one of batch, instance, group")


class ConvNorm(nn.Module):
    """Convolution, normalisation and, unless told otherwise, ReLU."""

    def __init__(
        self, in_channels: int, out_channels: int, *, kernel: int, dimensions: int, norm: NormName, relu: bool = True
    ) -> None:
        super().__init__()
        self.conv = CONV[dimensions](in_channels, out_channels, kernel, padding=kernel // 2)
        self.norm = make_norm(norm, out_channels, dimensions)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:  # (N, C_in, *S) -> (N, C_out, *S)
        """Apply the layers."""
        x = self.norm(self.conv(x))
        return F.relu_(x) if self.relu else x


class ConvBlock(nn.Sequential):
    """3-wide convolutions, two unless told otherwise, each with normalisation and ReLU."""

    def __init__(
        self, in_channels: int, out_channels: int, *, dimensions: int, norm: NormName, convolutions: int = 2
    ) -> None:
        inputs = (in_channels, *(out_channels,) * (convolutions - 1))
        super().__init__(*(ConvNorm(i, out_channels, kernel=3, dimensions=dimensions, norm=norm) for i in inputs))


class UpConv(nn.Module):
    """Nearest-neighbour doubling, then a 3-wide convolution with normalisation and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, *, dimensions: int, norm: NormName) -> None:
        super().__init__()
        self.conv = ConvNorm(in_channels, out_channels, kernel=3, dimensions=dimensions, norm=norm)

    def forward(self, x: Tensor) -> Tensor:  # (N, C_in, *S) -> (N, C_out, *2S)
        """Apply the layers."""
        up: Tensor = self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return up


def initialise(part: nn.Module) -> None:
    """Draw the convolutions of a network, or of a part of it, at random (He et al. 2015, arXiv 1502.01852)."""
    for module in part.modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
