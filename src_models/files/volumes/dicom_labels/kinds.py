"""Whether a DICOM file holds labels, and of which kind."""

from __future__ import annotations

from pathlib import Path

from src_models.files.volumes.dicom.damage import silent_pydicom
from src_models.files.volumes.dicom.encoding import is_dicom

__all__ = ["CONTOURS", "SEGMENTATIONS", "is_dicom_labels"]

# SOP classes: Segmentation Storage, Label Map Segmentation Storage; RT Structure Set Storage.
SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
CONTOURS = "1.2.840.10008.5.1.4.1.1.481.3"


def is_dicom_labels(path: Path) -> str:
    """Return the SOP class of a DICOM file with labels; empty for any other file, and for a damaged one."""
    import pydicom

    if not path.is_file() or not is_dicom(path):
        return ""
    try:
        with silent_pydicom():
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["SOPClassUID"], force=True)
            kind = str(header.get("SOPClassUID", ""))
    except Exception:  # damaged in one of many ways, which reading it as a scan says
        return ""
    return kind if kind in (*SEGMENTATIONS, CONTOURS) else ""
