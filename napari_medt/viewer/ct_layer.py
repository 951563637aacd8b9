"""CT in an image layer: whether it is one, and which window of the Hounsfield scale it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from src_models.images.ct_windows import looks_like_ct

if TYPE_CHECKING:
    import napari.layers

    from src_models.models.header import Intensity

__all__ = ["shown_window", "shows_ct"]

_SAMPLED = 256  # px along each of the last two axes


def shows_ct(data: Any, rgb: bool) -> bool:
    """Tell whether an array holds HU, by a part of its middle slice; that part alone is read.

    Parameters
    ----------
    data
        (..., y, x) at full resolution.
    rgb
        Whether its last axis holds colours.
    """
    if rgb or len(data.shape) < 2 or np.dtype(data.dtype).kind not in "if":
        return False
    middle = tuple(size // 2 for size in data.shape[:-2])
    steps = tuple(slice(None, None, max(1, size // _SAMPLED)) for size in data.shape[-2:])
    return looks_like_ct(np.asarray(data[(*middle, *steps)]))


def shown_window(layer: napari.layers.Image) -> Intensity:
    """Return a layer's contrast limits as a window for a network: it then sees what a person sees."""
    from src_models.models.header import Intensity

    low, high = layer.contrast_limits
    return Intensity(kind="window", low=float(low), high=float(high))
