"""Writing numbers into pixels of a Labels layer, whether it is shown or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import napari.layers

__all__ = ["set_pixels"]


def set_pixels(labels: napari.layers.Labels, places: tuple[Any, ...], values: Any) -> None:
    """Write numbers into pixels, as one step of napari's undo.

    Parameters
    ----------
    labels
        The layer.
    places
        An array of indices for each axis.
    values
        A number, or one for each place.
    """
    if not labels.visible:  # napari draws into the slice it has, and has none of a layer that was hidden as it moved on
        labels.set_view_slice()
    labels.data_setitem(places, values)
