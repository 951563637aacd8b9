"""What napari's command palette and its menus do with OME-Zarr: they call commands of the plugin without a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medt.files.image_reader import image_reader
from napari_medt.files.in_window import open_viewer, selected_labels
from napari_medt.files.readers import Reader
from napari_medt.files.zarr_writer import write_into_image, write_zarr_labels
from src_models.errors import UserError

if TYPE_CHECKING:
    import napari.viewer

__all__ = ["read_images", "save_zarr_labels"]

_PLUGIN = "napari-medt"


def read_images(path: str | Sequence[str] | None = None) -> Reader | None:
    """Return the reader of TIFF and zarr; without a path, ask for a zarr and open it.

    Parameters
    ----------
    path
        What napari opens. See :func:`~napari_medt.files.image_reader.image_reader`.
    """
    if path is not None:
        return image_reader(path)
    viewer = open_viewer()
    name = _ask_folder("Open an OME-Zarr image", _folder(viewer))
    if name:
        if image_reader(name) is None:
            raise UserError(f"{name}: this folder is no zarr; choose one that is, most are called NAME.zarr")
        viewer.open(name, plugin=_PLUGIN)
    return None


def save_zarr_labels(path: str | None = None, data: Any = None, meta: dict[str, Any] | None = None) -> list[str]:
    """Write a labels layer; without a path, ask for an image and write the selected one into it.

    Parameters
    ----------
    path, data, meta
        What napari saves. See :func:`~napari_medt.files.zarr_writer.write_zarr_labels`.
    """
    if path is not None and meta is not None:
        return write_zarr_labels(path, data, meta)
    from napari.utils.notifications import show_info

    from src_models.files.ngff.labels import labels_path

    viewer = open_viewer()
    layer = selected_labels(viewer)
    chosen = _ask_folder(f"Save {layer.name!r} into the OME-Zarr image", _zarr_below(viewer) or _folder(viewer))
    if not chosen:
        return []
    target = labels_path(Path(chosen), layer.name)
    if target.exists() and not _may_replace(target):
        return []
    data, meta, _ = layer.as_layer_data_tuple()
    written = write_into_image(Path(chosen), layer.name, data, meta, overwrite=True)
    show_info(f"Saved {written}.")
    return [str(written)]


def _zarr_below(viewer: napari.viewer.Viewer) -> str | None:
    """Return the uppermost zarr that is open in the viewer."""
    from src_models.files.zarr import is_zarr

    paths = (Path(layer.source.path) for layer in reversed(viewer.layers) if layer.source.path)
    return next((str(path) for path in paths if is_zarr(path)), None)


def _folder(viewer: napari.viewer.Viewer) -> str:
    """Return the folder of an image in the viewer, or a person's own."""
    paths = (Path(layer.source.path) for layer in reversed(viewer.layers) if layer.source.path)
    return str(next((path.parent for path in paths if path.parent.is_dir()), Path.home()))


def _ask_folder(title: str, start: str) -> str:
    from qtpy.QtWidgets import QApplication, QFileDialog

    return str(QFileDialog.getExistingDirectory(QApplication.activeWindow(), title, start))


def _may_replace(target: Path) -> bool:
    from qtpy.QtWidgets import QApplication, QMessageBox

    answer = QMessageBox.question(
        QApplication.activeWindow(),
        "Labels of this name are there",
        f"{target.parent.parent.name} has labels that are called {target.name!r}. Replace them?",
    )
    return bool(answer == QMessageBox.StandardButton.Yes)
