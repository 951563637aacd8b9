"""Attention U-Net (Oktay et al. 2018, arXiv 1804.03999), in 2D and 3D, and the same network without its gates.

Two forms of the attention gate exist and both are here:

* ``"grid"``, the paper's (Section 3.1 and its official code): the skip features are brought to the *coarser* grid of
  the gating signal by a strided convolution, the coefficients are computed there and resampled to the skip's grid, and
  the finest skip is not gated. Several sub-gates per skip make multi-dimensional attention.
* ``"skip"``, the 2D form most people copied: the gating signal is first brought to the skip's own grid, one coefficient
  per pixel, and every skip is gated, the finest too.

The encoder is the paper's, or one that can begin with what was learnt from photographs
(:mod:`src_models.nets.efficientnet_lite`); gates and decoder are the same.

Input of any size is padded at its far ends to a multiple of the coarsest stride and the result is cropped again, so
cell ``i`` of a map with stride ``s`` covers exactly the pixels ``s * i`` to ``s * (i + 1) - 1``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from src_models.nets.architecture import DECODER, GATES, LearnablePart
from src_models.nets.attention_gates import GridAttentionGate, SkipAttentionGate, gate_tap
from src_models.nets.conv_blocks import CONV, LINEAR, ConvBlock, ConvNorm, NormName, UpConv, initialise
from src_models.nets.efficientnet_lite import lite0_levels, lite0_widths
from src_models.nets.network import Network
from src_models.nets.padding import cropped_like, padded_to_multiple

__all__ = ["AttentionUNet", "EncoderName", "GateForm"]

EncoderName = Literal["unet", "efficientnet-lite0"]

GateForm = Literal["grid", "skip", "none"]
Upsampling = Literal["linear", "conv", "transposed"]

# Of each encoder unless a person says otherwise, the finest level first.
WIDTHS: dict[str, Sequence[int]] = {
    "unet": (32, 64, 128, 256, 512),
    "efficientnet-lite0": (16, *lite0_widths(4)),
}
_TRANSPOSED_CONV = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_MAX_POOL = {2: nn.MaxPool2d, 3: nn.MaxPool3d}


def _up(kind: Upsampling, in_channels: int, out_channels: int, *, dimensions: int, norm: NormName) -> nn.Module:
    if kind == "conv":
        return UpConv(in_channels, out_channels, dimensions=dimensions, norm=norm)
    if kind == "transposed":  # of kernel 2: each coarse cell fills exactly the fine cells it lies over
        return _TRANSPOSED_CONV[dimensions](in_channels, out_channels, 2, stride=2)
    return nn.Identity()


class AttentionUNet(Network):
    """U-Net whose skip connections pass through attention gates; with ``gate="none"`` the plain U-Net.

    Parameters
    ----------
    in_channels, classes
        Input channels and output classes, the background included.
    dimensions
        2 or 3.
    encoder
        ``"unet"`` (the paper's), or ``"efficientnet-lite0"``: two convolutions at full resolution, beside levels that
        are those of EfficientNet-Lite0.
    widths
        Channels of each level from the finest; their number is the depth. By default 32, 64, 128, 256, 512; with
        EfficientNet-Lite0 they are 16, 16, 24, 40, 112, 320, of which the first may be another and the last be missing,
        by default one.
    decoder_widths
        Channels of each level of the decoder, from the finest; by default those of the encoder.
    gate
        ``"grid"`` (the paper's), ``"skip"`` (the common 2D form) or ``"none"``.
    subgates
        Coefficient maps per grid gate: 1, or for example the number of classes.
    gate_norm
        Normalise what goes into a grid gate's sigmoid, as skip gates do. The paper's code does not, and since the
        normalisation *after* its gates undoes any common factor, nothing there keeps a gate from staying wide open or
        shut everywhere, where its coefficients tell nothing.
    deep_supervision
        Predict from every level of the decoder and fuse these by a 1 x 1 convolution, as the paper's code does.
    upsampling
        ``"linear"``: interpolate, then concatenate. ``"conv"``: nearest neighbour and a convolution first.
        ``"transposed"``: a transposed convolution of kernel and stride 2 first, which costs the least.
    decoder_convolutions
        3-wide convolutions in every block of the decoder: 2 as in the paper, or 1, which takes a fifth less time.
    norm
        ``"batch"``, ``"instance"`` or ``"group"``.
    align_corners
        How linear interpolation places samples. False keeps cells of all levels aligned; True is what PyTorch did when
        the paper's code was written, and only its checkpoints need it.

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
        encoder: EncoderName = "unet",
        widths: Sequence[int] | None = None,
        decoder_widths: Sequence[int] | None = None,
        gate: GateForm = "grid",
        subgates: int = 1,
        gate_norm: bool = True,
        deep_supervision: bool = True,
        upsampling: Upsampling = "linear",
        decoder_convolutions: int = 2,
        norm: NormName = "batch",
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        widths = widths or WIDTHS.get(encoder, ())
        _check_encoder(encoder, dimensions=dimensions, widths=widths, norm=norm)
        _check(dimensions=dimensions, widths=widths, gate=gate, subgates=subgates, upsampling=upsampling)
        inner = decoder_widths or widths[:-1]
        _check_decoder(inner, widths=widths, gate=gate)
        if decoder_convolutions not in (1, 2):
            raise ValueError(f"decoder_convolutions {decoder_convolutions!r} must be 1 or 2")
        self.in_channels = in_channels
        self.stride = 2 ** (len(widths) - 1)
        # Over a single cell of one image there is no variance to normalise by.
        self.fewest_cells = 1 if norm == "batch" else 2
        self.mode = LINEAR[dimensions]
        self.align_corners = align_corners
        # EfficientNet sees the image itself, and makes its levels coarser by its own strides.
        self.sees_image = encoder == "efficientnet-lite0"
        if self.sees_image:
            full = ConvBlock(in_channels, widths[0], dimensions=dimensions, norm=norm)
            self.encoder = nn.ModuleList([full, *lite0_levels(in_channels, len(widths) - 1)])
        else:
            inputs = (in_channels, *widths[:-1])
            self.encoder = nn.ModuleList(
                ConvBlock(i, o, dimensions=dimensions, norm=norm) for i, o in zip(inputs, widths, strict=True)
            )
        self.pool = nn.Identity() if self.sees_image else _MAX_POOL[dimensions](2)
        self.gating: nn.Module | None = None
        if gate == "grid" and len(widths) > 2:
            self.gating = ConvNorm(widths[-1], widths[-1], kernel=1, dimensions=dimensions, norm=norm)
        self.gates = nn.ModuleList()
        self.ups = nn.ModuleList()
        self.decoder = nn.ModuleList()
        levels = zip(widths[:-1], inner, (*inner[1:], widths[-1]), strict=True)
        for level, (width, own, below) in enumerate(levels, start=1):
            tap = gate_tap(level)
            if gate == "skip":
                self.gates.append(SkipAttentionGate(width, dimensions=dimensions, norm=norm, tap=tap))
            elif gate == "grid" and level > 1:
                self.gates.append(
                    GridAttentionGate(
                        width,
                        below,
                        subgates=subgates,
                        normalised=gate_norm,
                        dimensions=dimensions,
                        norm=norm,
                        align_corners=align_corners,
                        tap=tap,
                    )
                )
            else:
                self.gates.append(nn.Identity())
            self.ups.append(_up(upsampling, below, own, dimensions=dimensions, norm=norm))
            joined = width + (below if upsampling == "linear" else own)
            self.decoder.append(
                ConvBlock(joined, own, dimensions=dimensions, norm=norm, convolutions=decoder_convolutions)
            )
        self._convolution, self._deep_supervision = CONV[dimensions], deep_supervision
        self._supervised = tuple(inner if deep_supervision else inner[:1])
        self._make_head(classes)
        initialise(self)

    def _make_head(self, classes: int) -> None:
        conv, predictions = self._convolution, len(self._supervised)
        self.heads = nn.ModuleList(conv(width, classes, 1) for width in self._supervised)
        self.final = conv(classes * predictions, classes, 1) if self._deep_supervision else nn.Identity()

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (N, classes, *S) for an image (N, in_channels, *S) of any size *S.

        Raises
        ------
        ValueError
            If the image has another number of channels than the network.
        """
        if image.shape[1] != self.in_channels:
            raise ValueError(f"the network takes {self.in_channels} channels, the image has {image.shape[1]}")
        padded = padded_to_multiple(image, self.stride, fewest=self.fewest_cells)
        return cropped_like(self._decode(self._encode(padded)), image)

    def learnable(self) -> dict[LearnablePart, list[nn.Parameter]]:
        """Return decoder and gates; these are on the way from the encoder to the decoder and belong to it, too."""
        gating = [] if self.gating is None else list(self.gating.parameters())
        gates = list(self.gates.parameters())
        after = [self.ups, self.decoder, self.heads, self.final]
        decoder = [*gating, *gates, *(parameter for module in after for parameter in module.parameters())]
        return {DECODER: decoder, GATES: [*gating, *gates]} if gates else {DECODER: decoder}

    def deepest(self) -> nn.Module:
        """Return the encoder's coarsest block."""
        return self.encoder[-1]

    def finest_head(self) -> nn.Module:
        """Return what predicts from the decoder's finest level."""
        return self.heads[0]

    def _encode(self, image: Tensor) -> list[Tensor]:
        x = self.encoder[0](image)
        skips = [x]
        if self.sees_image:
            x = image
        for block in self.encoder[1:]:
            x = block(self.pool(x))
            skips.append(x)
        return skips

    def new_head(self, classes: int) -> list[nn.Parameter]:
        """Put new predictions in the place of those of every level, and of what fuses them."""
        self._make_head(classes)
        initialise(self.heads)
        initialise(self.final)
        return [*self.heads.parameters(), *self.final.parameters()]

    def _decode(self, skips: list[Tensor]) -> Tensor:
        x = skips[-1]
        predictions: list[Tensor] = []
        for level in reversed(range(len(self.decoder))):
            x = self.decoder[level](self._join(level, skips[level], x))
            if level < len(self.heads):
                predictions.insert(0, self._to_size(self.heads[level](x), skips[0]))
        result: Tensor = self.final(torch.cat(predictions, dim=1) if len(predictions) > 1 else predictions[0])
        return result

    def _join(self, level: int, skip: Tensor, coarse: Tensor) -> Tensor:
        """Concatenate the gated skip features with the coarser ones brought to their grid."""
        gate, up = self.gates[level], self.ups[level]
        fine = self._to_size(coarse, skip) if isinstance(up, nn.Identity) else up(coarse)
        if isinstance(gate, GridAttentionGate):
            coarsest = level == len(self.decoder) - 1
            skip = gate(skip, self.gating(coarse) if coarsest and self.gating is not None else coarse)
        elif isinstance(gate, SkipAttentionGate):
            skip = gate(skip, fine)
        return torch.cat([skip, fine], dim=1)

    def _to_size(self, x: Tensor, like: Tensor) -> Tensor:
        if x.shape[2:] == like.shape[2:]:
            return x
        return F.interpolate(x, size=like.shape[2:], mode=self.mode, align_corners=self.align_corners)


def _check(*, dimensions: int, widths: Sequence[int], gate: str, subgates: int, upsampling: str) -> None:
    if dimensions not in CONV:
        raise ValueError(f"dimensions {dimensions!r} must be 2 or 3")
    if len(widths) < 2 or min(widths) < 1:
        raise ValueError(f"widths {tuple(widths)!r} must be at least two positive numbers")
    if gate not in ("grid", "skip", "none"):
        raise ValueError(f"gate {gate!r} is not one of grid, skip, none")
    if subgates < 1 or (subgates > 1 and gate != "grid"):
        raise ValueError(f"subgates {subgates!r} must be 1, or more with grid gates only")
    if upsampling not in ("linear", "conv", "transposed"):
        raise ValueError(f"upsampling {upsampling!r} is not one of linear, conv, transposed")
    if gate == "skip" and upsampling == "linear":
        raise ValueError(
            "skip gates need upsampling='conv' or 'transposed', which give both their inputs the same channels"
        )


def _check_decoder(inner: Sequence[int], *, widths: Sequence[int], gate: str) -> None:
    if len(inner) != len(widths) - 1 or min(inner) < 1:
        raise ValueError(
            f"decoder_widths {tuple(inner)!r} must be {len(widths) - 1} positive numbers: one less than widths"
        )
    if gate == "skip" and list(inner) != list(widths[:-1]):
        raise ValueError("skip gates need the decoder_widths of the encoder: leave them out, or choose gate='grid'")


def _check_encoder(encoder: str, *, dimensions: int, widths: Sequence[int], norm: str) -> None:
    if encoder not in WIDTHS:
        raise ValueError(f"encoder {encoder!r} is not one of {', '.join(WIDTHS)}")
    if encoder == "unet":
        return
    if dimensions != 2 or norm != "batch":
        raise ValueError(f"the encoder {encoder} is for images in 2D, with norm='batch'")
    if list(widths[1:]) != lite0_widths(len(widths) - 1):
        raise ValueError(
            f"widths {tuple(widths)!r} are not those of the encoder {encoder}: after the first come, as far as wanted, "
            f"{', '.join(str(width) for width in lite0_widths())}"
        )
