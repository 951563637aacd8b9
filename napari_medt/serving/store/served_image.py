"""An image as it is served: its values, and the grid of voxels that a client has of it.

Clients name voxels by their indices (i, j, k) on their own grid. Newer 3D Slicer reverses the slices of a file whose
grid is left-handed, older does not; so images of the folder are handed out on a right-handed one, on which all agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medt.serving.answers import Refusal
from src_models.errors import ImageError
from src_models.files.images import ImageFile, read_image
from src_models.files.volumes.geometry import VolumeGeometry
from src_models.images.axes import AxesReading

__all__ = ["ServedImage", "open_image", "right_handed"]

_IN_MEMORY = 2 * 2**30  # bytes; what is larger is read plane by plane
_MM = {"mm": 1.0, "µm": 1e-3, "nm": 1e-6, "cm": 10.0, "m": 1000.0}
_LUMINANCE = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709


@dataclass(frozen=True, slots=True, eq=False)
class ServedImage:
    """An image that is served.

    Parameters
    ----------
    data
        ([z, ]y, x[, colour]), NumPy or dask, as models see it.
    reading
        Which axis is what.
    geometry
        From the data to the client's grid, and to the patient.
    """

    data: Any
    reading: AxesReading
    geometry: VolumeGeometry

    @property
    def flat(self) -> bool:
        """Whether it is one plane without an axis of depth."""
        return "Z" not in self.reading.axes

    @property
    def size(self) -> int:
        """Bytes of its values."""
        return int(self.data.size) * int(self.data.dtype.itemsize)

    @property
    def grid_shape(self) -> tuple[int, int, int]:
        """Voxels along the client's k, j and i."""
        k, j, i = (self.geometry.shape[self.geometry.order.index(axis)] for axis in range(3))
        return k, j, i

    def check(self, voxel: Sequence[int]) -> None:
        """Refuse a voxel (i, j, k) that is not there (:class:`Refusal`, 400)."""
        if any(not 0 <= index < length for index, length in zip(voxel, self.grid_shape[::-1], strict=True)):
            i, j, k = self.grid_shape[::-1]
            raise Refusal(
                400,
                f"the point {tuple(voxel)} lies outside of the volume, which has {i} x {j} x {k} voxels: remove the "
                "point and place it on the volume",
            )

    def to_data(self, voxel: Sequence[int]) -> tuple[int, int, int]:
        """Return the (z, y, x) of the data that a voxel (i, j, k) of the client's grid is."""
        z, y, x = (
            length - 1 - voxel[2 - source] if against else voxel[2 - source]
            for source, against, length in zip(
                self.geometry.order, self.geometry.flipped, self.geometry.shape, strict=True
            )
        )
        return z, y, x

    def to_grid(self, labels: NDArray[Any]) -> NDArray[Any]:
        """Return labels ([z, ]y, x) as (k, j, i) on the client's grid, a view."""
        return np.asarray(self.geometry.to_grid(labels[None] if labels.ndim == 2 else labels))

    def grey(self) -> Any:
        """Return grey values (z, y, x); colours as their luminance."""
        data = self.data
        if "C" in self.reading.axes:
            colour = np.asarray(data)[..., :3]
            weighted = colour @ np.array(_LUMINANCE)
            data = np.rint(weighted).astype(colour.dtype) if colour.dtype.kind in "iu" else weighted.astype(np.float32)
        return data[None] if self.flat else data

    def slices(self) -> SliceView:
        """Return the image as a stack of the slices that the client sees along k."""
        return SliceView(self, 0 if self.flat else self.geometry.order.index(0))


@dataclass(frozen=True, slots=True)
class SliceView:
    """An image as a stack of the slices that lie along k on the client's grid, in the direction of the data's axes.

    Parameters
    ----------
    image
        The image.
    axis
        Which axis of the data (z, y, x) runs through the slices.
    """

    image: ServedImage
    axis: int

    @property
    def data(self) -> Any:
        """The values: slices first, then the other axes as they are."""
        image = self.image
        return image.data if self.axis == 0 else np.moveaxis(np.asarray(image.data), self.axis, 0)

    @property
    def reading(self) -> AxesReading:
        """Which axis is what."""
        reading = self.image.reading
        if self.axis == 0:
            return reading
        order = (self.axis, *(axis for axis in range(3) if axis != self.axis))
        spacing = {letter: reading.spacing["ZYX"[axis]] for letter, axis in zip("ZYX", order, strict=True)}
        return replace(reading, shape=tuple(reading.shape[axis] for axis in order), spacing=spacing)

    def place(self, voxel: Sequence[int]) -> tuple[tuple[int, ...], int, int]:
        """Return the plane, row and column of a voxel (i, j, k)."""
        place = list(self.image.to_data(voxel))
        plane = place.pop(self.axis)
        return () if self.image.flat else (plane,), place[0], place[1]

    def empty(self) -> NDArray[np.uint8]:
        """Return labels of nothing, (slice, row, column)."""
        shape = list(self.image.geometry.shape)
        return np.zeros((shape.pop(self.axis), *shape), np.uint8)

    def to_grid(self, labels: NDArray[Any]) -> NDArray[Any]:
        """Return labels (slice, row, column) as (k, j, i) on the client's grid, a view."""
        return self.image.to_grid(np.moveaxis(labels, 0, self.axis))


def open_image(path: Path, name: str, *, of_client: bool) -> ServedImage:
    """Open an image.

    Parameters
    ----------
    path
        The file, or the folder of a scan.
    name
        What clients call it, for errors: these are told to clients, who have no business with the server's disk.
    of_client
        Whether a client sent it, and so has it on the file's own grid.

    Raises
    ------
    Refusal
        If it is gone (404).
    ImageError
        If it cannot be read, or is no single image: a film, or one of several dyes.
    """
    if not path.exists():
        raise Refusal(404, f"the image {name!r} is no longer on the server's disk: refresh, and choose another one")
    try:
        file = read_image(path)
    except ImageError as error:
        raise ImageError(str(error).replace(str(path), f"{name!r}").replace(path.name, name)) from error
    file = _still(file, name)
    if file.reading.channels > 1 and not file.reading.rgb:
        raise ImageError(
            f"{name!r}: it has {file.reading.channels} channels, and volumes in 3D Slicer have one: save the channel "
            "that matters as a file of its own"
        )
    data = file.data
    if not isinstance(data, np.ndarray) and data.size * data.dtype.itemsize <= _IN_MEMORY:
        data = np.asarray(data)
    geometry = _place(file) if file.geometry is None else file.geometry
    geometry = geometry if of_client else right_handed(geometry)
    return ServedImage(data, file.reading, replace(geometry, path=None, nifti_header=None, known=True))


def right_handed(geometry: VolumeGeometry) -> VolumeGeometry:
    """Return a geometry with the same data whose grid is right-handed: its slices run the other way if need be."""
    affine = geometry.grid_affine
    if np.linalg.det(affine[:3, :3]) > 0:
        return geometry
    k, j, i = (geometry.shape[geometry.order.index(axis)] for axis in range(3))
    reverse = np.diag([-1.0, 1.0, 1.0, 1.0])
    reverse[0, 3] = k - 1
    return VolumeGeometry.of_grid(affine @ reverse, (k, j, i))


def _still(file: ImageFile, name: str) -> ImageFile:
    """Return an image without an axis of time."""
    reading = file.reading
    if "T" not in reading.axes:
        return file
    if reading.size("T") > 1:
        raise ImageError(
            f"{name!r}: it has {reading.size('T')} points in time, and the server takes one volume: save the one that "
            "matters as a file of its own"
        )
    at = reading.axes.index("T")
    shape = (*reading.shape[:at], *reading.shape[at + 1 :])
    still = replace(reading, axes=reading.axes.replace("T", ""), shape=shape)
    return replace(file, data=file.data[(*[slice(None)] * at, 0)], reading=still)


def _place(file: ImageFile) -> VolumeGeometry:
    """Give a picture a place: its rows to the back, its columns to the left, in mm where its unit is one of length."""
    reading = file.reading
    scale = _MM.get(reading.unit, 1.0)
    steps = [reading.spacing.get(letter, 1.0) * scale for letter in "ZYX"]
    return VolumeGeometry.of_grid(np.diag([*steps, 1.0]), [reading.size(letter) for letter in "ZYX"])
