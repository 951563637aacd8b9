"""What napari's command palette and its menus do with labels of other programs: they call commands without a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_medt.files.exchange.outlines import outlines_reader, write_outlines
from napari_medt.files.in_window import open_viewer, selected_labels
from napari_medt.files.readers import Reader
from src_models.errors import UserError

__all__ = ["read_outlines", "save_outlines"]

_PLUGIN = "napari-medt"
_OPENED = "Labels of ImageJ, QuPath, Cellpose, ilastik, and COCO (*.zip *.roi *.geojson *_seg.npy *.h5 *.hdf5 *.json)"
_KINDS = {
    "Regions for ImageJ's ROI Manager (*.zip)": "zip",
    "Objects for QuPath (*.geojson)": "geojson",
    "COCO (*.json)": "json",
}


def read_outlines(path: str | Sequence[str] | None = None) -> Reader | None:
    """Return the reader of labels of other programs; without a path, ask for files and open them.

    Parameters
    ----------
    path
        What napari opens. See :func:`~napari_medt.files.exchange.outlines.outlines_reader`.
    """
    if path is not None:
        return outlines_reader(path)
    from qtpy.QtWidgets import QApplication, QFileDialog

    viewer = open_viewer()
    asked = "Open labels of another program"
    names, _ = QFileDialog.getOpenFileNames(QApplication.activeWindow(), asked, str(Path.home()), _OPENED)
    for name in names:
        if outlines_reader(name) is None:
            raise UserError(f"{name}: it is no file of labels that ImageJ, QuPath, Cellpose or ilastik write, nor COCO")
        viewer.open(name, plugin=_PLUGIN)
    return None


def save_outlines(path: str | None = None, data: Any = None, meta: dict[str, Any] | None = None) -> list[str]:
    """Write the outlines of a labels layer; without a path, ask for a file and write the selected one.

    Parameters
    ----------
    path, data, meta
        What napari saves. See :func:`~napari_medt.files.exchange.outlines.write_outlines`.
    """
    if path is not None and meta is not None:
        return write_outlines(path, data, meta)
    from napari.utils.notifications import show_info

    layer = selected_labels(open_viewer())
    path = _ask_file(layer.name)
    if path is None:
        return []
    data, meta, _ = layer.as_layer_data_tuple()
    written = write_outlines(path, data, meta)
    show_info(f"Saved {written[0]}.")
    return written


def _ask_file(name: str) -> str | None:
    """Return where to save; Qt adds the ending that was left out, and asks before a file is replaced."""
    from qtpy.QtWidgets import QApplication, QFileDialog

    title = f"Save {name!r} for another program"
    dialog = QFileDialog(QApplication.activeWindow(), title, str(Path.home()), ";;".join(_KINDS))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix("zip")
    dialog.filterSelected.connect(lambda kind: dialog.setDefaultSuffix(_KINDS[kind]))
    dialog.selectFile(re.sub(r'[\\/:*?"<>|]', "_", name) + ".zip")
    try:
        return dialog.selectedFiles()[0] if dialog.exec() else None
    finally:
        dialog.deleteLater()
