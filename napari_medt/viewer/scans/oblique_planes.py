"""Which planes of an oblique layer napari shows in 2D, and sliders that reach all of them.

In 2D napari does not turn an oblique scan: it shows a plane of the data, and takes that in which the place of the
sliders lies with 0 for the axes that are displayed. Far from the origin, this is another plane than the one in the
middle of the canvas, and may lie beyond the ends of the sliders, which are those of the scan in the world. Then nothing
is seen.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import napari.components
    import napari.layers
    import napari.viewer

__all__ = ["SlicedLayer", "reach_planes"]

_PLUGIN = "napari-medt"
_HALF = 0.5 + 1e-6  # of a voxel
_ALONG = 1e-6  # share of a voxel that an axis of the data may turn away from the world's over its length

Point = tuple[float, ...]
_points: dict[int, tuple[ref[napari.components.Dims], Point]] = {}  # where sliders were before napari set their ends
_extending: set[int] = set()


class SlicedLayer:
    """Where the data of a layer are in the world, and what napari shows of them.

    Parameters
    ----------
    layer
        The layer.
    """

    def __init__(self, layer: napari.layers.Layer) -> None:
        self._origin = np.asarray(layer.data_to_world(np.zeros(layer.ndim)), dtype=float)
        steps = [np.asarray(layer.data_to_world(step)) - self._origin for step in np.eye(layer.ndim)]
        self._matrix = np.array(steps).T
        self._inverse = np.linalg.inv(self._matrix)
        self._first, self._last = np.asarray(layer.extent.data, dtype=float)

    def holds(self, hidden: list[int], place: NDArray[np.float64]) -> bool:
        """Whether sliders at a place show a plane of the data.

        Parameters
        ----------
        hidden
            The axes that have sliders.
        place
            Where these are, in the world.
        """
        seen = self._sliced(hidden) @ place + self._offset(hidden)
        return bool(np.all((seen >= self._first[hidden] - _HALF) & (seen <= self._last[hidden] + _HALF)))

    def middle(self, hidden: list[int]) -> NDArray[np.float64]:
        """Return where the sliders show the middle plane."""
        return self._slider(hidden, (self._first + self._last)[hidden] / 2)

    def ends(self, axis: int) -> tuple[float, float] | None:
        """Return between which places a slider shows all planes; None where these are the ends of the data."""
        turned = np.delete(self._inverse[axis], axis)
        if np.abs(turned * np.delete(np.diag(self._matrix), axis)).max(initial=0) <= _ALONG:
            return None
        places = [float(self._slider([axis], end[[axis]])[0]) for end in (self._first, self._last)]
        return min(places), max(places)

    def drawn(self, shown: list[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the least and the largest place along the axes that are shown."""
        ends = [(first, last) for first, last in zip(self._first[shown], self._last[shown], strict=True)]
        corners = np.array(list(product(*ends))) @ self._matrix[np.ix_(shown, shown)].T + self._origin[shown]
        return corners.min(axis=0), corners.max(axis=0)

    def _slider(self, hidden: list[int], plane: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.linalg.solve(self._sliced(hidden), plane - self._offset(hidden)), dtype=float)

    def _sliced(self, hidden: list[int]) -> NDArray[np.float64]:
        return self._inverse[np.ix_(hidden, hidden)]

    def _offset(self, hidden: list[int]) -> NDArray[np.float64]:
        return -(self._inverse @ self._origin)[hidden]


def reach_planes(viewer: napari.viewer.Viewer) -> None:
    """Have the sliders of a viewer reach every plane of the scans in it from now on."""
    viewer.dims.events.point.connect(_on_point)  # again is no other connection
    viewer.dims.events.range.connect(_on_range)


def _on_point(event: Any) -> None:
    dims = event.source
    if id(dims) not in _extending:
        _points[id(dims)] = (ref(dims), dims.point)


def _on_range(event: Any) -> None:
    """Move the ends of sliders apart again after napari set them to those of the layers in the world."""
    from napari import current_viewer

    viewer = current_viewer()
    if viewer is None or viewer.dims is not event.source or id(viewer.dims) in _extending:
        return
    dims = viewer.dims
    wanted = _ranges(viewer)
    if wanted == tuple(map(tuple, dims.range)):
        return
    whose, point = _points.get(id(dims), (None, dims.point))
    _extending.add(id(dims))
    try:
        dims.range = wanted
        known = whose is not None and whose() is viewer.dims
        if known and len(point) == dims.ndim:
            dims.point = point  # which napari may have moved to an end
    finally:
        _extending.discard(id(dims))


def _ranges(viewer: napari.viewer.Viewer) -> tuple[tuple[float, float, float], ...]:
    """Return the ends of sliders, and their steps."""
    ranges = [tuple(map(float, one)) for one in viewer.dims.range]
    for layer in viewer.layers:
        if layer.source.reader_plugin != _PLUGIN:
            continue
        placed, missing = SlicedLayer(layer), viewer.dims.ndim - layer.ndim
        for axis in range(layer.ndim):
            ends = placed.ends(axis)
            if ends is not None:
                start, stop, step = ranges[axis + missing]
                ranges[axis + missing] = (min(start, ends[0]), max(stop, ends[1]), step)
    return tuple((start, stop, step) for start, stop, step in ranges)
