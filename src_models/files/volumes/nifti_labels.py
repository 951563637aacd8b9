"""Write labels of a scan as NIfTI, voxel for voxel on the scan's own grid.

Labels of a NIfTI file take over its header: sform and qform with their codes, units, time step. Other programs then
find them exactly on the scan, also where sform and qform differ. For a DICOM scan a header is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from src_models.disk.atomic import atomic_path
from src_models.errors import OutputError
from src_models.files.volumes.geometry import VolumeGeometry
from src_models.files.volumes.label_grid import check_not_the_scan, label_grid, packed, planes, smallest_type
from src_models.files.volumes.nifti import is_nifti, world_to_nifti

__all__ = ["new_header", "opened", "source_header", "write_nifti_labels"]

_SCANNER = 1  # NIFTI_XFORM_SCANNER_ANAT: coordinates of the scanner
_LONGEST = 2**15 - 1  # the axes of NIfTI-1 are 16-bit numbers
_SHEAR = 1e-6


def write_nifti_labels(
    path: str | Path, labels: Any, geometry: VolumeGeometry, *, overwrite: bool = False, frame_seconds: float = 1.0
) -> Path:
    """Write labels as a NIfTI file that lies exactly on the scan they belong to.

    Parameters
    ----------
    path
        The file to make, ``.nii`` or ``.nii.gz``.
    labels
        ([t, ]z, y, x) integers or booleans in the axes of the scan's data; NumPy, dask or zarr. They are written
        plane by plane.
    geometry
        Of the scan (see :class:`~src_models.files.volumes.volume.Volume`).
    overwrite
        Whether an existing file may be replaced. The scan itself never is.
    frame_seconds
        Time (s) from one volume to the next, for labels with time whose scan has no header to say it.

    Returns
    -------
    Path
        `path`. The numbers are of 8, 16 or 32 bits without sign, whichever holds the largest, and the file says that
        they are labels (intent code 1002). What the source's header says of grey values is dropped, and so are its
        extensions, which tell of the image.

    Raises
    ------
    OutputError
        If the file exists and may not be replaced, is the scan itself, has another suffix, or cannot be written.
    ValueError
        If the labels are negative, no integers, or do not have the scan's shape.
    """
    path = Path(path)
    if not is_nifti(path):
        raise OutputError(f"{path}: labels of a scan are written as NIfTI; end the name with .nii.gz or .nii")
    check_not_the_scan(path, geometry)
    grid = label_grid(labels, geometry)
    dtype = smallest_type(grid)
    header = _header(geometry, grid.shape, dtype, frame_seconds)
    with atomic_path(path, overwrite=overwrite) as beside, opened(beside) as file:
        header.write_to(file)
        file.write(bytes(int(header["vox_offset"]) - file.tell()))
        for plane in planes(grid):
            file.write(plane.astype(header.get_data_dtype()).tobytes())
    return path


def _header(geometry: VolumeGeometry, shape: tuple[int, ...], dtype: np.dtype[Any], frame_seconds: float) -> Any:
    if geometry.nifti_header is None:
        header = new_header(geometry, shape, frame_seconds)
    else:
        header = source_header(geometry.nifti_header)
    header.set_data_dtype(dtype)
    header.set_data_shape(shape[::-1])
    header.set_slope_inter(1, 0)
    header.set_intent("label")
    header["cal_min"] = header["cal_max"] = 0
    header["vox_offset"] = header.single_vox_offset
    header["magic"] = header.single_magic
    return header


def source_header(content: bytes) -> Any:
    """Return the header of a NIfTI from its bytes as they are in the file, in the byte order that they have."""
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header

    kind = Nifti1Header if len(content) == Nifti1Header.template_dtype.itemsize else Nifti2Header
    return kind(content, check=False)  # type: ignore[no-untyped-call]


def new_header(geometry: VolumeGeometry, shape: tuple[int, ...], frame_seconds: float) -> Any:
    """Return a header for a grid ([t, ]k, j, i) of this shape and place, as for a scan that is no NIfTI."""
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header

    header: Any = (Nifti1Header if max(shape) <= _LONGEST else Nifti2Header)()  # type: ignore[no-untyped-call]
    affine = world_to_nifti(geometry.grid_affine)
    header.set_data_shape(shape[::-1])
    header.set_sform(affine, code=_SCANNER)
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    sheared = not np.allclose(directions.T @ directions, np.eye(3), atol=_SHEAR)
    header.set_qform(affine, code=0 if sheared else _SCANNER)  # a qform holds no shear
    steps = header["pixdim"].copy()
    steps[1:4] = np.linalg.norm(affine[:3, :3], axis=0)
    steps[4] = frame_seconds
    header["pixdim"] = steps
    header.set_xyzt_units("mm", "sec")
    return header


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to write to, packed by gzip if its name says so."""
    with path.open("wb") as file:
        if path.suffix.lower() != ".gz":
            yield file
            return
        with packed(file) as within:
            yield within
