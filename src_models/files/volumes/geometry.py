"""Where the voxels of a scan are in the patient, whatever file it came from.

One world for both formats: millimetres along the patient's superior, posterior and left, in that order, so that it
reads (z, y, x) as napari wants it. It is DICOM's own system of coordinates (PS3.3 C.7.6.2.1.1: x to the left, y to the
posterior, z to the head) with its axes reversed. NIfTI counts x to the right and y to the anterior; both change sign.

napari cuts a plane out of a layer only along the layer's own axes. So the voxels are handed out with the axis that is
closest to superior first, then the one closest to posterior, then left, each running that way: a view of the file's
grid, without interpolation. The geometry knows the way back to the file's grid.

Examples
--------
>>> to_world = np.diag([3.0, 0.5, 0.5, 1.0])[[2, 1, 0, 3]]  # a sagittal scan: its slices follow each other to the left
>>> geometry = VolumeGeometry.of_grid(to_world, (20, 512, 400), path=Path("knee.nii.gz"))
>>> geometry.order, geometry.spacing
((2, 1, 0), (0.5, 0.5, 3.0))
>>> geometry.to_data(np.zeros((20, 512, 400))).shape
(400, 512, 20)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from src_models.errors import ImageError

__all__ = ["UNIT", "VolumeGeometry"]

UNIT = "mm"
# A parallelepiped of unit edges with less than this volume is flat but for rounding.
_FLAT = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class VolumeGeometry:
    """The place of a volume's voxels in the patient, and in its file.

    Parameters
    ----------
    affine
        (4, 4) float64: takes a position (z, y, x, 1) in the data to (superior, posterior, left, 1) in mm.
    order
        For each axis of the data, which axis of the file's grid it is. A file's grid has its slices first: (k, j, i)
        of NIfTI, (slice, row, column) of DICOM.
    flipped
        For each axis of the data, whether it runs against the file's.
    shape
        Length of the data's z, y and x.
    path
        The file or folder, which labels never replace; None for a place that no scan on disk has.
    nifti_header
        The header of a NIfTI file as it is in the file; None for others.
    known
        Whether the file tells the place; else only the size of the voxels is known.
    notes
        What a person should know of how the place was taken, in sentences.
    files
        Of DICOM slices, their files in the order of the file's grid; empty for others, and for slices that were
        resampled.
    frames
        Of DICOM files with many frames, which of them each slice is, from 0; empty for others.
    """

    affine: NDArray[np.float64]
    order: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]
    shape: tuple[int, int, int]
    path: Path | None = None
    nifti_header: bytes | None = None
    known: bool = True
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    frames: tuple[int, ...] = ()

    @classmethod
    def of_grid(
        cls,
        to_world: ArrayLike,
        shape: Sequence[int],
        *,
        path: Path | None = None,
        nifti_header: bytes | None = None,
        known: bool = True,
        notes: Sequence[str] = (),
        files: Sequence[Path] = (),
        frames: Sequence[int] = (),
    ) -> VolumeGeometry:
        """Order the axes of a file's grid by the patient's.

        Parameters
        ----------
        to_world
            (4, 4): from a position in the file's grid, slices first, to (superior, posterior, left) in mm.
        shape
            Shape of the grid, slices first.
        path, nifti_header, known, notes, files, frames
            See :class:`VolumeGeometry`.

        Raises
        ------
        ImageError
            If `to_world` is not finite, or does not span three dimensions.
        """
        matrix = np.array(to_world, dtype=np.float64)
        _check(matrix, path)
        order = _closest_axes(matrix[:3, :3])
        z, y, x = (bool(matrix[axis, source] < 0) for axis, source in enumerate(order))
        lengths = (int(shape[order[0]]), int(shape[order[1]]), int(shape[order[2]]))
        affine = matrix @ _into_grid(order, (z, y, x), lengths)
        told = path, nifti_header, known, tuple(notes), tuple(files), tuple(frames)
        return cls(affine, order, (z, y, x), lengths, *told)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance (mm) of neighbouring voxels along the data's z, y and x: the lengths of the affine's columns."""
        z, y, x = (float(length) for length in np.linalg.norm(self.affine[:3, :3], axis=0))
        return z, y, x

    @property
    def directions(self) -> NDArray[np.float64]:
        """The affine less the spacing, (4, 4): directions of the axes, of length 1, and the first voxel's centre.

        As a layer's ``affine``, with the spacing as its ``scale``, it gives the affine. A tilted gantry makes the
        directions of z and y lean on each other: a shear.
        """
        return np.asarray(self.affine @ np.diag([*(1 / np.array(self.spacing)), 1.0]))

    @property
    def grid_affine(self) -> NDArray[np.float64]:
        """The matrix (4, 4) from a position in the file's grid to (superior, posterior, left) in mm."""
        return np.asarray(self.affine @ np.linalg.inv(_into_grid(self.order, self.flipped, self.shape)))

    @property
    def grid_shape(self) -> tuple[int, int, int]:
        """Shape of the file's grid, slices first."""
        k, j, i = (self.shape[self.order.index(axis)] for axis in range(3))
        return k, j, i

    def to_data(self, grid: Any) -> Any:
        """Return the values of a file's grid, slices first, with the axes of the data.

        Only the last three axes are concerned. NumPy and dask arrays are not copied.
        """
        return self._flip(_reorder(grid, self.order))

    def to_grid(self, data: Any) -> Any:
        """Return values of the data with the axes of the file's grid: the way back from :meth:`to_data`."""
        z, y, x = (self.order.index(axis) for axis in range(3))
        return _reorder(self._flip(data), (z, y, x))

    def _flip(self, data: Any) -> Any:
        return data[(..., *(slice(None, None, -1) if against else slice(None) for against in self.flipped))]


def _check(matrix: NDArray[np.float64], path: Path | None) -> None:
    name = path or "the layer"
    if not np.isfinite(matrix).all():
        raise ImageError(
            f"{name}: its place in the patient is not known (the affine holds NaN or infinite numbers); "
            "convert it again from the original scan"
        )
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    if not lengths.all() or abs(np.linalg.det(matrix[:3, :3] / lengths)) < _FLAT:
        raise ImageError(
            f"{name}: its affine is flat (voxels of size 0, or two axes in one direction), so its voxels have no place "
            "in the patient; convert it again from the original scan"
        )


def _closest_axes(matrix: NDArray[np.float64]) -> tuple[int, int, int]:
    """Return for superior, posterior and left the axis of the grid that is closest to it, all different."""
    cosines = np.abs(matrix / np.linalg.norm(matrix, axis=0))
    z, y, x = max(permutations(range(3)), key=lambda order: round(sum(cosines[row, order[row]] for row in range(3)), 9))
    return z, y, x


def _into_grid(order: Sequence[int], flipped: Sequence[bool], shape: Sequence[int]) -> NDArray[np.float64]:
    """Return the matrix from a position in data of this shape to one in the file's grid."""
    matrix = np.zeros((4, 4))
    matrix[3, 3] = 1
    for axis, (source, against) in enumerate(zip(order, flipped, strict=True)):
        matrix[source, axis] = -1 if against else 1
        matrix[source, 3] = shape[axis] - 1 if against else 0
    return matrix


def _reorder(array: Any, order: tuple[int, int, int]) -> Any:
    front = array.ndim - 3
    return array.transpose((*range(front), *(front + axis for axis in order)))
