"""CT in an image layer: whether it is one, and which window of the Hounsfield scale it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from src_models.images.ct_windows import shows_ct

if TYPE_CHECKING:
    import napari.layers

    from src_models.models.header import Intensity

__all__ = ["shown_window", "shows_ct"]


def shown_window(layer: napari.layers.Image) -> Intensity:
    """Return a layer's contrast limits as a window for a network: it then sees what a person sees."""
    from src_models.models.header import Intensity

    low, high = layer.contrast_limits
    return Intensity(kind="window", low=float(low), high=float(high))
