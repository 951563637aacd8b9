"""Which window of the Hounsfield scale an image layer shows, and which ones there are for it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_medt.viewer.layer_notes import notes_of

if TYPE_CHECKING:
    import napari.layers

    from src_models.models.header import Intensity

__all__ = ["Limits", "same_limits", "show_window", "shown_limits", "shown_window", "windows_for"]

Limits = tuple[float, float]  # the values (HU) that are black and white


def shown_limits(layer: napari.layers.Image) -> Limits:
    """Return the values that a layer shows as black and as white."""
    low, high = layer.contrast_limits
    return float(low), float(high)


def shown_window(layer: napari.layers.Image) -> Intensity:
    """Return a layer's contrast limits as a window for a network: it then sees what a person sees."""
    from src_models.models.header import Intensity

    low, high = shown_limits(layer)
    return Intensity(kind="window", low=low, high=high)


def show_window(layer: napari.layers.Image, limits: Limits) -> None:
    """Show a window, with room for it in the slider of the layer."""
    low, high = layer.contrast_limits_range
    layer.contrast_limits_range = (min(low, limits[0]), max(high, limits[1]))
    layer.contrast_limits = limits


def windows_for(layer: napari.layers.Image | None, *, is_ct: bool = True) -> dict[str, Limits]:
    """Return the windows that a layer can be shown in, by name: those of CT, and those that its file brings along."""
    from src_models.images.grey.ct_windows import ct_windows

    found = {window.name: window.limits for window in ct_windows()} if is_ct else {}
    if layer is not None:
        found |= {str(name): (float(low), float(high)) for name, low, high in notes_of(layer).windows}
    return found


def same_limits(one: Limits, other: Limits) -> bool:
    """Whether two windows are the same, but for rounding."""
    width = max(abs(one[1] - one[0]), abs(other[1] - other[0]))
    return all(math.isclose(a, b, abs_tol=1e-6 * width) for a, b in zip(one, other, strict=True))
