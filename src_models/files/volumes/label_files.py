"""Write labels of a scan in the format that a name asks for: NIfTI, NRRD, MetaImage or a DICOM segmentation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from src_models.errors import OutputError
from src_models.files.volumes.geometry import VolumeGeometry
from src_models.files.volumes.itk.metaimage_labels import METAIMAGE_SUFFIX
from src_models.files.volumes.itk.simple_itk import check_simple_itk
from src_models.files.volumes.nifti import is_nifti
from src_models.files.volumes.nrrd import is_nrrd
from src_models.files.volumes.volume import Maker, Segment

__all__ = ["DICOM_SUFFIX", "SCAN_LABEL_SUFFIXES", "check_volume_labels", "is_scan_labels", "write_volume_labels"]

DICOM_SUFFIX = ".dcm"
SCAN_LABEL_SUFFIXES = (".nii.gz", ".nii", ".seg.nrrd", ".nrrd", METAIMAGE_SUFFIX, DICOM_SUFFIX)


def is_scan_labels(path: str | Path) -> bool:
    """Tell by its name whether a file is one that labels of a scan are written as."""
    return str(path).lower().endswith(SCAN_LABEL_SUFFIXES)


def check_volume_labels(path: Path, geometry: VolumeGeometry) -> None:
    """Refuse, before labels are made, a file that they could not be written as.

    Raises
    ------
    OutputError
        If what writes it is not installed, or the scan cannot have it; see
        :func:`~src_models.files.volumes.dicom_labels.seg_writing.check_dicom_seg`.
    """
    if path.suffix.lower() == DICOM_SUFFIX:
        from src_models.files.volumes.dicom_labels.seg_writing import check_dicom_seg

        check_dicom_seg(path, geometry)
    if path.suffix.lower() == METAIMAGE_SUFFIX:
        check_simple_itk(path, OutputError)


def write_volume_labels(
    path: str | Path,
    labels: Any,
    geometry: VolumeGeometry,
    *,
    overwrite: bool = False,
    frame_seconds: float = 1.0,
    segments: Sequence[Segment] | None = None,
    maker: Maker | None = None,
    labelmap: bool = False,
) -> Path:
    """Write labels as the name says.

    See :func:`~src_models.files.volumes.nifti_labels.write_nifti_labels`,
    :func:`~src_models.files.volumes.nrrd_labels.write_nrrd_labels`,
    :func:`~src_models.files.volumes.itk.metaimage_labels.write_metaimage_labels`, and
    :func:`~src_models.files.volumes.dicom_labels.seg_writing.write_dicom_seg`, which alone takes `maker` and
    `labelmap`; NIfTI and MetaImage have no place for `segments`.

    Raises
    ------
    OutputError
        If the name ends as none of them does, or the file cannot be written.
    """
    if is_nrrd(path):
        from src_models.files.volumes.nrrd_labels import write_nrrd_labels

        return write_nrrd_labels(
            path, labels, geometry, overwrite=overwrite, frame_seconds=frame_seconds, segments=segments
        )
    if is_nifti(path):
        from src_models.files.volumes.nifti_labels import write_nifti_labels

        return write_nifti_labels(path, labels, geometry, overwrite=overwrite, frame_seconds=frame_seconds)
    if str(path).lower().endswith(METAIMAGE_SUFFIX):
        from src_models.files.volumes.itk.metaimage_labels import write_metaimage_labels

        return write_metaimage_labels(path, labels, geometry, overwrite=overwrite, frame_seconds=frame_seconds)
    if str(path).lower().endswith(DICOM_SUFFIX):
        from src_models.files.volumes.dicom_labels.seg_writing import write_dicom_seg

        return write_dicom_seg(
            path, labels, geometry, overwrite=overwrite, segments=segments, maker=maker, labelmap=labelmap
        )
    raise OutputError(f"{path}: labels of a scan are written as {', '.join(SCAN_LABEL_SUFFIXES)}; choose one of these")
