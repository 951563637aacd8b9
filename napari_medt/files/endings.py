"""In napari's dialog for saving, the ending of a name decides: labels are what they are called.

The dialog gives a file to the writer of the type that is chosen in it, which is napari's own unless a person changes
it. That one writes nothing for ``.nii``, ``.nii.gz``, ``.nrrd``, ``.zarr`` and ``.geojson``, and napari reports that
saving failed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from napari_medt.files.exchange.outlines import write_outlines
from napari_medt.files.writers import write_scan_labels
from napari_medt.files.zarr_writer import is_in_zarr, write_zarr_labels
from src_models.files.volumes.label_files import is_scan_labels

if TYPE_CHECKING:
    from npe2 import PluginContext

__all__ = ["let_endings_decide"]

_NAPARI = "napari.write_labels"


def let_endings_decide(context: PluginContext) -> None:
    """Hand names of NIfTI, NRRD and zarr that napari's writer of labels gets to ours, as long as the plugin is active.

    Parameters
    ----------
    context
        What napari knows of the plugin while it is active.
    """
    from npe2 import PluginManager

    commands = PluginManager.instance().commands
    with suppress(KeyError):  # napari's own readers and writers can be switched off
        own = commands.get(_NAPARI)
        _put(lambda path, data, meta: _writer(path, own)(path, data, meta))
        context.register_disposable(lambda: _put(own))


def _writer(path: str, own: Callable[..., Any]) -> Callable[..., Any]:
    if is_scan_labels(path):
        return write_scan_labels
    if path.lower().endswith((".zip", ".geojson", ".json")):
        return write_outlines
    return write_zarr_labels if is_in_zarr(path) else own


def _put(writer: Callable[[str, Any, dict[str, Any]], Any]) -> None:
    from npe2 import PluginManager

    commands = PluginManager.instance().commands
    commands.unregister(_NAPARI)
    commands.register(_NAPARI, writer)
