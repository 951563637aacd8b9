"""Where the output of an axial network looks, pixel by pixel: fast enough to follow a pointer.

The network runs once over each tile that is asked about. Kept of it is only what went into each layer, a few megabytes,
from which the attention of a single pixel follows exactly. Tiles are kept as long as they fit into a budget; the one
that was not asked about for longest goes first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from src_models.computing.execution import Execution, choose_execution, prepare
from src_models.errors import UserError
from src_models.images.axes import AxesReading
from src_models.images.grey.grey_range import GreyRange
from src_models.images.model_image import ModelImage
from src_models.models.checkpoint import Model
from src_models.nets.axial.attention import AxialAttention, AxialBlock, axial_blocks
from src_models.nets.kernels.axial import in_single
from src_models.nets.kernels.axial_plain import RelativePositions, attention_matrix, attention_row
from src_models.nets.network import stride_of
from src_models.prediction.tiling import Tile, Tiling

__all__ = ["BUDGET", "AxialProbe", "Heads", "PointedMap"]

BUDGET = 256 * 2**20

Heads = tuple[int | None, int | None] | None


@dataclass(frozen=True, slots=True)
class PointedMap:
    """Where the output at one pixel looks.

    Parameters
    ----------
    weights
        (H, W) float32 over the cells of a tile's grid, which sum to 1; the tile may reach beyond the image.
    scale, translate
        Pixels of the image per cell, and where (px) the centre of the first cell lies, along height and width.
    query
        Where (px) the centre of the cell lies that the pixel belongs to.
    """

    weights: NDArray[np.float32]
    scale: tuple[float, float]
    translate: tuple[float, float]
    query: tuple[float, float]


class AxialProbe:
    """A model that was shown an image and can be asked, for any pixel, where an axial block looks.

    Parameters
    ----------
    image
        NumPy, dask or zarr array; only the tiles that are asked about are read.
    model
        A network of axial attention.
    axes
        Axes of the image, such as ``"TYX"``, or how they were read; None works them out.
    grey_range
        The range of grey values that a person chose; None as the model was made.
    zoom
        Factor by which the image is resized first: that of the run whose result is looked at.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    budget
        Bytes that may be kept of tiles.
    name
        What to call the image in errors.

    Raises
    ------
    UserError
        If the model has no axial attention, or does not fit the image.
    """

    def __init__(
        self,
        image: Any,
        model: Model,
        *,
        axes: str | AxesReading | None = None,
        grey_range: GreyRange | None = None,
        zoom: float = 1.0,
        device: str = "auto",
        budget: int = BUDGET,
        name: str = "the image",
    ) -> None:
        header = model.header
        self._image = ModelImage(image, header, axes=axes, intensity=grey_range, name=name)
        self._image.check_colours()
        self._zoom = zoom
        self.budget = budget
        self._execution = choose_execution(device)
        self._network = prepare(model.network, self._execution)
        self._blocks = axial_blocks(self._network)
        if not self._blocks:
            raise UserError(f"the model {header.name!r} is a {header.architecture}, which has no axial attention")
        shape = self._image.plane(next(iter(self._image.planes)), zoom).shape
        self._zooms = tuple(m / n for m, n in zip(shape, self._image.planes.shape, strict=True))
        self._tiling = Tiling(shape, header.tile, header.overlap, stride_of(self._network))
        self._kept: OrderedDict[tuple[tuple[int, ...], Tile], _Seen] = OrderedDict()

    @property
    def blocks(self) -> list[str]:
        """Names of the blocks that can be asked, such as ``"global 2.1"``."""
        return list(self._blocks)

    @property
    def kept_bytes(self) -> int:
        """Bytes that are kept of tiles."""
        return sum(seen.bytes for seen in self._kept.values())

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
        self._check(pixel, heads, asked)
        nearest, tile = self._nearest(pixel)
        seen = self._seen(tile, plane)
        cell = _cell(asked, nearest, tile)
        with torch.inference_mode():
            place = _place(asked, seen, cell)
            weights = _in_whole(asked, _product(asked, seen, place, heads), place)
        return self._placed(weights, tile, asked, cell)

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
        self._check(pixel, None, last)
        nearest, tile = self._nearest(pixel)
        seen = self._seen(tile, plane)
        with torch.inference_mode():
            place = _place(last, seen, _cell(last, nearest, tile))
            weights = torch.zeros(seen.inputs[last.height].shape[2:], device=self._execution.device)
            weights[place.row, place.column] = 1
            for block in reversed(blocks):
                if weights.shape != seen.inputs[block.height].shape[2:]:  # the block after works on half the grid
                    weights = weights.repeat_interleave(2, 0).repeat_interleave(2, 1) / 4
                weights = (weights + _passed_on(block, seen, place.patch, weights)) / 2
            weights = _in_whole(first, weights, place)
        self._shrink()
        return self._placed(weights, tile, last, _cell(last, nearest, tile), grid=first)

    def _nearest(self, pixel: tuple[float, float]) -> tuple[tuple[int, int], Tile]:
        """Return the pixel of the resized image that is nearest, and the tile that decides about it."""
        zoomed = [(place + 0.5) * zoom - 0.5 for place, zoom in zip(pixel, self._zooms, strict=True)]
        row, column = (min(max(round(z), 0), n - 1) for z, n in zip(zoomed, self._tiling.shape, strict=True))
        return (row, column), self._tiling.tile_at((row, column))

    def _placed(
        self, weights: Tensor, tile: Tile, asked: AxialBlock, cell: tuple[int, int], *, grid: AxialBlock | None = None
    ) -> PointedMap:
        """Say where the weights over a grid lie, and where the cell does that a block was asked about."""

        def lattice(block: AxialBlock) -> tuple[tuple[float, float], tuple[float, float]]:
            stride = block.taps.received.stride
            height, width = (stride / zoom for zoom in self._zooms)
            top, left = (start / zoom for start, zoom in zip(tile.start, self._zooms, strict=True))
            return (height, width), (top + height / 2 - 0.5, left + width / 2 - 0.5)

        scale, translate = lattice(grid or asked)
        (height, width), (top, left) = lattice(asked)
        query = (top + cell[0] * height, left + cell[1] * width)
        return PointedMap(weights.float().cpu().numpy(), scale, translate, query)

    def _block(self, name: str) -> AxialBlock:
        if name not in self._blocks:
            raise UserError(f"the network has no axial block {name!r}; choose from {', '.join(self._blocks)}")
        return self._blocks[name]

    def _check(self, pixel: tuple[float, float], heads: Heads, block: AxialBlock) -> None:
        height, width = self._image.planes.shape
        if not (-0.5 <= pixel[0] <= height - 0.5 and -0.5 <= pixel[1] <= width - 0.5):
            raise UserError(f"the pixel {pixel} lies outside of the image, which has {height} x {width}")
        count = block.height.heads
        if not all(head is None or 0 <= head < count for head in heads or ()):
            raise UserError(f"there are the heads 0 to {count - 1}, and not both of {heads}")

    def _seen(self, tile: Tile, plane: tuple[int, ...]) -> _Seen:
        """Return what was kept of a tile, or run the network over it."""
        key = (plane, tile)
        if key not in self._kept:
            batch = torch.from_numpy(self._image.plane(plane, self._zoom).read(tile.region)[None])
            with _inputs_of_layers(self._network) as inputs:
                self._execution(self._network, batch)
            self._kept[key] = _Seen(inputs, self._execution)
        self._kept.move_to_end(key)
        self._shrink()
        return self._kept[key]

    def _shrink(self) -> None:
        """Let go of what does not fit into the budget; the tile in use stays."""
        while self.kept_bytes > self.budget and len(self._kept) > 1:
            self._kept.popitem(last=False)


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


def _cell(block: AxialBlock, pixel: tuple[int, int], tile: Tile) -> tuple[int, int]:
    stride = block.taps.received.stride
    return (pixel[0] - tile.start[0]) // stride, (pixel[1] - tile.start[1]) // stride


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
