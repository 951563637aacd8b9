"""The headers of the slices that labels were drawn on: what a segmentation takes over to belong to their study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from src_models.errors import OutputError
from src_models.files.volumes.dicom.damage import silent_pydicom
from src_models.files.volumes.dicom_labels.frame_references import as_slice
from src_models.files.volumes.geometry import VolumeGeometry

__all__ = ["read_slice_headers"]

_NEEDED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
# Attributes that may be empty in a segmentation, and must be there (PS3.3, type 2).
_MAY_BE_EMPTY = (
    "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate",
    "StudyTime", "ReferringPhysicianName",
)  # fmt: skip


def read_slice_headers(path: Path, geometry: VolumeGeometry) -> list[Any]:
    """Read the headers of a scan's slices or frames, in the order of its grid.

    Parameters
    ----------
    path
        The file that is to be written, for errors.
    geometry
        Of the scan.

    Returns
    -------
    list of pydicom.Dataset
        Without pixels.

    Raises
    ------
    OutputError
        If the scan was not read from DICOM slices, one of them has gone, or they do not say what they belong to.
    """
    if not geometry.files:
        raise OutputError(
            f"{path}: a DICOM segmentation belongs to the slices of a DICOM series, and these labels lie on no scan "
            "that was read from one as it is (it is of another format, has a time axis, or was resampled from uneven "
            "slices); write NIfTI (.nii.gz) or NRRD (.seg.nrrd)"
        )
    if not geometry.frames:
        return [_header(one) for one in geometry.files]
    files = {one: _header(one) for one in dict.fromkeys(geometry.files)}
    if not all("PerFrameFunctionalGroupsSequence" in one for one in files.values()):
        raise OutputError(
            f"{path}: a DICOM segmentation belongs to slices, or to frames with groups of their own, and those of a "
            "dose have none; write NIfTI (.nii.gz) or NRRD (.seg.nrrd)"
        )
    with silent_pydicom():
        return [as_slice(files[one], frame) for one, frame in zip(geometry.files, geometry.frames, strict=True)]


def _header(file: Path) -> Any:
    import pydicom
    from pydicom.config import disable_value_validation
    from pydicom.valuerep import DA, TM

    try:
        with silent_pydicom(), disable_value_validation():
            header = pydicom.dcmread(file, stop_before_pixels=True, force=True)
            missing = [name for name in _NEEDED if not header.get(name)]
    except OSError as error:
        raise OutputError(
            f"{file}: this slice of the scan cannot be read any more ({error.strerror}); put it back, or end the "
            "labels' name with .nii.gz"
        ) from error
    if missing:
        raise OutputError(
            f"{file}: it lacks {', '.join(missing)}, without which a segmentation cannot say what it belongs to; end "
            "the labels' name with .nii.gz or .seg.nrrd"
        )
    for name in _MAY_BE_EMPTY:
        if name not in header:
            setattr(header, name, None)
    for name, kind in (("PatientBirthDate", DA), ("StudyDate", DA), ("StudyTime", TM)):
        try:
            kind(header.get(name) or None)
        except (TypeError, ValueError):  # no date or time that can be written again
            setattr(header, name, None)
    return header
