"""Where the output at a pixel looks: what every kind of attention that compares places answers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from src_models.errors import UserError
from src_models.prediction.tiling import Tile
from src_models.probing.tile_probe import S, TileProbe

__all__ = ["Heads", "LookProbe", "PointedMap", "cell_of"]

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


class LookProbe(TileProbe[S]):
    """A model that was shown an image and can be asked, for any pixel, where a block looks.

    Parameters
    ----------
    image, model, axes, grey_range, zoom, device, budget, name
        As in :class:`~src_models.probing.tile_probe.TileProbe`.
    """

    @property
    @abstractmethod
    def blocks(self) -> list[str]:
        """Names of the blocks that can be asked, such as ``"global 2.1"``."""

    @property
    def branches(self) -> list[str]:
        """Names of the branches whose blocks can be asked all together, such as ``"global"``."""
        return []

    def heads(self, block: str) -> int:
        """Return the number of heads of a block that can be asked one by one; 0 where there are none."""
        return 0

    @abstractmethod
    def look(
        self, pixel: tuple[float, float], block: str, *, heads: Heads = None, plane: tuple[int, ...] = ()
    ) -> PointedMap:
        """Return where a block's output at a pixel looks.

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

    def rollout(self, pixel: tuple[float, float], branch: str, *, plane: tuple[int, ...] = ()) -> PointedMap:
        """Return where a branch's deepest block looks at a pixel, followed through all blocks before it.

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
        raise UserError(f"the network has no branch {branch!r} that could be followed; ask one of its blocks")

    @property
    def _asked(self) -> Collection[str]:
        return self.blocks

    def _check_heads(self, heads: Heads, count: int) -> None:
        if all(head is None or 0 <= head < count for head in heads or ()):
            return
        if not count:
            raise UserError(f"this attention has no heads that could be asked one by one, and so not {heads}")
        raise UserError(f"there are the heads 0 to {count - 1}, and not both of {heads}")

    def _placed(
        self, weights: Tensor, tile: Tile, stride: int, cell: tuple[int, int], *, grid: int | None = None
    ) -> PointedMap:
        """Say where weights lie over a grid of `grid` px per cell, and where a cell of `stride` px does."""

        def lattice(stride: int) -> tuple[tuple[float, float], tuple[float, float]]:
            height, width = (stride / zoom for zoom in self._zooms)
            top, left = (start / zoom for start, zoom in zip(tile.start, self._zooms, strict=True))
            return (height, width), (top + height / 2 - 0.5, left + width / 2 - 0.5)

        scale, translate = lattice(grid or stride)
        (height, width), (top, left) = lattice(stride)
        query = (top + cell[0] * height, left + cell[1] * width)
        return PointedMap(weights.float().cpu().numpy(), scale, translate, query)


def cell_of(pixel: tuple[int, int], tile: Tile, stride: int) -> tuple[int, int]:
    """Return the cell of a tile's grid that a pixel of the resized image lies in."""
    return (pixel[0] - tile.start[0]) // stride, (pixel[1] - tile.start[1]) // stride
