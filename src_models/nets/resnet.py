"""Residual networks (He et al. 2015, arXiv 1512.03385) and ResNeXt (Xie et al. 2016, arXiv 1611.05431), as encoders.

Parameters have the names that torchvision gives them (``conv1``, ``bn1``, ``layer1.0.conv1`` ... ``layer4``), so that
weights which were published under these names fit. The classifier ``fc`` is left to who classifies.

A convolution of stride 2 here looks around the first of the two pixels of its cell, as in the published networks: what
a cell of stride s sees lies around a place (s - 1) / 2 px before the cell's middle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

__all__ = ["RESNETS", "BasicBlock", "Bottleneck", "ResNet", "ResNetPlan"]

PLANES = (64, 128, 256, 512)  # of the four stages
STRIDES = (4, 8, 16, 32)  # px per cell of their results


@dataclass(frozen=True, slots=True)
class ResNetPlan:
    """What one residual network is made of.

    Parameters
    ----------
    block
        ``"basic"``: two 3-wide convolutions. ``"bottleneck"``: a 3-wide one between two that are one pixel wide.
    depths
        Blocks of each of the four stages.
    groups, width_per_group
        Of the 3-wide convolutions of bottlenecks in the first stage; 1 and 64 make a ResNet, others a ResNeXt.
    """

    block: Literal["basic", "bottleneck"]
    depths: tuple[int, int, int, int]
    groups: int = 1
    width_per_group: int = 64

    @property
    def expansion(self) -> int:
        """Channels of a block's result per plane."""
        return 1 if self.block == "basic" else 4

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the results of the four stages."""
        return tuple(planes * self.expansion for planes in PLANES)


RESNETS = {
    "resnet18": ResNetPlan("basic", (2, 2, 2, 2)),
    "resnet34": ResNetPlan("basic", (3, 4, 6, 3)),
    "resnet50": ResNetPlan("bottleneck", (3, 4, 6, 3)),
    "resnet101": ResNetPlan("bottleneck", (3, 4, 23, 3)),
    "resnext50": ResNetPlan("bottleneck", (3, 4, 6, 3), groups=32, width_per_group=4),
    "resnext101": ResNetPlan("bottleneck", (3, 4, 23, 3), groups=32, width_per_group=8),
}


class _Residual(nn.Module):
    """A block whose result is added to what went in, brought to its shape by ``downsample`` where these differ."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.folded = False
        self.downsample: nn.Sequential | None = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def fold(self) -> None:
        """Put the norms into the convolutions before them, in place."""
        _fold_numbered(self)
        if self.downsample is not None:
            conv, norm = self.downsample
            assert isinstance(conv, nn.Conv2d)
            assert isinstance(norm, nn.BatchNorm2d)
            self.downsample[0], self.downsample[1] = fuse_conv_bn_eval(conv, norm), nn.Identity()
        self.folded = True

    def _shortcut(self, x: Tensor) -> Tensor:
        return x if self.downsample is None else self.downsample(x)


class BasicBlock(_Residual):
    """Two 3-wide convolutions (He et al. 2015, Figure 5, left).

    Parameters
    ----------
    in_channels
        Of what goes in.
    planes
        Channels of the result.
    stride
        Of the first convolution.
    """

    def __init__(self, in_channels: int, planes: int, *, stride: int = 1) -> None:
        super().__init__(in_channels, planes, stride)
        self.conv1 = nn.Conv2d(in_channels, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)

    def forward(self, x: Tensor) -> Tensor:  # (N, C_in, H, W) -> (N, planes, H / stride, W / stride)
        """Apply the block."""
        y = F.relu_(self.bn1(self.conv1(x)))
        return F.relu_(self.bn2(self.conv2(y)) + self._shortcut(x))


class Bottleneck(_Residual):
    """Narrow, 3-wide, widen (He et al. 2015, Figure 5, right); with groups, Xie et al. 2016, Figure 3 (c).

    The stride is that of the 3-wide convolution, as in torchvision.

    Parameters
    ----------
    in_channels
        Of what goes in.
    planes
        A quarter of the channels of the result.
    stride, groups, width_per_group
        Of the 3-wide convolution; see :class:`ResNetPlan`.
    """

    def __init__(
        self, in_channels: int, planes: int, *, stride: int = 1, groups: int = 1, width_per_group: int = 64
    ) -> None:
        super().__init__(in_channels, 4 * planes, stride)
        inner = planes * width_per_group // 64 * groups
        self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride=stride, padding=1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, 4 * planes, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * planes)

    def forward(self, x: Tensor) -> Tensor:  # (N, C_in, H, W) -> (N, 4 planes, H / stride, W / stride)
        """Apply the block."""
        y = F.relu_(self.bn1(self.conv1(x)))
        y = F.relu_(self.bn2(self.conv2(y)))
        return F.relu_(self.bn3(self.conv3(y)) + self._shortcut(x))


class ResNet(nn.Module):
    """A residual network without its classifier: an image (N, C, H, W) to the results of its four stages.

    Parameters
    ----------
    plan
        One of :data:`RESNETS`, or another.
    in_channels
        Of the image.
    """

    def __init__(self, plan: ResNetPlan = RESNETS["resnet18"], *, in_channels: int = 3) -> None:
        super().__init__()
        self.folded = False
        self.widths = plan.widths
        self.conv1 = nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        inputs = (64, *plan.widths[:-1])
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            _stage(plan, channels, number) for number, channels in enumerate(inputs)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return features (N, widths[k], H / s, W / s) for the strides s of 4, 8, 16 and 32, rounded up."""
        x = self.maxpool(F.relu_(self.bn1(self.conv1(image))))
        first = self.layer1(x)
        second = self.layer2(first)
        third = self.layer3(second)
        return first, second, third, self.layer4(third)

    def fold(self) -> None:
        """Put the first norm into the convolution before it, in place; blocks fold their own."""
        _fold_numbered(self)
        self.folded = True


def _stage(plan: ResNetPlan, in_channels: int, number: int) -> nn.Sequential:
    """Return one of the four stages, of which all but the first begin with a stride of 2."""
    blocks = nn.Sequential()
    for block in range(plan.depths[number]):
        stride = 2 if number and not block else 1
        if plan.block == "basic":
            blocks.append(BasicBlock(in_channels, PLANES[number], stride=stride))
        else:
            shape = {"groups": plan.groups, "width_per_group": plan.width_per_group}
            blocks.append(Bottleneck(in_channels, PLANES[number], stride=stride, **shape))
        in_channels = plan.widths[number]
    return blocks


def _fold_numbered(module: nn.Module) -> None:
    """Put ``bn1`` into ``conv1``, and so on; a module's attributes are replaced."""
    for name, conv in list(module.named_children()):
        norm = getattr(module, name.replace("conv", "bn"), None)
        if name.startswith("conv") and isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            setattr(module, name, fuse_conv_bn_eval(conv, norm))
            setattr(module, name.replace("conv", "bn"), nn.Identity())
