"""Open a scan of either format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from src_models.files.volumes.dicom.stack import Uneven
    from src_models.files.volumes.volume import Volume

__all__ = ["is_volume", "read_volume"]


def is_volume(path: str | Path) -> bool:
    """Tell whether a path is a scan: a file that is called NIfTI or is DICOM, or a folder with DICOM files in it.

    A folder counts as well if folders in it hold DICOM files, at any depth: opening it opens the only scan there, or
    says which there are.
    """
    from src_models.files.volumes.dicom.encoding import is_dicom
    from src_models.files.volumes.dicom.folders import has_dicom, has_dicom_below
    from src_models.files.volumes.nifti import is_nifti

    path = Path(path)
    if path.is_dir():
        from src_models.files.zarr import is_zarr

        if is_zarr(path):
            return False
        return has_dicom(path) or has_dicom_below(path)
    return is_nifti(path) or is_dicom(path)


def read_volume(path: str | Path, *, axes: str | None = None, uneven: Uneven = "refuse") -> Volume:
    """Open a scan, as :mod:`src_models.files.volumes.nifti` or :mod:`src_models.files.volumes.dicom_volume` reads it.

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

    path = Path(path)
    if is_nifti(path) and not path.is_dir():
        return read_nifti(path, axes=axes)
    return read_dicom(path, axes=axes, uneven=uneven)
