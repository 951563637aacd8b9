"""What the plugin's dialogs ask the window for: the viewer, and the Labels layer that is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from src_models.errors import OutputError, UserError

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

__all__ = ["open_viewer", "selected_labels"]


def open_viewer() -> napari.viewer.Viewer:
    """Return the viewer of the window.

    Raises
    ------
    UserError
        If there is none.
    """
    from napari import current_viewer

    viewer = current_viewer()
    if viewer is None:
        raise UserError("There is no window to ask for a file in: open napari first.")
    return viewer


def selected_labels(viewer: napari.viewer.Viewer) -> napari.layers.Labels:
    """Return the one Labels layer that is selected, or the only one there is.

    Raises
    ------
    OutputError
        If there is none, or more than one.
    """
    from napari.layers import Labels

    for layers in (viewer.layers.selection, viewer.layers):
        found = [layer for layer in layers if isinstance(layer, Labels)]
        if len(found) == 1:
            return found[0]
    raise OutputError("select the one Labels layer that is to be saved")
