"""Small pictures of attention maps, for lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from src_models.predict import PlacedMap

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
        Stretched between the map's own 1st and 99th percentile: a thumbnail shows where, the layer how much.
    """
    from napari.utils.colormaps import ensure_colormap

    shape = placed.data.shape
    step = max(1, -(-max(shape[-2:]) // side))
    middle = tuple(size // 2 for size in shape[:-2])
    plane = np.asarray(placed.data[(*middle, slice(None, None, step), slice(None, None, step))], np.float32)
    low, high = np.percentile(plane, (1, 99))
    shown = np.clip((plane - low) / max(high - low, 1e-9), 0, 1)
    enlarged = np.kron(shown, np.ones((max(1, side // max(shown.shape)),) * 2))
    colors = ensure_colormap("inferno").map(enlarged.ravel()).reshape(*enlarged.shape, 4)
    return np.ascontiguousarray((255 * colors).round().astype(np.uint8))
