"""Which window of the Hounsfield scale an image layer shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import napari.layers

    from src_models.models.header import Intensity

__all__ = ["shown_window"]


def shown_window(layer: napari.layers.Image) -> Intensity:
    """Return a layer's contrast limits as a window for a network: it then sees what a person sees."""
    from src_models.models.header import Intensity

    low, high = layer.contrast_limits
    return Intensity(kind="window", low=float(low), high=float(high))
