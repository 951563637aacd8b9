"""Where the output of an axial network looks, pixel by pixel.

Kept of a tile is only what went into each layer, from which the attention of a single pixel follows exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor, nn

from src_models.computing.execution import Execution
from src_models.errors import UserError
from src_models.nets.axial.attention import AxialAttention, AxialBlock, axial_blocks
from src_models.nets.kernels.axial import in_single
from src_models.nets.kernels.axial_plain import RelativePositions, attention_matrix, attention_row
from src_models.probing.look_probe import Heads, LookProbe, PointedMap, cell_of

__all__ = ["AxialProbe"]


@dataclass
class _Seen:
    """What is kept of a tile: what went into each layer, and attention (O, L, L) by patch once it was wanted whole."""

    inputs: dict[nn.Module, Tensor]
    execution: Execution
    attention: dict[tuple[nn.Module, int], Tensor] = field(default_factory=dict)

    def similarity(
        self, layer: AxialAttention, patch: int, rows: slice = slice(None)
    ) -> tuple[Tensor, Tensor, Tensor, RelativePositions | None]:
        """Return queries, keys, scale and tables of a patch: projected as the pass did it, then in single precision."""
        with self.execution.autocast():
            query, key, _ = layer.project(self.inputs[layer][patch : patch + 1, :, rows])
        return in_single(query, key, *layer.weigh(query, key))

    @property
    def bytes(self) -> int:
        return sum(tensor.nbytes for tensor in (*self.inputs.values(), *self.attention.values()))


class AxialProbe(LookProbe[_Seen]):
    """A model that was shown an image and can be asked, for any pixel, where an axial block looks.

    Parameters
    ----------
    image, model, axes, grey_range, zoom, device, budget, name
        As in :class:`~src_models.probing.tile_probe.TileProbe`.

    Raises
    ------
    UserError
        If the model has no axial attention, or does not fit the image.
    """

    kind = "axial attention"

    @cached_property
    def _blocks(self) -> dict[str, AxialBlock]:
        return axial_blocks(self._network)

    @property
    def blocks(self) -> list[str]:
        """Names of the blocks that can be asked, such as ``"global 2.1"``."""
        return list(self._blocks)

    @property
    def branches(self) -> list[str]:
        """Names of the branches whose blocks can be asked all together, such as ``"global"``."""
        return list(dict.fromkeys(name.split()[0] for name in self._blocks))

    def heads(self, block: str) -> int:
        """Return the number of heads of a block's layers."""
        return self._block(block).height.heads

    def look(
        self,
        pixel: tuple[float, float],
        block: str,
        *,
        heads: Heads = None,
        plane: tuple[int, ...] = (),
    ) -> PointedMap:
        """Return where a block's output at a pixel looks: ``A_w[y][x, x'] * A_h[x'][y, y']``.

        Parameters
        ----------
        pixel
            Row and column (px) in the image.
        block
            One of :attr:`blocks`.
        heads
            A head of the attention along the height and one of that along the width; None, for either or for both,
            takes the mean over heads.
        plane
            Position along the axes besides height and width.

        Raises
        ------
        UserError
            If there is no such block, head or pixel.
        """
        asked = self._block(block)
        self._check(pixel)
        self._check_heads(heads, asked.height.heads)
        nearest, tile = self._nearest(pixel)
        seen = self._seen(tile, plane)
        cell = cell_of(nearest, tile, asked.taps.received.stride)
        with torch.inference_mode():
            place = _place(asked, seen, cell)
            weights = _in_whole(asked, _product(asked, seen, place, heads), place)
        return self._placed(weights, tile, asked.taps.received.stride, cell)

    def rollout(self, pixel: tuple[float, float], branch: str, *, plane: tuple[int, ...] = ()) -> PointedMap:
        """Return where a branch's deepest block looks at a pixel, followed through all blocks before it.

        Every block passes on half of what it attends to, means over heads, and half of what is in the same place
        (attention rollout; Abnar & Zuidema 2020, arXiv 2005.00928, equation 1). A block that halves its grid takes the
        four cells of each alike.

        Parameters
        ----------
        pixel, plane
            As in :meth:`look`.
        branch
            One of :attr:`branches`.

        Raises
        ------
        UserError
            If there is no such branch or pixel.
        """
        if branch not in self.branches:
            raise UserError(f"the network has no branch {branch!r}; choose from {', '.join(self.branches)}")
        blocks = [block for name, block in self._blocks.items() if name.split()[0] == branch]
        first, last = blocks[0], blocks[-1]
        self._check(pixel)
        nearest, tile = self._nearest(pixel)
        seen = self._seen(tile, plane)
        cell = cell_of(nearest, tile, last.taps.received.stride)
        with torch.inference_mode():
            place = _place(last, seen, cell)
            weights = torch.zeros(seen.inputs[last.height].shape[2:], device=self._execution.device)
            weights[place.row, place.column] = 1
            for block in reversed(blocks):
                if weights.shape != seen.inputs[block.height].shape[2:]:  # the block after works on half the grid
                    weights = weights.repeat_interleave(2, 0).repeat_interleave(2, 1) / 4
                weights = (weights + _passed_on(block, seen, place.patch, weights)) / 2
            weights = _in_whole(first, weights, place)
        self._shrink()
        return self._placed(weights, tile, last.taps.received.stride, cell, grid=first.taps.received.stride)

    def _block(self, name: str) -> AxialBlock:
        if name not in self._blocks:
            raise UserError(f"the network has no axial block {name!r}; choose from {', '.join(self._blocks)}")
        return self._blocks[name]

    def _see(self, batch: Tensor) -> _Seen:
        with _inputs_of_layers(self._network) as inputs:
            self._execution(self._network, batch)
        return _Seen(inputs, self._execution)


class _Place(NamedTuple):
    """A cell: the number of its patch with the patch's row and column, and its own row and column in the patch."""

    patch: int
    patch_row: int
    patch_column: int
    row: int
    column: int


@contextmanager
def _inputs_of_layers(network: nn.Module) -> Iterator[dict[nn.Module, Tensor]]:
    """Collect what goes into each layer of axial attention inside the ``with`` block."""
    inputs: dict[nn.Module, Tensor] = {}

    def keep(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
        inputs[layer] = given[0].detach()

    layers = [module for module in network.modules() if isinstance(module, AxialAttention)]
    handles = [layer.register_forward_pre_hook(keep) for layer in layers]
    try:
        yield inputs
    finally:
        for handle in handles:
            handle.remove()


def _place(block: AxialBlock, seen: _Seen, cell: tuple[int, int]) -> _Place:
    height, width = seen.inputs[block.height].shape[2:]
    (patch_row, row), (patch_column, column) = divmod(cell[0], height), divmod(cell[1], width)
    return _Place(patch_row * block.taps.received.patches + patch_column, patch_row, patch_column, row, column)


def _product(block: AxialBlock, seen: _Seen, place: _Place, heads: Heads) -> Tensor:
    """Return the weights (H, W) that a cell puts on the cells of its patch."""
    its_row = seen.similarity(block.width, place.patch, slice(place.row, place.row + 1))
    along_width = attention_row(*its_row, place.column)[0, 0]  # heads, W
    along_height = attention_row(*seen.similarity(block.height, place.patch), place.row)[0]  # W, heads, H
    head_of_height, head_of_width = heads or (None, None)
    of_row = along_width.mean(0) if head_of_width is None else along_width[head_of_width]
    of_columns = along_height.mean(1) if head_of_height is None else along_height[:, head_of_height]
    return (of_row[:, None] * of_columns).T


def _passed_on(block: AxialBlock, seen: _Seen, patch: int, weights: Tensor) -> Tensor:
    """Return weights (H, W) on a block's output as weights on what goes into it, through its attention alone."""
    rows, columns = (_whole_attention(layer, seen, patch) for layer in (block.width, block.height))
    across = torch.einsum("yx,yxz->yz", weights, rows)
    return torch.einsum("yx,xyz->zx", across, columns)


def _whole_attention(layer: AxialAttention, seen: _Seen, patch: int) -> Tensor:
    """Return the attention (O, L, L) of a patch, means over heads; it is made once."""
    if (layer, patch) not in seen.attention:
        seen.attention[layer, patch] = attention_matrix(*seen.similarity(layer, patch))[0].mean(1)
    return seen.attention[layer, patch]


def _in_whole(block: AxialBlock, weights: Tensor, place: _Place) -> Tensor:
    """Put weights on a patch's cells into the grid of all patches; elsewhere they are 0."""
    height, width = weights.shape
    per_side = block.taps.received.patches
    whole = weights.new_zeros(per_side * height, per_side * width)
    rows = slice(place.patch_row * height, (place.patch_row + 1) * height)
    whole[rows, place.patch_column * width : (place.patch_column + 1) * width] = weights
    return whole
