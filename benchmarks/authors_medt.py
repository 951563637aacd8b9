"""The slow truth: the networks of the MedT paper with the arithmetic of the authors' code, step by step.

Benchmarks measure our Medical Transformer against these networks, and tests compare their numbers. Nothing here is made
fast and nothing is made slow: the sequences of an axis are copied by permute, contiguous and view, the embedding of
every pair of places is gathered from its table at every pass, the three similarities are concatenated and
batch-normalised before the softmax, and the local branch runs sixteen times, once for each patch of 32 x 32 px. The
faults stay in as well: an image is square and of the size that was given at construction, and the sixteen patches cover
128 x 128 px however large the image is.

Parameters and buffers are named as in the authors' state dict, those that their code never uses included, so a
checkpoint of theirs loads with ``strict=True``. The text was written from a description of the arithmetic; none of it
is copied from the authors' code.

References
----------
.. [1] J. M. J. Valanarasu, P. Oza, I. Hacihaliloglu, V. M. Patel, "Medical Transformer: Gated Axial-Attention for
   Medical Image Segmentation", MICCAI 2021, arXiv:2102.10662.
.. [2] H. Wang, Y. Zhu, B. Green, H. Adam, A. Yuille, L.-C. Chen, "Axial-DeepLab: Stand-Alone Axial-Attention for
   Panoptic Segmentation", ECCV 2020, arXiv:2003.07853.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["authors_network"]

HEADS = 8
PATCH = 32  # px; the local branch knows no other size
PATCHES_PER_SIDE = 4
WIDTHS = (16, 32, 64, 128)  # of the attention in layer1 to layer4; each block gives out twice as many channels
BLOCKS = (1, 2, 4, 1)


def authors_network(name: str, image_size: int = 128, channels: int = 3, classes: int = 2) -> nn.Module:
    """Build one of the four networks, with random weights and in training mode.

    Parameters
    ----------
    name
        ``"axial-unet"``, ``"gated-axial-unet"``, ``"logo"`` or ``"medt"``.
    image_size
        Height and width of the images in pixels. A multiple of 32 for the first two; 128 for ``"logo"``; a multiple of
        4 and at least 128 for ``"medt"``, which is right at 128 alone.
    channels
        Channels of an image.
    classes
        Channels of the output, raw logits (batch, classes, image_size, image_size).

    Returns
    -------
    nn.Module
        The network. The softmax matrices of an attention layer, (sequences, heads, queries, keys), pass through its
        ``softmax`` module, where a forward hook can read them: ``network.layer1[0].hight_block.softmax``. The gates are
        frozen, as they are for the first epochs of the authors' training.

    Raises
    ------
    ValueError
        There is no network of that name.
    """
    if name not in NETWORKS:
        raise ValueError(f"{name!r} is none of {', '.join(NETWORKS)}")
    return NETWORKS[name](image_size, channels, classes)


class AxialAttention(nn.Module):
    """Attention along one axis with learned relative positions for queries, keys and values.

    Parameters
    ----------
    channels
        Channels in and out.
    length
        Pixels along the axis; no other length works.
    along_width
        Whether the axis is the width; otherwise it is the height.
    stride
        2 halves the resolution after the attention.
    """

    similarities, outputs = 3, 2  # qk, qr and kr; sv and sve

    def __init__(self, channels: int, length: int, *, along_width: bool, stride: int = 1) -> None:
        super().__init__()
        self.channels, self.length, self.along_width, self.stride = channels, length, along_width, stride
        self.head_channels = channels // HEADS
        self.parts = [self.head_channels // 2, self.head_channels // 2, self.head_channels]  # q, k and v of a head
        self.qkv_transform = nn.Conv1d(channels, 2 * channels, 1, bias=False)
        self.bn_qkv = nn.BatchNorm1d(2 * channels)
        self.bn_similarity = nn.BatchNorm2d(self.similarities * HEADS)
        self.bn_output = nn.BatchNorm1d(self.outputs * channels)
        self.softmax = nn.Softmax(dim=3)
        nn.init.normal_(self.qkv_transform.weight, 0, sqrt(1 / channels))
        self.add_positions()
        if stride > 1:
            self.pooling = nn.AvgPool2d(stride, stride)

    def add_positions(self) -> None:
        """Add the table of embeddings, a column per offset, and the column that each pair of places looks up."""
        table = torch.randn(2 * self.head_channels, 2 * self.length - 1)
        self.relative = nn.Parameter(table / sqrt(self.head_channels))
        place = torch.arange(self.length)
        self.register_buffer("flatten_index", (place[:, None] - place + self.length - 1).flatten())

    def forward(self, image: Tensor) -> Tensor:
        """Attend within every row (or column) of an image (N, C, H, W)."""
        lines = image.permute(0, 2, 1, 3) if self.along_width else image.permute(0, 3, 1, 2)
        count, across, channels, length = lines.shape
        sequences = lines.contiguous().view(count * across, channels, length)
        qkv = self.bn_qkv(self.qkv_transform(sequences))
        qkv = qkv.reshape(count * across, HEADS, 2 * self.head_channels, length)
        result = self.attend(*torch.split(qkv, self.parts, dim=2)).view(count, across, channels, length)
        result = result.permute(0, 2, 1, 3) if self.along_width else result.permute(0, 2, 3, 1)
        return self.pooling(result) if self.stride > 1 else result

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Turn queries, keys and values (B, heads, c, L) into the sequences (B, C, L) that the layer gives out."""
        sequences, length = len(q), q.shape[-1]
        table = torch.index_select(self.relative, 1, self.flatten_index)
        table = table.view(2 * self.head_channels, self.length, self.length)
        q_table, k_table, v_table = torch.split(table, self.parts, dim=0)

        qk = torch.einsum("bgci,bgcj->bgij", q, k)
        qr = torch.einsum("bgci,cij->bgij", q, q_table)
        kr = torch.einsum("bgci,cij->bgij", k, k_table).transpose(2, 3)
        stacked = self.bn_similarity(torch.cat([qk, *self.gate_similarities(qr, kr)], dim=1))
        attention = self.softmax(stacked.view(sequences, 3, HEADS, length, length).sum(dim=1))

        sv = torch.einsum("bgij,bgcj->bgci", attention, v)
        sve = torch.einsum("bgij,cij->bgci", attention, v_table)
        # Side by side on the last axis, so that after the view the channels of the two alternate.
        stacked = torch.cat(self.gate_values(sv, sve), dim=-1).view(sequences, 2 * self.channels, length)
        return self.bn_output(stacked).view(sequences, self.channels, 2, length).sum(dim=2)

    def gate_similarities(self, qr: Tensor, kr: Tensor) -> tuple[Tensor, Tensor]:
        """Weigh the positional similarities; here, not at all."""
        return qr, kr

    def gate_values(self, sv: Tensor, sve: Tensor) -> tuple[Tensor, Tensor]:
        """Weigh the values and the positional values; here, not at all."""
        return sv, sve


class GatedAxialAttention(AxialAttention):
    """Axial attention with a learned weight for each of its positional terms and for the values."""

    def add_positions(self) -> None:
        """Add the table and the gates."""
        super().add_positions()
        for gate, start in (("f_qr", 0.1), ("f_kr", 0.1), ("f_sve", 0.1), ("f_sv", 1.0)):
            self.register_parameter(gate, nn.Parameter(torch.tensor(start), requires_grad=False))

    def gate_similarities(self, qr: Tensor, kr: Tensor) -> tuple[Tensor, Tensor]:
        """Weigh the positional similarities."""
        return torch.mul(qr, self.f_qr), torch.mul(kr, self.f_kr)

    def gate_values(self, sv: Tensor, sve: Tensor) -> tuple[Tensor, Tensor]:
        """Weigh the values and the positional values."""
        return torch.mul(sv, self.f_sv), torch.mul(sve, self.f_sve)


class PositionlessAxialAttention(AxialAttention):
    """Axial attention that knows no positions and therefore works at any length."""

    similarities, outputs = 1, 1  # qk; sv

    def add_positions(self) -> None:
        """Add nothing."""

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Turn queries, keys and values (B, heads, c, L) into the sequences (B, C, L) that the layer gives out."""
        attention = self.softmax(self.bn_similarity(torch.einsum("bgci,bgcj->bgij", q, k)))
        sv = torch.einsum("bgij,bgcj->bgci", attention, v)
        return self.bn_output(sv.reshape(len(q), self.channels, q.shape[-1]))


class AxialBlock(nn.Module):
    """Residual bottleneck whose middle is attention along the height, then along the width.

    Parameters
    ----------
    inputs
        Channels in.
    width
        Channels of the attention; the block gives out twice as many.
    length
        Height and width of the input.
    stride
        2 halves the resolution.
    attention
        Class of the attention layers.
    """

    def __init__(self, inputs: int, width: int, length: int, stride: int, attention: type[AxialAttention]) -> None:
        super().__init__()
        self.conv_down = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        if attention is PositionlessAxialAttention:
            self.conv1 = nn.Conv2d(width, width, 1)  # in every checkpoint, and never used
        self.hight_block = attention(width, length, along_width=False)
        self.width_block = attention(width, length, along_width=True, stride=stride)
        self.conv_up = nn.Conv2d(width, 2 * width, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(2 * width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or inputs != 2 * width:
            shortcut = nn.Conv2d(inputs, 2 * width, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(2 * width))

    def forward(self, image: Tensor) -> Tensor:
        """Features (N, 2 * width, H / stride, W / stride) of an image (N, inputs, H, W)."""
        identity = image if self.downsample is None else self.downsample(image)
        hidden = self.relu(self.bn1(self.conv_down(image)))
        hidden = self.relu(self.width_block(self.hight_block(hidden)))
        hidden = self.bn2(self.conv_up(hidden))
        hidden += identity
        return self.relu(hidden)


def axial_layer(inputs: int, level: int, length: int, attention: type[AxialAttention]) -> nn.Sequential:
    """Blocks of one level (0 to 3) of an encoder; from level 1 on, the first of them halves the resolution."""
    width, stride = WIDTHS[level], 1 if level == 0 else 2
    blocks = [AxialBlock(inputs, width, length, stride, attention)]
    blocks += [AxialBlock(2 * width, width, length // stride, 1, attention) for _ in range(1, BLOCKS[level])]
    return nn.Sequential(*blocks)


class Branches(nn.Module):
    """What all four networks are made of: branches of a stem, an encoder and a decoder, told apart by a suffix.

    The modules of a branch lie side by side at the top level of the network, because their names in the state dict do:
    ``conv1`` of the first branch, ``conv1_p`` of the local one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU(inplace=True)

    def add_stem(self, suffix: str, channels: int, width: int) -> None:
        """Add three convolutions, of which the first halves the resolution."""
        convolutions = (
            nn.Conv2d(channels, width, 7, stride=2, padding=3, bias=False),
            nn.Conv2d(width, 128, 3, padding=1, bias=False),
            nn.Conv2d(128, width, 3, padding=1, bias=False),
        )
        for number, convolution in enumerate(convolutions, start=1):
            self.add_module(f"conv{number}{suffix}", convolution)
            self.add_module(f"bn{number}{suffix}", nn.BatchNorm2d(convolution.out_channels))

    def add_encoder(self, suffix: str, inputs: int, lengths: tuple[int, ...], attention: type[AxialAttention]) -> None:
        """Add a layer per length, the height and width of that layer's input."""
        for level, length in enumerate(lengths):
            self.add_module(f"layer{level + 1}{suffix}", axial_layer(inputs, level, length, attention))
            inputs = 2 * WIDTHS[level]

    def add_decoder(self, suffix: str) -> None:
        """Add the five convolutions of a whole decoder."""
        self.add_module(f"decoder1{suffix}", nn.Conv2d(256, 256, 3, stride=2, padding=1))
        for number, width in zip(range(2, 6), (256, 128, 64, 32), strict=True):
            self.add_module(f"decoder{number}{suffix}", nn.Conv2d(width, width // 2, 3, padding=1))

    def stem(self, image: Tensor, suffix: str = "") -> Tensor:
        """Features at half the resolution of an image."""
        for number in (1, 2, 3):
            convolution, norm = getattr(self, f"conv{number}{suffix}"), getattr(self, f"bn{number}{suffix}")
            image = self.relu(norm(convolution(image)))
        return image

    def whole_branch(self, image: Tensor, suffix: str = "") -> Tensor:
        """Sixteen channels at the resolution of the image, through all four layers and the whole decoder."""
        features = [self.stem(image, suffix)]
        for number in (1, 2, 3, 4):
            features.append(getattr(self, f"layer{number}{suffix}")(features[-1]))
        _, *skips, deepest = features
        hidden = torch.add(upsampled(getattr(self, f"decoder1{suffix}"), deepest), deepest)
        for number, skip in zip((2, 3, 4), reversed(skips), strict=True):
            hidden = torch.add(upsampled(getattr(self, f"decoder{number}{suffix}"), hidden), skip)
        return upsampled(getattr(self, f"decoder5{suffix}"), hidden)


def upsampled(convolution: Callable[[Tensor], Tensor], image: Tensor) -> Tensor:
    """Convolve, double the resolution, cut off below zero: in this order."""
    larger = functional.interpolate(convolution(image), scale_factor=(2, 2), mode="bilinear", align_corners=False)
    return functional.relu(larger)


class AxialUNet(Branches):
    """U-shaped network with axial attention in its encoder.

    Parameters
    ----------
    image_size
        Height and width of the images in pixels, a multiple of 32.
    channels
        Channels of an image.
    classes
        Channels of the output.
    """

    attention: type[AxialAttention] = AxialAttention

    def __init__(self, image_size: int, channels: int, classes: int) -> None:
        super().__init__()
        half = image_size // 2
        self.add_stem("", channels, 8)
        self.add_encoder("", 8, (half, half, half // 2, half // 4), self.attention)
        self.add_decoder("")
        self.adjust = nn.Conv2d(16, classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (N, classes, S, S) of an image (N, channels, S, S)."""
        return self.adjust(functional.relu(self.whole_branch(image)))


class GatedAxialUNet(AxialUNet):
    """U-shaped network with gated axial attention in its encoder."""

    attention = GatedAxialAttention


class LoGo(Branches):
    """A shallow branch that sees the image and a deep one that sees it in sixteen patches of 32 x 32 px.

    Parameters
    ----------
    image_size
        Height and width of the images in pixels: 128. At other sizes the local attention has the wrong length.
    channels
        Channels of an image.
    classes
        Channels of the output.
    """

    attention: type[AxialAttention] = AxialAttention
    local_attention: type[AxialAttention] = AxialAttention

    def __init__(self, image_size: int, channels: int, classes: int) -> None:
        super().__init__()
        half = image_size // 2
        self.add_stem("", channels, 8)
        self.add_encoder("", 8, (half, half), self.attention)
        self.decoder4 = nn.Conv2d(64, 32, 3, padding=1)
        self.decoder5 = nn.Conv2d(32, 16, 3, padding=1)
        self.adjust = nn.Conv2d(16, classes, 1)

        half = image_size // PATCHES_PER_SIDE // 2
        self.add_stem("_p", channels, 64)
        self.add_encoder("_p", 64, (half, half, half // 2, half // 4), self.local_attention)
        self.add_decoder("_p")
        self.adjust_p = nn.Conv2d(16, classes, 1)  # in every checkpoint, and never used
        self.decoderf = nn.Conv2d(16, 16, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (N, classes, S, S) of an image (N, channels, S, S)."""
        whole = self.global_branch(image)
        both = torch.add(whole, self.with_patches(image, whole))
        return self.adjust(functional.relu(functional.relu(self.decoderf(both))))

    def global_branch(self, image: Tensor) -> Tensor:
        """Sixteen channels at the resolution of the image, through two layers."""
        fine = self.layer1(self.stem(image))
        hidden = torch.add(upsampled(self.decoder4, self.layer2(fine)), fine)
        return upsampled(self.decoder5, hidden)

    def with_patches(self, image: Tensor, whole: Tensor) -> Tensor:
        """Overwrite a copy of the global branch's result with what the local branch makes of each patch in turn."""
        result = whole.clone()
        for i in range(PATCHES_PER_SIDE):
            for j in range(PATCHES_PER_SIDE):
                window = (..., slice(PATCH * i, PATCH * (i + 1)), slice(PATCH * j, PATCH * (j + 1)))
                result[window] = self.whole_branch(image[window], "_p")
        return result


class MedT(LoGo):
    """LoGo with gates in the global branch and without positions in the local one.

    Parameters
    ----------
    image_size
        Height and width of the images in pixels, a multiple of 4 and at least 128. Beyond the 128 x 128 px that the
        patches cover, the result of the global branch is added to itself.
    channels
        Channels of an image.
    classes
        Channels of the output.
    """

    attention = GatedAxialAttention
    local_attention = PositionlessAxialAttention


NETWORKS: dict[str, Callable[[int, int, int], nn.Module]] = {
    "axial-unet": AxialUNet,
    "gated-axial-unet": GatedAxialUNet,
    "logo": LoGo,
    "medt": MedT,
}
