"""Write labels of a scan as MetaImage, voxel for voxel on the scan's own grid, through SimpleITK."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from src_models.disk.atomic import atomic_path
from src_models.errors import OutputError
from src_models.files.volumes.geometry import VolumeGeometry
from src_models.files.volumes.itk.metaimage import CONTENT, LABELS
from src_models.files.volumes.itk.simple_itk import simple_itk
from src_models.files.volumes.label_grid import check_not_the_scan, label_grid, planes, smallest_type
from src_models.files.volumes.nrrd import world_to_lps

__all__ = ["METAIMAGE_SUFFIX", "write_metaimage_labels"]

METAIMAGE_SUFFIX = ".mha"


def write_metaimage_labels(
    path: str | Path, labels: Any, geometry: VolumeGeometry, *, overwrite: bool = False, frame_seconds: float = 1.0
) -> Path:
    """Write labels as a MetaImage file that lies exactly on the scan they belong to.

    Parameters
    ----------
    path
        The file to make, ``.mha``.
    labels
        ([t, ]z, y, x) integers or booleans in the axes of the scan's data; NumPy, dask or zarr.
    geometry
        Of the scan (see :class:`~src_models.files.volumes.volume.Volume`).
    overwrite
        Whether an existing file may be replaced. The scan itself never is.
    frame_seconds
        Time (s) from one volume to the next, for labels with time.

    Returns
    -------
    Path
        `path`. The numbers are of 8, 16 or 32 bits without sign, whichever holds the largest, and packed. The field
        ``content`` of its header says that they are labels.

    Raises
    ------
    OutputError
        If the file exists and may not be replaced, is the scan itself, is called otherwise or cannot be written, or
        SimpleITK is not installed.
    ValueError
        If the labels are negative, no integers, or do not have the scan's shape.
    """
    path = Path(path)
    if path.suffix.lower() != METAIMAGE_SUFFIX:
        raise OutputError(f"{path}: labels are written as MetaImage in one file; end the name with .mha")
    sitk = simple_itk(path, OutputError)
    check_not_the_scan(path, geometry)
    grid = label_grid(labels, geometry)
    dtype = smallest_type(grid)
    values = np.stack([plane.astype(dtype) for plane in planes(grid)]).reshape(grid.shape)
    image = sitk.GetImageFromArray(values, isVector=False)
    lps = world_to_lps(geometry.grid_affine)
    steps = np.linalg.norm(lps[:3, :3], axis=0)
    directions = np.eye(grid.ndim)
    directions[:3, :3] = lps[:3, :3] / steps
    image.SetDirection(directions.ravel().tolist())
    image.SetSpacing([*steps.tolist(), frame_seconds][: grid.ndim])
    image.SetOrigin([*lps[:3, 3].tolist(), 0.0][: grid.ndim])
    image.SetMetaData(CONTENT, LABELS)
    with atomic_path(path, overwrite=overwrite) as beside:
        try:
            sitk.WriteImage(image, str(beside), useCompression=True, imageIO="MetaImageIO")
        except RuntimeError:  # ITK does not say why
            raise OutputError(f"{path}: it could not be written; the disk may be full, choose another folder") from None
    return path
