"""Where the output of an axial network looks, pixel by pixel: fast enough to follow a pointer.

The network runs once over each tile that is asked about. Kept of it is only what went into each layer, a few megabytes,
from which the attention of a single pixel follows exactly. Tiles are kept as long as they fit into a budget; the one
that was not asked about for longest goes first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from src_models.axes import read_axes
from src_models.channels import check_channels
from src_models.checkpoint import Model
from src_models.errors import UserError
from src_models.execution import choose_execution, prepare
from src_models.nets.axial_attention import AxialAttention, AxialBlock
from src_models.nets.kernels.axial import attention_row
from src_models.plane_source import PlaneSource, normalisations
from src_models.planes import Planes
from src_models.tiling import Tile, Tiling

__all__ = ["AxialProbe", "PointedMap"]

BUDGET = 256 * 2**20


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
        Axes of the image, such as ``"TYX"``; None works them out.
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
        axes: str | None = None,
        zoom: float = 1.0,
        device: str = "auto",
        budget: int = BUDGET,
        name: str = "the image",
    ) -> None:
        header = model.header
        image = image if hasattr(image, "dtype") else np.asarray(image)
        reading = read_axes(image.shape, dtype=image.dtype, axes=axes, dimensions=header.dimensions, name=name)
        check_channels(reading.channels, header, name)
        self.budget = budget
        self._planes = Planes(reading, header.dimensions, name)
        self._execution = choose_execution(device)
        self._network = prepare(model.network, self._execution)
        self._blocks = {
            module.taps.received.name.removesuffix(" received"): module
            for module in self._network.modules()
            if isinstance(module, AxialBlock)
        }
        if not self._blocks:
            raise UserError(f"the model {header.name!r} is a {header.architecture}, which has no axial attention")
        normalisation = normalisations(image, self._planes, header, name)

        def source(plane: tuple[int, ...]) -> PlaneSource:
            return PlaneSource(image, self._planes, plane, header, normalisation, zoom, name)

        self._source = source
        shape = self._source(next(iter(self._planes))).shape
        self._zooms = tuple(m / n for m, n in zip(shape, self._planes.shape, strict=True))
        self._tiling = Tiling(shape, header.tile, header.overlap, int(getattr(self._network, "stride", 1)))
        self._kept: OrderedDict[tuple[tuple[int, ...], Tile], dict[nn.Module, Tensor]] = OrderedDict()

    @property
    def blocks(self) -> list[str]:
        """Names of the blocks that can be asked, such as ``"global 2.1"``."""
        return list(self._blocks)

    @property
    def kept_bytes(self) -> int:
        """Bytes that are kept of tiles."""
        return sum(_bytes(inputs) for inputs in self._kept.values())

    def heads(self, block: str) -> int:
        """Return the number of heads of a block's layers."""
        return self._block(block).height.heads

    def look(
        self,
        pixel: tuple[float, float],
        block: str,
        *,
        heads: tuple[int, int] | None = None,
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
            A head of the attention along the height and one of that along the width; None takes the mean of each.
        plane
            Position along the axes besides height and width.

        Raises
        ------
        UserError
            If there is no such block, head or pixel.
        """
        asked = self._block(block)
        self._check(pixel, heads, asked)
        zoomed = [(place + 0.5) * zoom - 0.5 for place, zoom in zip(pixel, self._zooms, strict=True)]
        nearest = [min(max(round(z), 0), n - 1) for z, n in zip(zoomed, self._tiling.shape, strict=True)]
        tile = self._tiling.tile_at(nearest)
        inputs = self._inputs(tile, plane)
        stride = asked.taps.received.stride
        cell = tuple((place - start) // stride for place, start in zip(nearest, tile.start, strict=True))
        with torch.inference_mode():
            weights = _product_map(asked, inputs[asked.height], inputs[asked.width], (cell[0], cell[1]), heads)
        return self._placed(weights, tile, stride, (cell[0], cell[1]))

    def _placed(self, weights: Tensor, tile: Tile, stride: int, cell: tuple[int, int]) -> PointedMap:
        scale = [stride / zoom for zoom in self._zooms]
        first = [
            start / zoom + size / 2 - 0.5 for start, zoom, size in zip(tile.start, self._zooms, scale, strict=True)
        ]
        query = [place + at * size for place, at, size in zip(first, cell, scale, strict=True)]
        return PointedMap(
            weights.float().cpu().numpy(), (scale[0], scale[1]), (first[0], first[1]), (query[0], query[1])
        )

    def _block(self, name: str) -> AxialBlock:
        if name not in self._blocks:
            raise UserError(f"the network has no axial block {name!r}; choose from {', '.join(self._blocks)}")
        return self._blocks[name]

    def _check(self, pixel: tuple[float, float], heads: tuple[int, int] | None, block: AxialBlock) -> None:
        height, width = self._planes.shape
        if not (-0.5 <= pixel[0] <= height - 0.5 and -0.5 <= pixel[1] <= width - 0.5):
            raise UserError(f"the pixel {pixel} lies outside of the image, which has {height} x {width}")
        count = block.height.heads
        if heads is not None and not all(0 <= head < count for head in heads):
            raise UserError(f"there are the heads 0 to {count - 1}, and not both of {heads}")

    def _inputs(self, tile: Tile, plane: tuple[int, ...]) -> dict[nn.Module, Tensor]:
        """Return what goes into each axial layer for a tile, from the store or by running the network."""
        key = (plane, tile)
        if key not in self._kept:
            batch = torch.from_numpy(self._source(plane).read(tile.region)[None])
            with _inputs_of_layers(self._network) as inputs:
                self._execution(self._network, batch)
            self._kept[key] = inputs
            while self.kept_bytes > self.budget and len(self._kept) > 1:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


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


def _product_map(
    block: AxialBlock, image: Tensor, between: Tensor, cell: tuple[int, int], heads: tuple[int, int] | None
) -> Tensor:
    """Return the weights (H, W) of a cell over the grid of all patches together; outside of its own they are 0."""
    per_side = block.taps.received.patches
    height, width = image.shape[2:]
    (patch_row, y), (patch_column, x) = divmod(cell[0], height), divmod(cell[1], width)
    patch = slice(patch_row * per_side + patch_column, patch_row * per_side + patch_column + 1)
    query, key, _ = block.width.project(between[patch, :, y : y + 1])  # the one row
    along_width = attention_row(query, key, *block.width.weigh(query, key), x)[0, 0]  # heads, W
    query, key, _ = block.height.project(image[patch])
    along_height = attention_row(query, key, *block.height.weigh(query, key), y)[0]  # W, heads, H
    of_row = along_width.mean(0) if heads is None else along_width[heads[1]]
    of_columns = along_height.mean(1) if heads is None else along_height[:, heads[0]]
    whole = of_row.new_zeros(per_side * height, per_side * width)
    rows = slice(patch_row * height, (patch_row + 1) * height)
    whole[rows, patch_column * width : (patch_column + 1) * width] = (of_row[:, None] * of_columns).T
    return whole


def _bytes(inputs: dict[nn.Module, Tensor]) -> int:
    return sum(tensor.nbytes for tensor in inputs.values())
