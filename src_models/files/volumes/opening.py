"""Open a scan of any format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from src_models.files.volumes.dicom.stack import Uneven
    from src_models.files.volumes.geometry import VolumeGeometry
    from src_models.files.volumes.volume import Volume

__all__ = ["is_volume", "read_volume"]


def is_volume(path: str | Path) -> bool:
    """Tell whether a path is a scan: a file called NIfTI, NRRD or MetaImage, a DICOM file, or a folder of DICOM files.

    A folder counts as well if folders in it hold DICOM files, at any depth: opening it opens the only scan there, or
    says which there are.
    """
    from src_models.files.volumes.dicom.encoding import is_dicom
    from src_models.files.volumes.dicom.folders import has_dicom, has_dicom_below
    from src_models.files.volumes.itk.metaimage import is_metaimage
    from src_models.files.volumes.nifti import is_nifti
    from src_models.files.volumes.nrrd import is_nrrd

    path = Path(path)
    if path.is_dir():
        from src_models.files.zarr import is_zarr

        if is_zarr(path):
            return False
        return has_dicom(path) or has_dicom_below(path)
    return is_nifti(path) or is_nrrd(path) or is_metaimage(path) or is_dicom(path)


def read_volume(
    path: str | Path,
    *,
    axes: str | None = None,
    uneven: Uneven = "refuse",
    scan: VolumeGeometry | None = None,
    part: str = "",
) -> Volume:
    """Open a scan, or labels of one, as the module of its format reads it.

    They are :mod:`src_models.files.volumes.nifti`, :mod:`src_models.files.volumes.nrrd`,
    :mod:`src_models.files.volumes.itk.metaimage`,
    :mod:`src_models.files.volumes.dicom_volume`, and for DICOM files with labels
    :mod:`src_models.files.volumes.dicom_labels`.

    Parameters
    ----------
    path
        The file or folder.
    axes
        Its axes by hand.
    uneven
        What becomes of DICOM slices at uneven distances; see :func:`~src_models.files.volumes.dicom_volume.read_dicom`.
    scan
        Of labels in DICOM, the scan that they are wanted on; unless given, the one they name, if it lies beside them.
    part
        Which series of a DICOM file whose frames are several.

    Raises
    ------
    ImageError
        If it cannot be read as one whole volume.
    """
    from src_models.files.volumes.dicom_labels.kinds import CONTOURS, is_dicom_labels
    from src_models.files.volumes.dicom_volume import read_dicom
    from src_models.files.volumes.itk.metaimage import is_metaimage, read_metaimage
    from src_models.files.volumes.nifti import is_nifti, read_nifti
    from src_models.files.volumes.nrrd import is_nrrd, read_nrrd

    path = Path(path)
    if is_nifti(path) and not path.is_dir():
        return read_nifti(path, axes=axes)
    if is_nrrd(path) and not path.is_dir():
        return read_nrrd(path, axes=axes)
    if is_metaimage(path) and not path.is_dir():
        return read_metaimage(path, axes=axes)
    kind = is_dicom_labels(path)
    if kind == CONTOURS:
        from src_models.files.volumes.dicom_labels.rtstruct import read_rtstruct

        return read_rtstruct(path, scan=scan)
    if kind:
        from src_models.files.volumes.dicom_labels.seg_reading import read_dicom_seg

        return read_dicom_seg(path, scan=scan)
    return read_dicom(path, axes=axes, uneven=uneven, part=part)
