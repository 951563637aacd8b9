"""Medical Transformer and its three ablations (Valanarasu et al. 2021, arXiv 2102.10662).

* :class:`AxialUNet`: the axial attention U-Net and, with gates, the gated axial attention U-Net.
* :class:`LoGoNet`: two branches, a shallow one over the whole image (global) and a deep one over each of its patches
  (local). MedT gates the global branch and lets the local one attend by content alone; LoGo has no gates and positions
  in both.

Two ways to compute them. By default, patches are a quarter of the image at any size, all patches of a batch are
normalised together, gates act after normalisation as equation 3 says, and an image of any size is padded to what the
network needs and the result cropped. With ``compatible=True``, the arithmetic is that of the authors' code, for their
checkpoints: patches of 32 px, whatever the image, in its top left 128 px; while training, each of the 16 patches
normalised on its own; gates before normalisation; and no images larger than the network was made for.
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from src_models.nets.architecture import DECODER, GATES, LearnablePart
from src_models.nets.axial.attention import AxialBlock, PlainConvNorm, gate_parameters
from src_models.nets.medt_architectures import BLOCKS
from src_models.nets.network import Network
from src_models.nets.patches import from_patches, to_patches

__all__ = ["AxialUNet", "LoGoNet"]

WIDTHS = (16, 32, 64, 128)
# Strides of a branch of full depth: 2 in the stem and in each layer but the first, and 2 in the bottom convolution.
COARSEST = 16
PATCHES = 4
COMPATIBLE_PATCH = 32


class AxialBranch(nn.Module):
    """Encoder of axial blocks and decoder of convolutions; the result has 16 channels at the size of the image.

    Parameters
    ----------
    in_channels
        Channels of the image.
    size
        Image size (px) that positions are learned for, or None to attend by content alone.
    stem
        Channels of the stem.
    depth
        Number of layers: 4, or the first 2 without the convolution at the bottom.
    gated, compatible
        As in :class:`~src_models.nets.axial.attention.AxialAttention`.
    name, patches
        The branch's name and the patches per side it works on, for what is recorded.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        size: int | None,
        stem: int,
        depth: int,
        gated: bool,
        compatible: bool,
        name: str,
        patches: int = 1,
    ) -> None:
        super().__init__()
        self.stem = nn.ModuleList(
            [
                PlainConvNorm(in_channels, stem, 7, stride=2),
                PlainConvNorm(stem, 128, 3),
                PlainConvNorm(128, stem, 3),
            ]
        )
        self.layers = nn.ModuleList()
        channels, cell = stem, 2
        for number, (width, count) in enumerate(zip(WIDTHS[:depth], BLOCKS, strict=False), start=1):
            layer = nn.Sequential()
            for block in range(1, count + 1):
                stride = 2 if number > 1 and block == 1 else 1
                layer.append(
                    AxialBlock(
                        channels,
                        width,
                        stride=stride,
                        length=None if size is None else size // cell,
                        gated=gated,
                        compatible=compatible,
                        name=f"{name} {number}.{block}",
                        cell=cell,
                        patches=patches,
                    )
                )
                channels, cell = 2 * width, cell * stride
            self.layers.append(layer)
        outputs = [2 * width for width in WIDTHS[:depth]]
        self.bottom: nn.Conv2d | None = None
        if depth == len(WIDTHS):
            self.bottom = nn.Conv2d(outputs[-1], outputs[-1], 3, stride=2, padding=1)
        self.decoder = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1) for o, i in itertools.pairwise([16, *outputs]))

    def forward(self, image: Tensor) -> Tensor:  # (N, C, H, W) -> (N, 16, H, W)
        """Apply the branch."""
        x = image
        for conv in self.stem:
            x = F.relu_(conv(x))
        skips = []
        for layer in self.layers:
            x = layer(x)
            skips.append(x)
        if self.bottom is not None:
            x = _up(self.bottom(x), x) + x
        for level in range(len(self.layers) - 1, 0, -1):
            x = _up(self.decoder[level](x), skips[level - 1]) + skips[level - 1]
        return _up(self.decoder[0](x), image)


class _AxialNetwork(Network):
    """What networks of one and of two branches have in common."""

    stride = 8
    head: nn.Conv2d

    def learnable(self) -> dict[LearnablePart, list[nn.Parameter]]:
        """Return decoder and, of gated networks, gates, which belong to the encoder."""
        drawing = [parameter for module in self._drawing() for parameter in module.parameters()]
        gates = gate_parameters(self)
        return {DECODER: drawing, GATES: gates} if gates else {DECODER: drawing}

    def new_head(self, classes: int) -> list[nn.Parameter]:
        """Put a new last convolution in the place of the present one."""
        self.head = nn.Conv2d(self.head.in_channels, classes, 1)
        return list(self.head.parameters())

    def finest_head(self) -> nn.Module:
        """Return the last convolution."""
        return self.head

    def late(self) -> list[nn.Parameter]:
        """Return the gates."""
        return gate_parameters(self)

    def _drawing(self) -> list[nn.Module]:
        """Return what comes after the encoder."""
        raise NotImplementedError


class AxialUNet(_AxialNetwork):
    """U-Net with an encoder of axial attention, gated or not.

    Parameters
    ----------
    image_size
        Window (px) that positions are learned for, a multiple of 16. Images of other sizes are padded to the window, or
        beyond it to a multiple of 16, and positions are then interpolated.
    in_channels, classes
        Input channels and output classes, the background included.
    gated
        Whether gates weigh the positions.
    compatible
        Compute as the authors' code does.

    Raises
    ------
    ValueError
        If the configuration is contradictory.
    """

    def __init__(
        self,
        *,
        image_size: int = 128,
        in_channels: int = 3,
        classes: int = 2,
        dimensions: int = 2,
        gated: bool = True,
        compatible: bool = False,
    ) -> None:
        super().__init__()
        _check(image_size, dimensions, multiple=2 * COARSEST if compatible else COARSEST)
        self.image_size, self.in_channels, self.compatible = image_size, in_channels, compatible
        self.branch = AxialBranch(
            in_channels, size=image_size, stem=8, depth=4, gated=gated, compatible=compatible, name="block"
        )
        self.head = nn.Conv2d(16, classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (N, classes, H, W) for an image (N, in_channels, H, W).

        Raises
        ------
        ValueError
            If the image has another number of channels than the network, or in the compatible mode is larger.
        """
        x = _fitted(image, self.in_channels, self.image_size, COARSEST, at_most=self.compatible)
        logits: Tensor = self.head(self.branch(x))
        return logits[..., : image.shape[2], : image.shape[3]]

    def deepest(self) -> nn.Module:
        """Return the branch's last layer."""
        return self.branch.layers[-1]

    def _drawing(self) -> list[nn.Module]:
        return [self.branch.decoder, self.head]


class LoGoNet(_AxialNetwork):
    """Local and global branch: MedT (``gated=True``) or LoGo.

    Parameters
    ----------
    image_size
        Window (px) that positions are learned for, a multiple of 64. Images of other sizes are padded to the window, or
        beyond it to a multiple of 64, and positions are then interpolated.
    in_channels, classes
        Input channels and output classes, the background included.
    gated
        True makes MedT: gates in the global branch, no positions in the local one.
    compatible
        Compute as the authors' code does.

    Raises
    ------
    ValueError
        If the configuration is contradictory.
    """

    def __init__(
        self,
        *,
        image_size: int = 128,
        in_channels: int = 3,
        classes: int = 2,
        dimensions: int = 2,
        gated: bool = True,
        compatible: bool = False,
    ) -> None:
        super().__init__()
        _check(image_size, dimensions, multiple=PATCHES * COARSEST)
        if compatible and image_size < PATCHES * COMPATIBLE_PATCH:
            raise ValueError(
                f"image_size {image_size!r} must be at least {PATCHES * COMPATIBLE_PATCH}, which is what the authors' "
                "code cuts into patches"
            )
        self.image_size, self.in_channels, self.compatible = image_size, in_channels, compatible
        self.global_branch = AxialBranch(
            in_channels, size=image_size, stem=8, depth=2, gated=gated, compatible=compatible, name="global"
        )
        self.local_branch = AxialBranch(
            in_channels,
            size=None if gated else image_size // PATCHES,
            stem=64,
            depth=4,
            gated=False,
            compatible=compatible,
            name="local",
            patches=PATCHES,
        )
        self.fuse = nn.Conv2d(16, 16, 3, padding=1)
        self.head = nn.Conv2d(16, classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (N, classes, H, W) for an image (N, in_channels, H, W).

        Raises
        ------
        ValueError
            If the image has another number of channels than the network, or in the compatible mode is larger.
        """
        x = _fitted(image, self.in_channels, self.image_size, PATCHES * COARSEST, at_most=self.compatible)
        whole = self.global_branch(x)
        logits: Tensor = self.head(F.relu_(self.fuse(whole + self._local(x, whole))))
        return logits[..., : image.shape[2], : image.shape[3]]

    def deepest(self) -> nn.Module:
        """Return the last layer of the global branch, which sees the whole image."""
        return self.global_branch.layers[-1]

    def _drawing(self) -> list[nn.Module]:
        return [self.global_branch.decoder, self.local_branch.decoder, self.fuse, self.head]

    def _local(self, image: Tensor, whole: Tensor) -> Tensor:
        """Return the local branch's features in their places, (N, 16, H, W)."""
        if not self.compatible:
            return from_patches(self.local_branch(to_patches(image, PATCHES)), PATCHES)
        covered = PATCHES * COMPATIBLE_PATCH
        patches = to_patches(image[..., :covered, :covered], PATCHES)
        if self.training:  # one patch after the other, as far as norms are concerned
            numbers = torch.arange(len(patches), device=image.device).view(-1, PATCHES**2)
            parts = [self.local_branch(patches[numbers[:, place]]) for place in range(PATCHES**2)]
            found = torch.stack(parts, dim=1).flatten(0, 1)
        else:
            found = self.local_branch(patches)
        local = whole.clone()
        local[..., :covered, :covered] = from_patches(found, PATCHES)
        return local


def _up(x: Tensor, like: Tensor) -> Tensor:
    return F.relu_(F.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=False))


def _check(image_size: int, dimensions: int, *, multiple: int) -> None:
    if dimensions != 2:
        raise ValueError(f"dimensions {dimensions!r} must be 2: axial attention here has a height and a width")
    if image_size < 1 or image_size % multiple:
        raise ValueError(f"image_size {image_size!r} must be a multiple of {multiple}")


def _fitted(image: Tensor, channels: int, window: int, multiple: int, *, at_most: bool) -> Tensor:
    """Repeat the last row and column until the window is filled, or beyond it a multiple."""
    if image.shape[1] != channels:
        raise ValueError(f"the network takes {channels} channels, the image has {image.shape[1]}")
    height, width = image.shape[2:]
    if at_most and max(height, width) > window:
        raise ValueError(
            f"with the authors' arithmetic this network takes at most {window} x {window} px, the image has "
            f"{height} x {width}"
        )
    missing = [max(window, -(-size // multiple) * multiple) - size for size in (height, width)]
    if not any(missing):
        return image
    return F.pad(image, (0, missing[1], 0, missing[0]), mode="replicate")
