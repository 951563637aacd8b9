"""An image's plane as the network sees it: its channels, normalised, at the network's scale, region by region."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.images.channels import as_channels
from src_models.images.grey.counted import look_at_counted
from src_models.images.grey.grey_range import GreyRange
from src_models.images.grey.intensity import Measured, Normalisation, is_finite
from src_models.images.planes import Plane, Planes
from src_models.images.resampling import Zoom, read_resized, zoomed_shape
from src_models.images.slides.tissue import Tissue
from src_models.models.header import ModelHeader

__all__ = ["PlaneSource", "measured_by_time", "sampled_values"]

# A plane of up to this many pixels is measured whole; of a larger one, GRID x GRID blocks are.
WHOLE_PIXELS = 2048 * 2048
GRID = 4
BLOCK = 512
MOST_PLANES = 9


@dataclass(slots=True, kw_only=True)
class PlaneSource:
    """One plane of an image for one model, or a region of it; :meth:`.ModelImage.plane` makes it.

    Parameters
    ----------
    read_own
        Returns a region of the plane in the image's own pixels and values, with the model's channels: (C, *region).
    own_shape
        Shape (px) of the plane in the image.
    plane
        Its position along the axes besides those that the network sees.
    normalisation
        How grey values become the network's.
    zoom
        Factor by which the plane is resized before the network sees it, or one for each axis.
    part
        The region (px of the resized plane) that this is; None for the whole plane.
    fill
        What values that are NaN or infinite were filled with; None where none were read.
    """

    read_own: Callable[[tuple[slice, ...]], NDArray[Any]]
    own_shape: tuple[int, ...]
    plane: Plane
    normalisation: Normalisation
    zoom: Zoom = 1.0
    part: tuple[slice, ...] | None = None
    fill: float | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape (px) at the network's scale."""
        if self.part is None:
            return zoomed_shape(self.own_shape, self.zoom)
        return tuple(side.stop - side.start for side in self.part)

    @property
    def resized(self) -> bool:
        """Whether the network sees other pixels than the image's own."""
        return zoomed_shape(self.own_shape, self.zoom) != tuple(self.own_shape)

    def holds(self, tissue: Tissue, region: Sequence[slice]) -> bool:
        """Tell whether there is tissue of a slide in a region (px of the resized plane, or of what was cut out of it).

        A plane with depth is none of a slide: it holds some everywhere.
        """
        whole = zoomed_shape(self.own_shape, self.zoom)
        return len(whole) != 2 or tissue.holds(self._within(region), whole)

    def read(self, region: Sequence[slice]) -> NDArray[np.float32]:
        """Return a region (px of the resized plane, or of what was cut out of it) as (C, *region).

        Values that are NaN or infinite are filled; :attr:`fill` is then what they were filled with. At the image's own
        scale a slice may have a step: then so much less is read.
        """
        resized = zoomed_shape(self.own_shape, self.zoom)
        block = read_resized(self._read, self.own_shape, resized, self._within(region))
        return np.ascontiguousarray(block, dtype=np.float32)

    def zoomed(self, zoom: Zoom) -> PlaneSource:
        """Return the same plane, whole, at another scale (relative to the image's own pixels)."""
        return replace(self, zoom=zoom, part=None)

    def cut(self, region: Sequence[slice]) -> PlaneSource:
        """Return a region of the plane (px of the resized plane), as a plane of its own."""
        return replace(self, part=self._within(region))

    def _within(self, region: Sequence[slice]) -> tuple[slice, ...]:
        """Return where a region of this lies in the whole resized plane."""
        starts = [0] * len(region) if self.part is None else [side.start for side in self.part]
        return tuple(slice(side.start + a, side.stop + a, side.step) for side, a in zip(region, starts, strict=True))

    def _read(self, region: tuple[slice, ...]) -> NDArray[np.float32]:
        block = self.read_own(region)
        if not is_finite(block):
            self.fill = self.normalisation.fill
        return self.normalisation(block)


def measured_by_time(
    image: Any,
    planes: Planes,
    header: ModelHeader,
    name: str,
    grey_range: GreyRange | None = None,
    tissue: Tissue | None = None,
) -> dict[int, Measured]:
    """Measure the grey values of each time point, over all its depth, from a regular sample; of a slide from tissue.

    Raises
    ------
    ImageError
        If no sampled value is finite. A time point without any is normalised like the first that has some.
    """
    by_time: dict[int, list[Plane]] = {}
    for plane in planes:
        by_time.setdefault(planes.time_of(plane), []).append(plane)
    found = {}
    for time, members in by_time.items():
        step = -(-len(members) // MOST_PLANES)
        sampled = np.concatenate(
            [_sample(image, planes, plane, header, name, tissue) for plane in members[step // 2 :: step]]
        )
        if sampled.dtype.kind != "f" or np.isfinite(sampled).any():
            found[time] = look_at_counted(sampled, header.intensity, planes.reading, grey_range=grey_range, name=name)
    if not found:
        raise ImageError(f"{name} has no value that is a finite number (all are NaN or infinite); open another one")
    return {time: found.get(time, next(iter(found.values()))) for time in by_time}


def sampled_values(image: Any, planes: Planes) -> NDArray[Any]:
    """Return a regular sample of an image's middle plane, as (C, values)."""
    middle = list(planes)[len(planes) // 2]
    blocks = [planes.read(image, middle, region) for region in _sampled_regions(planes.shape)]
    return np.concatenate([block.reshape(len(block), -1) for block in blocks], axis=1)


def _sample(
    image: Any, planes: Planes, plane: Plane, header: ModelHeader, name: str, tissue: Tissue | None
) -> NDArray[Any]:
    here = None if tissue is None or len(planes.shape) != 2 else _tissue_regions(planes.shape, tissue)
    blocks = (planes.read(image, plane, region) for region in here or _sampled_regions(planes.shape))
    kept = [as_channels(block, header, name).ravel() if block.shape[0] > 1 else block.ravel() for block in blocks]
    return np.concatenate(kept)


def _tissue_regions(shape: Sequence[int], tissue: Tissue) -> list[tuple[slice, ...]]:
    """Choose GRID x GRID blocks of a slide among the half of those with tissue that hold most: glass hides stain."""
    size = min(BLOCK, *shape)
    every = [
        (slice(y, y + size), slice(x, x + size))
        for y in range(0, shape[0] - size + 1, size)
        for x in range(0, shape[1] - size + 1, size)
    ]
    shares = np.array([tissue.share_of(region, shape) for region in every])
    if not shares.any():
        return []
    chosen = np.flatnonzero(shares >= max(np.median(shares[shares > 0]), 1e-9))
    picked = np.unique(np.linspace(0, len(chosen) - 1, GRID * GRID).round().astype(int))
    return [every[number] for number in chosen[picked]]


def _sampled_regions(shape: Sequence[int]) -> list[tuple[slice, ...]]:
    """Cut GRID x GRID blocks out of the last two axes, and a few slices of the first in 3D."""
    deep = tuple(shape[:-2])
    if int(np.prod(shape, dtype=np.int64)) <= WHOLE_PIXELS:
        return [tuple(slice(0, size) for size in shape)]
    depths: list[tuple[slice, ...]] = [()]
    if deep:
        slices = np.unique(np.linspace(0, deep[0] - 1, MOST_PLANES).round().astype(int))
        depths = [(slice(int(z), int(z) + 1),) for z in slices]
    starts = [np.linspace(0, max(0, size - BLOCK), GRID).round().astype(int) for size in shape[-2:]]
    return [
        (*depth, slice(int(y), int(y) + BLOCK), slice(int(x), int(x) + BLOCK))
        for depth in depths
        for y in np.unique(starts[0])
        for x in np.unique(starts[1])
    ]
