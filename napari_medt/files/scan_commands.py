"""What napari's command palette and its menus do with scans: they call commands of the plugin without a file."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medt.files.in_window import open_viewer, selected_labels
from napari_medt.files.readers import Reader, scan_reader
from napari_medt.files.writers import write_scan_labels
from napari_medt.viewer.layer_notes import notes_of
from src_models.errors import UserError
from src_models.files.images import image_stem

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

__all__ = ["open_slices", "read_scans", "save_scan_labels"]

_PLUGIN = "napari-medt"
_ENDINGS = ("nii", "nii.gz", "nrrd", "nhdr", "mha", "mhd", "dcm", "dicom", "ima")
_SCANS = f"Scans ({' '.join(f'*.{one} *.{one.upper()}' for one in _ENDINGS)})"
_KINDS = {
    "NIfTI (*.nii.gz *.nii)": "nii.gz",
    "NRRD (*.nrrd)": "nrrd",
    "Segmentation of 3D Slicer (*.seg.nrrd)": "seg.nrrd",
    "MetaImage (*.mha)": "mha",
    "DICOM segmentation, for DICOM slices (*.dcm)": "dcm",
}


def read_scans(path: str | Sequence[str] | None = None) -> Reader | None:
    """Return the reader of scans; without a path, ask for files and open them.

    Parameters
    ----------
    path
        What napari opens. See :func:`~napari_medt.files.readers.scan_reader`.
    """
    if path is not None:
        return scan_reader(path)
    from qtpy.QtWidgets import QApplication, QFileDialog

    viewer = open_viewer()
    names, _ = QFileDialog.getOpenFileNames(QApplication.activeWindow(), "Open scans", _folder(viewer), _SCANS)
    alike = defaultdict(list)
    for name in names:
        alike[Path(name).suffix].append(name)
    for paths in alike.values():  # together, so that slices of one series are opened once
        viewer.open(paths, stack=True, plugin=_PLUGIN)
    return None


def open_slices() -> None:
    """Ask for a folder of DICOM slices and open it."""
    from qtpy.QtWidgets import QApplication, QFileDialog

    viewer = open_viewer()
    asked = "Open a folder of DICOM slices"
    name = QFileDialog.getExistingDirectory(QApplication.activeWindow(), asked, _folder(viewer))
    if not name:
        return
    if scan_reader(name) is None:
        raise UserError(f"{name}: there are no DICOM slices in this folder; choose the one that they are in")
    viewer.open(name, plugin=_PLUGIN)


def save_scan_labels(path: str | None = None, data: Any = None, meta: dict[str, Any] | None = None) -> list[str]:
    """Write a labels layer; without a path, ask for a file and write the selected one.

    Parameters
    ----------
    path, data, meta
        What napari saves. See :func:`~napari_medt.files.writers.write_scan_labels`.
    """
    if path is not None and meta is not None:
        return write_scan_labels(path, data, meta)
    from napari.utils.notifications import show_info

    viewer = open_viewer()
    layer = selected_labels(viewer)
    path = _ask_file(viewer, layer)
    if path is None:
        return []
    data, meta, _ = layer.as_layer_data_tuple()
    written = write_scan_labels(path, data, meta)
    show_info(f"Saved {written[0]}.")
    return written


def _folder(viewer: napari.viewer.Viewer) -> str:
    """Return the folder of a scan in the viewer, or a person's own."""
    for layer in reversed(viewer.layers):
        volume = notes_of(layer).volume
        if volume is not None and volume.path is not None:
            return str(volume.path.parent)
    return str(Path.home())


def _ask_file(viewer: napari.viewer.Viewer, layer: napari.layers.Labels) -> str | None:
    """Return where to save; Qt adds the ending that was left out, and asks before a file is replaced."""
    from qtpy.QtWidgets import QApplication, QFileDialog

    kinds = ";;".join(_KINDS)
    dialog = QFileDialog(QApplication.activeWindow(), f"Save {layer.name!r} for a scan", _folder(viewer), kinds)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix("nii.gz")
    dialog.filterSelected.connect(lambda kind: dialog.setDefaultSuffix(_KINDS[kind]))
    dialog.selectFile(re.sub(r'[\\/:*?"<>|]', "_", image_stem(layer.name)) + ".nii.gz")
    try:
        return dialog.selectedFiles()[0] if dialog.exec() else None
    finally:
        dialog.deleteLater()
