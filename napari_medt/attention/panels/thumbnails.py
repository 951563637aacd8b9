"""Small pictures of attention maps, for lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from src_models.attention.placed_map import PlacedMap

__all__ = ["thumbnail"]


def thumbnail(placed: PlacedMap, side: int) -> NDArray[np.uint8]:
    """Draw a map, its middle plane if it has several, in the colours that its layer has.

    Parameters
    ----------
    placed
        The map.
    side
        Longest that a side of the picture may be (px).

    Returns
    -------
    array, (height, width, 4) uint8
        Stretched as the layer is, over black where the layer is clear.
    """
    from napari_medt.viewer.map_looks import attention_colors, contrast_limits

    shape = placed.data.shape
    step = max(1, -(-max(shape[-2:]) // side))
    middle = tuple(size // 2 for size in shape[:-2])
    plane = np.asarray(placed.data[(*middle, slice(None, None, step), slice(None, None, step))], np.float32)
    low, high = contrast_limits(placed)
    shown = np.clip((plane - low) / (high - low), 0, 1)
    enlarged = np.kron(shown, np.ones((max(1, side // max(shown.shape)),) * 2))
    colors = attention_colors(placed.kind).map(enlarged.ravel()).reshape(*enlarged.shape, 4)
    colors = np.concatenate((colors[..., :3] * colors[..., 3:], np.ones_like(colors[..., 3:])), axis=-1)
    return np.ascontiguousarray((255 * colors).round().astype(np.uint8))
