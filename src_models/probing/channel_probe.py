"""What every channel of a network takes from every other, for the part of an image that a pixel lies in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from src_models.attention.recording import record_attention
from src_models.nets.tap import CHANNELS, AttentionTap
from src_models.probing.tile_probe import TileProbe

__all__ = ["ChannelProbe"]


@dataclass(frozen=True, slots=True)
class _Seen:
    """The matrices of a tile, by name."""

    matrices: dict[str, NDArray[np.float32]]

    @property
    def bytes(self) -> int:
        return sum(matrix.nbytes for matrix in self.matrices.values())


class ChannelProbe(TileProbe[_Seen]):
    """A model that was shown an image and can be asked for the channel attention of any of its tiles.

    Channel attention sums over all places of a tile, so there is one matrix for all of its pixels.

    Parameters
    ----------
    image, model, axes, grey_range, zoom, device, budget, name
        As in :class:`~src_models.probing.tile_probe.TileProbe`.

    Raises
    ------
    UserError
        If the model has no channel attention, or does not fit the image.
    """

    kind = CHANNELS

    @property
    def names(self) -> list[str]:
        """Names of the matrices, such as ``"scale 1 step 2 channels"``, the finest scale first."""
        return list(self._asked)

    def matrices(
        self, pixel: tuple[float, float] | None = None, *, plane: tuple[int, ...] = ()
    ) -> dict[str, NDArray[np.float32]]:
        """Return the matrices (C, C) by name: row i says what channel i takes from each, and sums to 1.

        Parameters
        ----------
        pixel
            Row and column (px) in the image: of the tile that decides about it. None takes the middle of the image.
        plane
            Position along the axes besides height and width.

        Raises
        ------
        UserError
            If the pixel lies outside of the image.
        """
        height, width = self._image.planes.shape
        pixel = ((height - 1) / 2, (width - 1) / 2) if pixel is None else pixel
        self._check(pixel)
        _, tile = self._nearest(pixel)
        return dict(self._seen(tile, plane).matrices)

    @cached_property
    def _asked(self) -> Collection[str]:
        taps = [tap for tap in self._network.modules() if isinstance(tap, AttentionTap) and tap.kind == CHANNELS]
        return [tap.name for tap in sorted(taps, key=lambda tap: (tap.level, tap.name))]

    def _see(self, batch: Tensor) -> _Seen:
        with record_attention(self._network, self.names) as recorded:
            self._execution(self._network, batch)
        return _Seen({found.name: found.tensor[0].float().cpu().numpy() for found in recorded})
