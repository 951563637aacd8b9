"""Vision Transformer (Dosovitskiy et al. 2021, arXiv 2010.11929): every token attends to all others.

Tokens are patches of the image, to which learnt positions are added; blocks are norm, attention, norm, MLP, each with a
sum around it (equations 1 to 4). What goes into the last layer is the mean of the last tokens, which is as good as a
token of its own and lets each place be told from the others (Beyer et al. 2022, arXiv 2205.01580); the paper's class
token can be chosen. Images of another size than the network was made for are taken: positions are interpolated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from src_models.nets.architecture import ATTENTION, HEAD, LearnablePart
from src_models.nets.classifier import Classifier
from src_models.nets.tap import TOKENS, AttentionTap
from src_models.nets.vit.embedding import PatchEmbedding
from src_models.nets.vit.layers import FinalNorm, Mlp, StochasticDepth, initialise, rising_rates
from src_models.nets.vit.sizes import SIZES

__all__ = ["Block", "Pool", "TokenAttention", "VisionTransformer"]

Pool = Literal["average", "token"]


class TokenAttention(nn.Module):
    """Attention of every token to all tokens.

    Parameters
    ----------
    channels, heads
        Of the tokens; each head has ``channels / heads`` channels.
    name, stride, first
        Of the taps: ``NAME matrix``, the weights (N, heads, tokens, tokens), and ``NAME received``, how much all tokens
        attend to each patch (N, 1, H, W), of which 1 is the mean over tokens. Of a sequence, the tokens before the
        first patch are `first`.
    """

    def __init__(self, channels: int, heads: int, *, name: str, stride: int, first: int) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"{channels} channels cannot be shared by {heads} heads")
        self.heads, self.first = heads, first
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        where = f"{name}, 1 cell = {stride} px: "
        self.matrix = AttentionTap(
            name=f"{name} matrix",
            kind=TOKENS,
            level=1,
            stride=stride,
            description=where + "weights of every token, query by key",
        )
        self.received = AttentionTap(
            name=f"{name} received",
            kind="attention received",
            level=1,
            stride=stride,
            description=where + "how much all tokens attend to this one (1: average)",
        )

    def forward(self, x: Tensor, grid: tuple[int, int]) -> Tensor:  # (N, tokens, C) -> (N, tokens, C)
        """Attend; `grid` is that of the patches among the tokens."""
        images, length, _ = x.shape
        query, key, value = self.qkv(x).view(images, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)  # N, heads, L, D
        told = self.matrix.heard or self.received.heard
        if told and torch.is_grad_enabled():  # who listens may want gradients of the weights
            weights = self._weights(query, key)
            self._tell(weights, grid)
            mixed = weights @ value
        else:
            if told:
                self._tell(self._weights(query, key), grid)
            mixed = F.scaled_dot_product_attention(query, key, value)
        return self.proj(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]

    def _weights(self, query: Tensor, key: Tensor) -> Tensor:
        with torch.autocast(query.device.type, enabled=False):  # rows of halves would not sum to 1
            single = torch.promote_types(query.dtype, torch.float32)
            similarity = query.to(single) @ key.to(single).transpose(-2, -1)
            return torch.softmax(similarity * query.shape[-1] ** -0.5, dim=-1)

    def _tell(self, weights: Tensor, grid: tuple[int, int]) -> None:
        self.matrix(weights)
        if self.received.heard:
            with torch.no_grad():
                self.received(weights.mean(1).sum(1)[:, self.first :].reshape(-1, 1, *grid))


class Block(nn.Module):
    """Attention and an MLP, each after a norm and with a sum around it."""

    def __init__(self, channels: int, heads: int, *, drop_path: float, name: str, stride: int, first: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = TokenAttention(channels, heads, name=name, stride=stride, first=first)
        self.drop_path = StochasticDepth(drop_path)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Mlp(channels)

    def forward(self, x: Tensor, grid: tuple[int, int]) -> Tensor:  # (N, tokens, C) -> (N, tokens, C)
        """Apply the block."""
        x = x + self.drop_path(self.attention(self.norm1(x), grid))
        return x + self.drop_path(self.mlp(self.norm2(x)))  # type: ignore[no-any-return]


class VisionTransformer(Classifier):
    """Vision Transformer; see the module's text.

    Parameters
    ----------
    in_channels, classes
        Channels of the image, and classes.
    dimensions
        2.
    image_size
        Size (px) of the images that positions are learnt for.
    size
        ``"small"``, or ``"paper"``: ViT-B/16.
    patch, width, depth, heads
        Size of a patch (px), channels of a token, blocks, and heads of each, in place of the size's own.
    pool
        ``"average"``: the mean of the last tokens is classified. ``"token"``: a token of its own is, the paper's.
    drop_path
        Stochastic depth of the last block; it grows from 0 at the first.

    Raises
    ------
    ValueError
        If the configuration is contradictory.
    """

    def __init__(
        self,
        *,
        in_channels: int = 3,
        classes: int = 2,
        dimensions: int = 2,
        image_size: int = 72,
        size: str = "small",
        patch: int | None = None,
        width: int | None = None,
        depth: int | None = None,
        heads: int | None = None,
        pool: Pool = "average",
        drop_path: float = 0.1,
    ) -> None:
        super().__init__()
        if dimensions != 2:
            raise ValueError(f"dimensions {dimensions!r} must be 2: a patch here has a height and a width")
        if size not in SIZES:
            raise ValueError(f"size {size!r} is not one of {', '.join(SIZES)}")
        if pool not in ("average", "token"):
            raise ValueError(f"pool {pool!r} is not one of average, token")
        named = SIZES[size]
        patch, width, heads = patch or named.patch, width or named.width, heads or named.heads
        depth = depth or named.depth
        if image_size < 1:
            raise ValueError(f"image_size {image_size!r} must be at least 1")
        self.stride = patch
        first = int(pool == "token")
        side = -(-image_size // patch)
        self.embedding = PatchEmbedding(in_channels, width, patch, norm=False)
        self.positions = nn.Parameter(torch.empty(1, side, side, width))
        self.token = nn.Parameter(torch.zeros(1, 1, width)) if first else None
        nn.init.trunc_normal_(self.positions, std=0.02)
        self.blocks = nn.ModuleList(
            Block(width, heads, drop_path=rate, name=f"layer {number}", stride=patch, first=first)
            for number, rate in enumerate(rising_rates(drop_path, depth), start=1)
        )
        self.final_norm = FinalNorm(width)
        self.head = nn.Linear(width, classes)
        initialise(self)

    def forward(self, image: Tensor) -> Tensor:  # (N, in_channels, H, W) -> (N, classes)
        """Return logits.

        Raises
        ------
        ValueError
            If the image has another number of channels than the network.
        """
        patches = self.embedding(image)
        grid = (patches.shape[1], patches.shape[2])
        x = (patches + self._positions(grid)).flatten(1, 2)
        if self.token is not None:
            x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1)
        for block in self.blocks:
            x = block(x, grid)
        if self.token is not None:
            return self.head(self.final_norm(x[:, None, :1])[:, :, 0, 0])  # type: ignore[no-any-return]
        return self.head(self.final_norm(x.reshape(len(x), *grid, -1)).mean((2, 3)))  # type: ignore[no-any-return]

    @property
    def layers(self) -> list[Block]:
        """The blocks in their order."""
        return [block for block in self.blocks if isinstance(block, Block)]

    def learnable(self) -> Mapping[LearnablePart, list[nn.Parameter]]:
        """Return the last layer, and the layers of attention."""
        looking = [parameter for block in self.layers for parameter in block.attention.parameters()]
        return {HEAD: list(self.head.parameters()), ATTENTION: looking}

    def deepest(self) -> nn.Module:
        """Return the last norm; of a network with a class token its result is that token's, on a grid of one cell."""
        return self.final_norm

    def new_head(self, classes: int) -> list[nn.Parameter]:
        """Put an untrained linear layer in place of the last."""
        self.head = nn.Linear(self.head.in_features, classes).to(self.head.weight.device)
        initialise(self.head)
        return list(self.head.parameters())

    def _positions(self, grid: tuple[int, int]) -> Tensor:
        if self.positions.shape[1:3] == grid:
            return self.positions
        whole = self.positions.permute(0, 3, 1, 2)
        fitted = F.interpolate(whole, size=grid, mode="bicubic", align_corners=False, antialias=False)
        return fitted.permute(0, 2, 3, 1)
