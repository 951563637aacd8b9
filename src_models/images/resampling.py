"""Reading any region of an array as if the whole array had been resized, without resizing the whole.

Pixel centres are half-way into their pixels: sample ``i`` of an axis resized from ``n`` to ``m`` lies at
``(i + 0.5) * n / m - 0.5``. So a region read alone equals the same region cut from the whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Zoom", "given_zoom", "mean_zoom", "one_zoom", "read_resized", "resample", "zoomed_shape"]

Read = Callable[[tuple[slice, ...]], NDArray[Any]]
Zoom = float | tuple[float, ...]  # one factor for all axes, or one for each


def zoomed_shape(shape: Sequence[int], zoom: Zoom) -> tuple[int, ...]:
    """Return the shape after a zoom; at least 1 along each axis."""
    factors = zoom if isinstance(zoom, tuple) else (zoom,) * len(shape)
    return tuple(max(1, round(size * factor)) for size, factor in zip(shape, factors, strict=True))


def one_zoom(factors: Sequence[float]) -> Zoom:
    """Return factors of each axis as the one that they have in common, if they have one.

    Examples
    --------
    >>> one_zoom([0.5, 0.5]), one_zoom([2.0, 0.5, 0.5])
    (0.5, (2.0, 0.5, 0.5))
    """
    return factors[0] if len(set(factors)) == 1 else tuple(factors)


def given_zoom(stored: Any) -> Zoom:
    """Return a zoom as JSON, or the settings of a run, hold it: a number, or a list of them."""
    return tuple(map(float, stored)) if isinstance(stored, list | tuple) else float(stored)


def mean_zoom(zoom: Zoom) -> float:
    """Return the one factor that changes the number of pixels as much."""
    return math.prod(zoom) ** (1 / len(zoom)) if isinstance(zoom, tuple) else zoom


def read_resized(
    read: Read, shape: Sequence[int], resized: Sequence[int], region: Sequence[slice], *, order: int = 1
) -> NDArray[Any]:
    """Read a region of a resized array.

    Parameters
    ----------
    read
        Returns a region of the array itself, (..., *region); leading axes are left alone.
    shape, resized
        Spatial shape of the array, and the shape it is resized to.
    region
        The region in the resized array; slices with start and stop.
    order
        1: linear, after a Gaussian blur against aliasing where the array shrinks; 0: nearest.

    Returns
    -------
    ndarray
        (..., *region); float32 for order 1, the array's type for order 0.
    """
    if tuple(shape) == tuple(resized):
        return read(tuple(region))
    steps = [n / m for n, m in zip(shape, resized, strict=True)]
    centres = [
        np.clip((np.arange(part.start, part.stop) + 0.5) * step - 0.5, 0, size - 1)
        for part, step, size in zip(region, steps, shape, strict=True)
    ]
    blurs = [max(0.0, (step - 1) / 2) if order == 1 else 0.0 for step in steps]
    margins = [int(4 * blur + 0.5) + 1 for blur in blurs]
    source = tuple(
        slice(max(0, int(c[0]) - margin), min(size, int(c[-1]) + margin + 2))
        for c, margin, size in zip(centres, margins, shape, strict=True)
    )
    block = read(source)
    block = _blurred(block.astype(np.float32), blurs) if order == 1 else block
    for axis, (centre, part) in enumerate(zip(centres, source, strict=True), start=block.ndim - len(steps)):
        block = _pick(block, centre - part.start, axis, order)
    return block


def resample(array: NDArray[Any], resized: Sequence[int], *, order: int = 1) -> NDArray[Any]:
    """Resize a whole array, (..., *S), along its last axes; see :func:`read_resized`."""
    shape = array.shape[array.ndim - len(resized) :]
    whole = [slice(0, size) for size in resized]

    def read(region: tuple[slice, ...]) -> NDArray[Any]:
        index: tuple[Any, ...] = (..., *region)
        return np.asarray(array[index])

    return read_resized(read, shape, resized, whole, order=order)


def _blurred(block: NDArray[np.float32], blurs: Sequence[float]) -> NDArray[np.float32]:
    if not any(blurs):
        return block
    from scipy import ndimage

    sigma = (*(0.0 for _ in range(block.ndim - len(blurs))), *blurs)
    return np.asarray(ndimage.gaussian_filter(block, sigma, mode="nearest"), dtype=np.float32)


def _pick(block: NDArray[Any], centre: NDArray[np.float64], axis: int, order: int) -> NDArray[Any]:
    if order == 0:
        return np.asarray(np.take(block, np.floor(centre + 0.5).astype(int), axis))
    low = np.floor(centre).astype(int)
    high = np.minimum(low + 1, block.shape[axis] - 1)
    share = (centre - low).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(block.ndim)])
    return np.asarray(np.take(block, low, axis) * (1 - share) + np.take(block, high, axis) * share)
