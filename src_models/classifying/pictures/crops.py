"""What is looked at of a plane: squares around places, and the whole, read without holding more than is needed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from src_models.classifying.pictures.picture import model_size
from src_models.images.channels import as_channels
from src_models.images.grey.intensity import filled
from src_models.images.mirroring import mirrored
from src_models.images.model_image import ModelImage
from src_models.images.planes import Plane

__all__ = ["Crops"]

FINER = 4  # times the model's size to which a larger plane is averaged as it is read
BAND = 64 * 2**20  # values that are read at a time


class Crops:
    """Reads parts of one plane, with the model's channels, in the image's own values: (C, H, W).

    Parameters
    ----------
    image
        The image.
    plane
        Which of its planes.
    """

    BLOCK: ClassVar[int] = 1024  # px: what is read at a time of an array that is not in memory, and its surroundings

    def __init__(self, image: ModelImage, plane: Plane) -> None:
        self._image = image
        self._plane = plane
        self._lazy = not isinstance(image.data, np.ndarray)
        self._held: tuple[tuple[int, int, int], NDArray[Any]] | None = None

    def square(self, y: float, x: float, size: int) -> Callable[[], NDArray[Any]]:
        """Return what reads the square of `size` px around a place (px; middles of pixels are whole numbers)."""
        return partial(self._square, y, x, size)

    def whole(self) -> NDArray[Any]:
        """Return the plane; one that is much larger than the model's pictures is averaged over equal cells."""
        height, width = self._image.planes.shape
        cell = max(height, width) // (FINER * model_size(self._image.header))
        if cell < 2 or min(height, width) < cell:
            return self._read((slice(0, height), slice(0, width)))
        rows, columns = height // cell, width // cell
        at_a_time = max(1, BAND // (cell * width * self._image.reading.channels))
        bands = []
        for first in range(0, rows, at_a_time):
            last = min(first + at_a_time, rows)
            band = filled(self._read((slice(first * cell, last * cell), slice(0, columns * cell))))
            cells = band.reshape(len(band), last - first, cell, columns, cell)
            bands.append(cells.mean(axis=(2, 4), dtype=np.float64).astype(np.float32))
        return np.concatenate(bands, axis=1)

    def _square(self, y: float, x: float, size: int) -> NDArray[Any]:
        seen = [
            mirrored(round(place + 0.5 - size / 2), size, length)
            for place, length in zip((y, x), self._image.planes.shape, strict=True)
        ]
        region = tuple(slice(int(places.min()), int(places.max()) + 1) for places in seen)
        block = self._near(region, size)
        rows, columns = (places - part.start for places, part in zip(seen, region, strict=True))
        return block[:, rows[:, None], columns[None, :]]

    def _near(self, region: tuple[slice, ...], size: int) -> NDArray[Any]:
        """Read a region: of an array that is not in memory, out of the block around it, which is kept."""
        if not self._lazy or size > self.BLOCK:
            return self._read(region)
        rows, columns = (part.start // self.BLOCK for part in region)
        starts = (rows * self.BLOCK, columns * self.BLOCK)
        if self._held is None or self._held[0] != (rows, columns, size):
            shape = self._image.planes.shape
            wide = tuple(slice(a, min(a + self.BLOCK + size, n)) for a, n in zip(starts, shape, strict=True))
            self._held = (rows, columns, size), self._read(wide)
        own = (slice(part.start - a, part.stop - a) for part, a in zip(region, starts, strict=True))
        return self._held[1][(slice(None), *own)]

    def _read(self, region: tuple[slice, ...]) -> NDArray[Any]:
        image = self._image
        return as_channels(image.planes.read(image.data, self._plane, region), image.header, image.name)
