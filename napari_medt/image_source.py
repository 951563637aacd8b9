"""What is read from an image layer before it is segmented: its full-resolution array, and what its axes mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from src_models.errors import ImageError

if TYPE_CHECKING:
    import napari.layers

    from src_models.axes import AxesReading

__all__ = ["full_resolution", "read_layer"]

_LETTERS = {
    "t": "T", "time": "T", "frame": "T",
    "z": "Z", "depth": "Z", "plane": "Z", "slice": "Z",
    "c": "C", "channel": "C", "channels": "C",
    "y": "Y", "row": "Y", "height": "Y",
    "x": "X", "column": "X", "width": "X",
}  # fmt: skip


def full_resolution(layer: napari.layers.Image) -> Any:
    """Return a layer's array; of a multiscale pyramid the level at full resolution."""
    return layer.data[0] if layer.multiscale else layer.data


def read_layer(layer: napari.layers.Image, axes: str | None = None, dimensions: int = 2) -> AxesReading:
    """Work out what the axes of an image layer mean.

    Parameters
    ----------
    layer
        The layer; its axis labels count where they name all axes, its scale, affine and units give the pixel size.
    axes
        Axes given by hand, such as ``"TZYX"``; they win.
    dimensions
        Dimensions of the network that will run, 2 or 3.

    Raises
    ------
    ImageError
        If the layer has no pixels, too few or too many axes, or the axes given do not fit.
    """
    from src_models.axes import read_axes

    data, name = full_resolution(layer), f"layer {layer.name!r}"
    if layer.rgb and axes is not None and not axes.strip().upper().endswith("C"):
        raise ImageError(f"{name}: it is shown in colour, so its axes must end with C, and {axes!r} do not")
    return read_axes(
        data.shape,
        dtype=data.dtype,
        axes=axes or _axes_from_labels(layer),
        rgb=bool(layer.rgb),
        spacing=_spacing(layer),
        unit=str(layer.units[-1]),
        dimensions=dimensions,
        name=name,
    )


def _axes_from_labels(layer: napari.layers.Image) -> str | None:
    """Return the axes that the layer's axis labels name, if they name all of them."""
    letters = [_LETTERS.get(label.strip().lower()) for label in layer.axis_labels]
    if layer.rgb:
        letters.append("C")
    axes = "".join(letter for letter in letters if letter)
    complete = len(axes) == len(letters) == len(set(axes)) and {"Y", "X"} <= set(axes)
    return axes if complete else None


def _spacing(layer: napari.layers.Image) -> list[float]:
    """Return the size of a pixel in the world along each axis of the layer, its affine included."""
    origin = np.asarray(layer.data_to_world(np.zeros(layer.ndim)))
    steps = [np.asarray(layer.data_to_world(step)) - origin for step in np.eye(layer.ndim)]
    return [round(float(np.linalg.norm(step)), 9) for step in steps]
