"""Labels of a sheared scan in a NIfTI file whose axes a program made straight.

The NIfTI writer of ITK, and so 3D Slicer and SimpleITK, stores no shear: of a grid whose axes lean on each other it
keeps the first voxel and the size of the voxels, and turns the axes to the nearest ones at right angles. Labels that
were drawn on a tilted gantry's grid then name places up to centimetres away, though each of their voxels is one of the
scan's. They are known by exactly that, and get the scan's place back.

References
----------
.. [1] N. J. Higham, "Computing the polar decomposition", SIAM J. Sci. Stat. Comput. 7 (1986): the nearest orthogonal
   matrix.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from src_models.files.volumes.geometry import VolumeGeometry

__all__ = ["leaning_again"]

_SHEAR = 1e-4  # cosine of the angle of two axes
_NEAR = 0.01  # voxels, at the corners of the grid: numbers of NIfTI have 32 bits


def leaning_again(labels: VolumeGeometry, scan: VolumeGeometry) -> VolumeGeometry | None:
    """Return the place that labels had before their axes were made straight.

    Parameters
    ----------
    labels
        The place that their file tells.
    scan
        The place of the scan. 3D Slicer reverses the slices of a file whose grid is left-handed, so labels may have the
        scan's grid either way round.

    Returns
    -------
    VolumeGeometry or None
        Of the same grid; None where the labels are not a sheared scan's that were made straight.
    """
    shape = _grid_shape(scan)
    there = scan.grid_affine
    directions = there[:3, :3] / np.linalg.norm(there[:3, :3], axis=0)
    if np.abs(directions.T @ directions - np.eye(3)).max() < _SHEAR or _grid_shape(labels) != shape:
        return None
    reverse = np.diag([-1.0, 1.0, 1.0, 1.0])
    reverse[0, 3] = shape[0] - 1
    ends = np.array([[*place, 1.0] for place in np.ndindex(2, 2, 2)]) * [*(np.array(shape) - 1), 1.0]
    for grid in (there, there @ reverse):
        apart = np.linalg.norm(ends @ (labels.grid_affine - _straight(grid))[:3].T, axis=1).max()
        if apart < _NEAR * min(scan.spacing):
            return VolumeGeometry.of_grid(grid, shape, path=labels.path)
    return None


def _grid_shape(geometry: VolumeGeometry) -> tuple[int, int, int]:
    k, j, i = (geometry.shape[geometry.order.index(axis)] for axis in range(3))
    return k, j, i


def _straight(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn the axes to the nearest ones at right angles; voxels keep their size, and the first one its place."""
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    left, _, right = np.linalg.svd(affine[:3, :3] / steps)
    straight = affine.copy()
    straight[:3, :3] = (left @ right) * steps
    return straight
