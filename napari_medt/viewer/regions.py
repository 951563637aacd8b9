"""Which part of an image layer is segmented: worked out on the GUI thread, where the viewer knows what is shown.

It is then only numbers, a :class:`~src_models.images.region.Region`: a worker cuts the array with it, and results are
placed with it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.images.region import Region

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

    from src_models.images.axes import AxesReading

__all__ = ["RegionChoice", "default_choice", "region_choices", "region_in_viewer", "whole_region"]

RegionChoice = Literal["plane", "all", "visible"]

# A plane above this many pixels takes minutes on a CPU: what is in view is the better first try.
_LARGE_PLANE = 6000 * 6000


def region_choices(reading: AxesReading, dimensions: int) -> dict[RegionChoice, str]:
    """Return what can be run on, each with a name for people.

    Parameters
    ----------
    reading
        How the layer's array is read.
    dimensions
        2 or 3: what the network takes at a time.
    """
    kind = "plane" if dimensions == 2 else "volume"
    number = int(np.prod([size for letter, size in _extra_axes(reading, dimensions)], dtype=np.int64))
    if number == 1:
        whole = "the whole image" if dimensions == 2 else "the whole volume"
        return {"all": whole, "visible": "the visible region"}
    return {"plane": f"this {kind}", "all": f"all {number} {kind}s", "visible": f"the visible region of this {kind}"}


def default_choice(reading: AxesReading, dimensions: int) -> RegionChoice:
    """Return the choice that suits an image: what a person looks at, at a size that does not take minutes."""
    sizes = dict(zip(reading.axes, reading.shape, strict=True))
    if dimensions == 2 and sizes["Y"] * sizes["X"] > _LARGE_PLANE:
        return "visible"
    return "plane" if "plane" in region_choices(reading, dimensions) else "all"


def whole_region(layer: napari.layers.Image, reading: AxesReading) -> Region:
    """Return all of a layer, of whatever channels count."""
    index = [slice(0, size) for size in reading.shape]
    if reading.chosen is not None:
        index[reading.axes.index("C")] = slice(min(reading.chosen), max(reading.chosen) + 1)
    return _region(reading.axes, index, layer, reading)


def region_in_viewer(
    viewer: napari.viewer.Viewer,
    layer: napari.layers.Image,
    reading: AxesReading,
    dimensions: int,
    choice: RegionChoice,
) -> Region:
    """Work out the box of a layer that a choice means right now.

    Raises
    ------
    ImageError
        If the layer is out of view and the visible region was asked for.
    """
    core = _core_axes(viewer, layer, reading, dimensions, choice)
    letters = list(reading.axes)
    for axis, letter in zip(core, "ZYX"[-len(core) :], strict=True):
        letters[axis] = letter  # in a view from the side, the plane in view is what the network gets
    position = _position(viewer, layer, reading)
    bounds = _visible_bounds(viewer, layer, reading) if choice == "visible" else {}
    index: list[int | slice] = []
    for axis, (letter, size) in enumerate(zip(reading.axes, reading.shape, strict=True)):
        if letter == "C":
            chosen = reading.chosen or range(size)
            index.append(slice(min(chosen), max(chosen) + 1))
        elif choice == "all":
            index.append(slice(0, size))
        elif axis in core:
            index.append(slice(*bounds.get(axis, (0, size))))
        else:
            index.append(position[axis])
    return _region("".join(letters), index, layer, reading)


def _region(letters: str, index: Sequence[int | slice], layer: napari.layers.Image, reading: AxesReading) -> Region:
    return Region(
        letters,
        tuple(index),
        reading.shape,
        layer.rgb,
        reading.chosen,
        reading.modality,
        reading.padding,
        spacing=tuple(reading.spacing.get(letter, 1.0) for letter in reading.axes),
        unit=reading.unit,
    )


def _extra_axes(reading: AxesReading, dimensions: int) -> list[tuple[str, int]]:
    """Return the axes, with sizes, that a network of so many dimensions runs along."""
    core = "CYX" if dimensions == 2 else "CZYX"
    return [(a, n) for a, n in zip(reading.axes, reading.shape, strict=True) if a not in core]


def _core_axes(
    viewer: napari.viewer.Viewer,
    layer: napari.layers.Image,
    reading: AxesReading,
    dimensions: int,
    choice: RegionChoice,
) -> tuple[int, ...]:
    """Return the array axes that the network sees at a time."""
    core = tuple(i for i, letter in enumerate(reading.axes) if letter in "ZYX"[-dimensions:])
    shown = _displayed_axes(viewer, layer)
    looks_at_plane = dimensions == 2 and len(shown) == 2 and all(reading.axes[i] != "C" for i in shown)
    return shown if looks_at_plane and choice != "all" else core


def _displayed_axes(viewer: napari.viewer.Viewer, layer: napari.layers.Image) -> tuple[int, ...]:
    """Return the layer's axes that the viewer shows, in array order; layers are aligned at their last axes."""
    missing = viewer.dims.ndim - layer.ndim
    return tuple(sorted(axis - missing for axis in viewer.dims.displayed if axis >= missing))


def _position(viewer: napari.viewer.Viewer, layer: napari.layers.Image, reading: AxesReading) -> tuple[int, ...]:
    """Return the array position that the viewer's sliders point at."""
    point = np.asarray(layer.world_to_data(viewer.dims.point), dtype=float)
    sizes = np.asarray(reading.shape[: layer.ndim])
    inside = np.clip(np.round(point), 0, sizes - 1).astype(int)
    return tuple(int(i) for i in inside)


def _visible_bounds(
    viewer: napari.viewer.Viewer, layer: napari.layers.Image, reading: AxesReading
) -> dict[int, tuple[int, int]]:
    """Return start and stop of the pixels in view for each displayed axis of the layer."""
    shown = _displayed_axes(viewer, layer)
    if viewer.dims.ndisplay != 2:  # in 3D all is in view
        return {}
    corners = np.asarray([layer.world_to_data(corner) for corner in _canvas_corners(viewer)])
    bounds = {}
    for axis in shown:
        start = max(0, int(np.floor(corners[:, axis].min() + 0.5)))
        stop = min(reading.shape[axis], int(np.ceil(corners[:, axis].max() + 0.5)))
        if start >= stop:
            raise ImageError(f"layer {layer.name!r} is out of view: move it into view, or run on another part of it")
        bounds[axis] = (start, stop)
    return bounds


def _canvas_corners(viewer: napari.viewer.Viewer) -> NDArray[np.float64]:
    """Return the world positions of the canvas's four corners in a 2D view."""
    half = np.asarray(viewer.canvas.viewbox_size(viewer.layers), dtype=float) / 2 / viewer.scene.camera.zoom
    center = np.asarray(viewer.scene.camera.center[-2:])
    corners = np.tile(np.asarray(viewer.dims.point, dtype=float), (4, 1))
    for corner, sign in zip(corners, itertools.product((-1, 1), repeat=2), strict=True):
        corner[list(viewer.dims.displayed)] = center + np.asarray(sign) * half
    return corners
