"""Attention of every cell to those in its window (W-MSA and SW-MSA of Swin Transformer, arXiv 2103.14030, Section 3.2).

``softmax(q k^T / sqrt(d) + B) v`` for each head, where B is learnt for each displacement from key to query within a
window. What is fast differs between its two uses:

* Where a network only predicts, weights are never written: torch's ``scaled_dot_product_attention`` computes the result
  from queries, keys, values, and B with the mask of windows that are not whole. These are laid out once, by one gather
  of rows; small windows go through it in groups, since it takes about as long for 18 tokens as for 9.
* Where gradients are wanted, B is learnt, which that function computes no faster than the equation as it stands; and
  the weights are there for whoever wants to see them or their gradients.

The equation as it stands is also what is traced for other programs: how many windows go together, and for how many
images a mask is repeated, depends on the number of images, which a graph does not know.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from src_models.nets.med_former.lattice import WindowLattice
from src_models.nets.tap import WINDOWS, AttentionTap

__all__ = ["WindowAttention", "attend"]

# Windows of so few places go together, as long as they have no more places than this in all.
_FEW, _TOGETHER = 12, 36
# Of a mask with more numbers than this, it is faster to go image by image than to repeat it for each.
_LARGE = 32_768


class WindowAttention(nn.Module):
    """Attention within windows of a grid.

    Parameters
    ----------
    channels, heads
        Of the features; each head has ``channels / heads`` channels.
    window
        Cells per side of a window.
    shifted
        Whether windows are shifted by half of their size.
    name, level, stride
        As in :class:`~src_models.nets.tap.AttentionTap`; the taps are ``NAME matrix``, the weights (N, windows, heads,
        places, places), and ``NAME received``, how much all cells attend to each (N, 1, H, W), of which 1 is the mean.
    """

    folded = False

    def __init__(
        self, channels: int, heads: int, window: int, *, shifted: bool, name: str, level: int, stride: int
    ) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"{channels} channels cannot be shared by {heads} heads")
        self.heads, self.window, self.shifted = heads, window, shifted
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * window - 1) ** 2, heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        where = f"{name}, 1 cell = {stride} px: "
        self.matrix = AttentionTap(
            name=f"{name} matrix",
            kind=WINDOWS,
            level=level,
            stride=stride,
            description=where + "weights within every window, query by key",
            window=window,
            shifted=shifted,
        )
        self.received = AttentionTap(
            name=f"{name} received",
            kind="attention received",
            level=level,
            stride=stride,
            description=where + "how much all cells attend to this one (1: average)",
        )
        self._kept: dict[tuple[WindowLattice, int, int, torch.device, torch.dtype], Tensor] = {}

    def forward(self, x: Tensor) -> Tensor:  # (N, H, W, C) -> (N, H, W, C)
        """Attend."""
        lattice = self.lattice((int(x.shape[1]), int(x.shape[2])))  # a graph is of one grid, whose tables stand in it
        qkv = self.projected(x, lattice)
        if torch.is_grad_enabled() or torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
            weights = self._weights(qkv, lattice)
            self._tell(weights, lattice)
            mixed = weights @ qkv[..., 2, :, :].transpose(2, 3)  # N, windows, heads, places, D
            mixed = mixed.transpose(2, 3).flatten(3)
        else:
            if self.matrix.heard or self.received.heard:
                self._tell(self._weights(qkv, lattice), lattice)
            mixed = self.mixed(qkv, lattice)
        return self.proj(lattice.from_windows(mixed))  # type: ignore[no-any-return]

    def lattice(self, grid: tuple[int, int]) -> WindowLattice:
        """Return the windows over a grid."""
        return WindowLattice.over(grid, self.window, shifted=self.shifted)

    def projected(self, x: Tensor, lattice: WindowLattice) -> Tensor:
        """Return queries, keys and values (N, windows, places, 3, heads, D)."""
        # The less is moved, the better; but nothing is computed for places that hold no cell.
        qkv: Tensor = self.qkv(lattice.to_windows(x)) if lattice.filled else lattice.to_windows(self.qkv(x))
        return qkv.view(*qkv.shape[:3], 3, self.heads, -1)

    def mixed(self, qkv: Tensor, lattice: WindowLattice) -> Tensor:
        """Return what attention takes, (N, windows, places, C), of what was projected, without writing weights."""
        group = _group(lattice, len(qkv))
        return attend(qkv, self._mask(lattice, group, len(qkv), qkv), group)

    def weights(self, x: Tensor) -> Tensor:
        """Return the weights of features (N, H, W, C): (N, windows, heads, places, places), query by key."""
        lattice = self.lattice((x.shape[1], x.shape[2]))
        return self._weights(self.projected(x, lattice), lattice)

    def bias(self, lattice: WindowLattice) -> Tensor:
        """Return B and the mask: (1 or windows, heads, places, places), query by key; 1 where all windows are whole."""
        return _masked(self._positions(lattice), lattice, 1)

    def fold(self) -> None:
        """Keep B and masks from now on, as the table does not change any more."""
        self.folded = True

    def _weights(self, qkv: Tensor, lattice: WindowLattice) -> Tensor:
        query, key, _ = qkv.permute(3, 0, 1, 4, 2, 5)  # N, windows, heads, places, D
        bias = self.bias(lattice)
        with torch.autocast(qkv.device.type, enabled=False):  # rows of halves would not sum to 1
            query = query.to(bias.dtype) * query.shape[-1] ** -0.5
            return torch.softmax(query @ key.to(bias.dtype).transpose(-2, -1) + bias, dim=-1)

    def _tell(self, weights: Tensor, lattice: WindowLattice) -> None:
        self.matrix(weights)
        if self.received.heard:
            with torch.no_grad():
                each = weights.mean(2).sum(2)[..., None]  # places beyond the grid see none of it
                self.received(lattice.from_windows(each).permute(0, 3, 1, 2))

    def _positions(self, lattice: WindowLattice) -> Tensor:
        """Return B: (heads, places, places)."""
        offsets = lattice.offsets(self.window, self.relative_position_bias_table.device)
        return self.relative_position_bias_table[offsets].permute(2, 0, 1)

    def _mask(self, lattice: WindowLattice, group: int, images: int, like: Tensor) -> Tensor:
        """Return B and the mask for groups of windows, once more for each image where that is faster."""
        key = (lattice, group, images, like.device, like.dtype)
        if key not in self._kept:
            mask = _masked(self._positions(lattice), lattice, group).to(like.dtype)
            if len(mask) > 1 and (mask.numel() <= _LARGE or like.device.type != "cpu"):
                mask = mask.repeat(images, 1, 1, 1)
            if not self.folded:
                return mask
            self._kept.clear()  # an image of another size comes seldom
            self._kept[key] = mask
        return self._kept[key]


def attend(qkv: Tensor, mask: Tensor, group: int = 1) -> Tensor:
    """Return what attention takes in windows, without writing weights.

    Parameters
    ----------
    qkv
        Queries, keys and values (N, windows, places, 3, heads, D).
    mask
        Is added to similarities: (M, heads, group * places, group * places), where M is 1, the groups of windows in an
        image, or those in all images.
    group
        Windows that are one sequence to torch; the mask keeps them apart.

    Returns
    -------
    Tensor, shape (N, windows, places, heads * D)
    """
    images, windows, places, _, heads, depth = qkv.shape
    sequences = images * windows // group
    query, key, value = qkv.reshape(sequences, group * places, 3, heads, depth).permute(2, 0, 3, 1, 4)
    if len(mask) in (1, sequences):
        mask = mask.expand(sequences, -1, -1, -1)
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    else:
        parts = (each.chunk(images) for each in (query, key, value))
        of_images = [F.scaled_dot_product_attention(q, k, v, attn_mask=mask) for q, k, v in zip(*parts, strict=True)]
        mixed = torch.cat([each.transpose(1, 2) for each in of_images]).transpose(1, 2)
    return mixed.transpose(1, 2).reshape(images, windows, places, heads * depth)


def _group(lattice: WindowLattice, images: int) -> int:
    """Return how many windows go together."""
    if lattice.places > _FEW:
        return 1
    among = lattice.windows * (images if lattice.whole else 1)
    fitting = (group for group in (2, 3, 4) if not among % group and group * lattice.places <= _TOGETHER)
    return next(fitting, 1)


def _masked(positions: Tensor, lattice: WindowLattice, group: int) -> Tensor:
    """Return B (heads, places, places) for groups of windows, minus infinity between what does not see one another."""
    places = group * lattice.places
    if lattice.whole:
        if group == 1:
            return positions[None]
        region = torch.arange(places, device=positions.device)[None] // lattice.places
    else:
        region = lattice.tables(positions.device).region.reshape(-1, places)
    apart = region[:, None, :, None] != region[:, None, None, :]
    return positions.repeat(1, group, group).masked_fill(apart, -torch.inf)
