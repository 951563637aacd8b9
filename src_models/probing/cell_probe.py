"""Where a network that classifies looks from any place of a picture: its window's row, put where the window lies.

The network runs once. All attention of a picture of the size that such networks are taught is a few megabytes, which
are kept, so a question takes no time.
"""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from src_models.attention.cell_map import cell_map, cell_maps
from src_models.attention.recording import record_attention
from src_models.errors import UserError
from src_models.probing.look_probe import PointedMap

__all__ = ["CellProbe"]


class CellProbe:
    """A network that was shown a picture and can be asked where it looks from a place.

    Parameters
    ----------
    network
        A network of attention in windows or among all tokens, also one that was made ready to predict.
    picture
        (C, H, W) float, as the network takes it.

    Raises
    ------
    UserError
        If the network has no such attention.
    """

    def __init__(self, network: nn.Module, picture: Tensor | NDArray[Any]) -> None:
        weight = next(network.parameters())
        batch = torch.as_tensor(picture)[None].to(weight.device, weight.dtype)
        self.size = (batch.shape[2], batch.shape[3])
        training = network.training
        try:
            with torch.inference_mode(), record_attention(network.eval()) as self._attention:
                network(batch)
        finally:
            network.train(training)
        if not self.views:
            raise UserError(f"{type(network).__name__} has no attention in windows or among tokens")

    @property
    def views(self) -> list[str]:
        """Names of the layers that can be asked, finest first, such as ``"large window 1.1"``."""
        return cell_maps(self._attention)

    @property
    def kept_bytes(self) -> int:
        """Bytes that are kept of the picture."""
        return sum(each.tensor.nbytes for each in self._attention)

    def heads(self, view: str) -> int:
        """Return the number of heads of a layer."""
        return int(self._attention[f"{view} matrix"].shape[-3])

    def look(self, pixel: tuple[float, float], view: str, *, head: int | None = None) -> PointedMap:
        """Return where a layer looks from a pixel.

        Parameters
        ----------
        pixel
            Row and column (px) in the picture.
        view
            One of :attr:`views`.
        head
            One head; None takes the mean.

        Returns
        -------
        PointedMap
            Weights over the layer's grid, 0 outside of the window that the pixel's cell is in.

        Raises
        ------
        UserError
            If there is no such layer, head or pixel.
        """
        height, width = self.size
        if not (-0.5 <= pixel[0] <= height - 0.5 and -0.5 <= pixel[1] <= width - 0.5):
            raise UserError(f"the pixel {pixel} lies outside of the picture, which has {height} x {width}")
        if view not in self.views:
            raise UserError(f"there is nothing called {view!r} to look at; choose from {', '.join(self.views)}")
        stride = self._attention[f"{view} matrix"].stride
        row, column = (
            min(max(round(place), 0), size - 1) // stride for place, size in zip(pixel, self.size, strict=True)
        )
        weights = cell_map(self._attention, view, (row, column), head=head)
        first = (stride - 1) / 2
        query = (first + row * stride, first + column * stride)
        return PointedMap(weights.float().cpu().numpy(), (stride, stride), (first, first), query)
