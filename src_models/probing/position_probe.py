"""Where the output of position attention looks, pixel by pixel.

Kept of a tile are queries and keys alone, a few numbers per cell, from which the weights of a single pixel follow
exactly: ``softmax_j(Q_i . K_j)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from src_models.errors import UserError
from src_models.nets.guided.attention import PositionAttention, looks_from, position_blocks
from src_models.probing.look_probe import Heads, LookProbe, PointedMap, cell_of

__all__ = ["PositionProbe"]


@dataclass(frozen=True, slots=True)
class _Projected:
    """Queries and keys (1, H W, D) of one block, and the extent (cells) of its grid."""

    query: Tensor
    key: Tensor
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is kept of a tile, by block."""

    projected: dict[nn.Module, _Projected]

    @property
    def bytes(self) -> int:
        return sum(each.query.nbytes + each.key.nbytes for each in self.projected.values())


class PositionProbe(LookProbe[_Seen]):
    """A model that was shown an image and can be asked, for any pixel, where a block of position attention looks.

    A pixel looks at all places of the tile that decides about it.

    Parameters
    ----------
    image, model, axes, grey_range, zoom, device, budget, name
        As in :class:`~src_models.probing.tile_probe.TileProbe`.

    Raises
    ------
    UserError
        If the model has no position attention, or does not fit the image.
    """

    kind = "position attention"

    @cached_property
    def _blocks(self) -> dict[str, PositionAttention]:
        return position_blocks(self._network)

    @property
    def blocks(self) -> list[str]:
        """Names of the blocks that can be asked, such as ``"scale 1 step 2"``."""
        return list(self._blocks)

    def look(
        self, pixel: tuple[float, float], block: str, *, heads: Heads = None, plane: tuple[int, ...] = ()
    ) -> PointedMap:
        """Return where a block's output at a pixel looks: row i of ``softmax_j(Q_i . K_j)``.

        Parameters
        ----------
        pixel, block, plane
            As in :meth:`~src_models.probing.look_probe.LookProbe.look`.
        heads
            None: position attention has no heads.

        Raises
        ------
        UserError
            If there is no such block or pixel, or a head is asked for.
        """
        if block not in self._blocks:
            raise UserError(
                f"the network has no block of position attention {block!r}; choose from {', '.join(self._blocks)}"
            )
        asked = self._blocks[block]
        self._check(pixel)
        self._check_heads(heads, 0)
        nearest, tile = self._nearest(pixel)
        seen = self._seen(tile, plane).projected[asked]
        stride = asked.received.stride
        row, column = cell_of(nearest, tile, stride)
        place = row * seen.shape[1] + column
        with torch.inference_mode():
            weights = looks_from(seen.query[:, place : place + 1], seen.key).view(seen.shape)
        return self._placed(weights, tile, stride, (row, column))

    def _see(self, batch: Tensor) -> _Seen:
        with _projections(self._blocks.values()) as projected:
            self._execution(self._network, batch)
        return _Seen(projected)


@contextmanager
def _projections(blocks: Iterable[PositionAttention]) -> Iterator[dict[nn.Module, _Projected]]:
    """Collect queries and keys of each block inside the ``with`` block."""
    found: dict[nn.Module, _Projected] = {}

    def keep(block: nn.Module, given: tuple[Tensor, ...]) -> None:
        assert isinstance(block, PositionAttention)
        query, key = block.project(given[0])
        # Copies: what is kept shares no memory with what the pass needed besides.
        found[block] = _Projected(query.detach().clone(), key.detach().clone(), (given[0].shape[2], given[0].shape[3]))

    handles = [block.register_forward_pre_hook(keep) for block in blocks]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
