"""Asking a person for the file that objects are saved to."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from napari_medt.clicking.saving import with_ending

__all__ = ["ask_where_to"]

_TIFF, _NIFTI = "TIFF (*.tif *.tiff)", "NIfTI, for scans (*.nii.gz *.nii)"
_NRRD, _SLICER = "NRRD, for scans (*.nrrd)", "Segmentation of 3D Slicer, for scans (*.seg.nrrd)"
_DICOM = "DICOM segmentation, for DICOM slices (*.dcm)"
_ENDINGS = {_NIFTI: ".nii.gz", _NRRD: ".nrrd", _SLICER: ".seg.nrrd", _DICOM: ".dcm"}


def ask_where_to(parent: QWidget, name: str) -> tuple[Path, bool] | None:
    """Ask for the file, with the ending that belongs to the chosen kind where a person leaves it out.

    Parameters
    ----------
    parent
        Parent of the dialog.
    name
        Of the objects.

    Returns
    -------
    path, may_replace
        Where to, and whether a person agreed to replace a file that is there; None if nothing was chosen.
    """
    kinds = ";;".join((_TIFF, *_ENDINGS))
    chosen, kind = QFileDialog.getSaveFileName(parent, "Save objects and clicks", f"{name}.tif", kinds)
    if not chosen:
        return None
    path = with_ending(chosen, _ENDINGS.get(kind, ".tif"))
    return path, path == Path(chosen)  # the dialog asked about the name that it knew
