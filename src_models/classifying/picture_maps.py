"""What a network is asked about a picture that it saw: maps of it, put where the picture lies on its image.

The network is run once for all that is recorded of a picture: a few megabytes, which are kept as long as this is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from src_models.attention.cell_map import cell_map
from src_models.attention.recording import AttentionRecord, record_attention
from src_models.classifying.pictures.seen import SeenPicture
from src_models.classifying.relevance import RELEVANCE, class_relevance

if TYPE_CHECKING:
    from src_models.attention.placed_map import PlacedMap

__all__ = ["PictureMaps"]


class PictureMaps:
    """A picture about which a network can be asked.

    Maps have a value for each pixel of the picture that shows the image.

    Parameters
    ----------
    network
        A network that says what an image shows, also one that was made ready to predict.
    seen
        The picture.
    """

    def __init__(self, network: nn.Module, seen: SeenPicture) -> None:
        self._network = network
        self._seen = seen
        self._attention: AttentionRecord | None = None

    def relevance(self, number: int, name: str) -> PlacedMap:
        """Return which places speak for a class, counted from 0, that people call `name`."""
        found = class_relevance(self._network, self._seen.values[None], number)
        description = f"how much each place speaks for {name} (1: average)"
        return self._seen.placed(found.at_image_resolution()[0], RELEVANCE, RELEVANCE, description)

    def recorded(self, name: str) -> PlacedMap:
        """Return a map that was recorded: what is looked at, or what is taken of two stages."""
        return self._placed(self._record()[name].tensor[0, 0].float().cpu().numpy(), name, name)

    def look(
        self, view: str, place: tuple[float, float] | None, head: int | None = None
    ) -> tuple[PlacedMap, tuple[float, float]]:
        """Return where a layer of attention looks from a place of the image, and the middle of that place's cell.

        Parameters
        ----------
        view
            The layer, such as ``"large window 1.1"``.
        place
            Row and column (px of the image); None takes the middle of what has a class.
        head
            One of the layer's heads, from 0; None takes the mean over them.

        Raises
        ------
        UserError
            If the network did not see the place, or there is no such head.
        """
        seen, attention, matrix = self._seen, self._record(), f"{view} matrix"
        pixel = seen.pixel(seen.middle if place is None else place)
        stride = attention[matrix].stride
        row, column = (
            min(max(round(at), 0), size - 1) // stride for at, size in zip(pixel, seen.values.shape[1:], strict=True)
        )
        weights = cell_map(attention, view, (row, column), head=head).float().cpu().numpy()
        query = seen.place((row * stride + (stride - 1) / 2, column * stride + (stride - 1) / 2))
        return self._placed(weights, matrix, view), query

    def _placed(self, cells: NDArray[np.float32], recorded: str, name: str) -> PlacedMap:
        of = self._record()[recorded]
        return self._seen.placed(cells, name, of.kind, of.description, level=of.level, stride=of.stride)

    def _record(self) -> AttentionRecord:
        """Run the network over the picture, unless that was done."""
        if self._attention is None:
            weight = next(self._network.parameters())
            picture = torch.from_numpy(self._seen.values)[None].to(weight.device, weight.dtype)
            with torch.inference_mode(), record_attention(self._network.eval()) as attention:
                self._network(picture)
            self._attention = attention
        return self._attention
