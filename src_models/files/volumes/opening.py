"""Open a scan of any format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from src_models.files.volumes.dicom.stack import Uneven
    from src_models.files.volumes.volume import Volume

__all__ = ["is_volume", "read_volume"]


def is_volume(path: str | Path) -> bool:
    """Tell whether a path is a scan: a file called NIfTI or NRRD, a DICOM file, or a folder with DICOM files in it.

    A folder counts as well if folders in it hold DICOM files, at any depth: opening it opens the only scan there, or
    says which there are.
    """
    from src_models.files.volumes.dicom.encoding import is_dicom
    from src_models.files.volumes.dicom.folders import has_dicom, has_dicom_below
    from src_models.files.volumes.nifti import is_nifti
    from src_models.files.volumes.nrrd import is_nrrd

    path = Path(path)
    if path.is_dir():
        from src_models.files.zarr import is_zarr

        if is_zarr(path):
            return False
        return has_dicom(path) or has_dicom_below(path)
    return is_nifti(path) or is_nrrd(path) or is_dicom(path)


def read_volume(path: str | Path, *, axes: str | None = None, uneven: Uneven = "refuse") -> Volume:
    """Open a scan, as the module of its format reads it.

    They are :mod:`src_models.files.volumes.nifti`, :mod:`src_models.files.volumes.nrrd` and
    :mod:`src_models.files.volumes.dicom_volume`.

    Parameters
    ----------
    path
        The file or folder.
    axes
        Its axes by hand.
    uneven
        What becomes of DICOM slices at uneven distances; see :func:`~src_models.files.volumes.dicom_volume.read_dicom`.

    Raises
    ------
    ImageError
        If it cannot be read as one whole volume.
    """
    from src_models.files.volumes.dicom_volume import read_dicom
    from src_models.files.volumes.nifti import is_nifti, read_nifti
    from src_models.files.volumes.nrrd import is_nrrd, read_nrrd

    path = Path(path)
    if is_nifti(path) and not path.is_dir():
        return read_nifti(path, axes=axes)
    if is_nrrd(path) and not path.is_dir():
        return read_nrrd(path, axes=axes)
    return read_dicom(path, axes=axes, uneven=uneven)
