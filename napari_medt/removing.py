"""Taking several layers out of a viewer.

Where the processor draws the graphics, napari 0.9 can crash at the next layer that is added: a shader program of vispy
that was deleted is drawn with. So programs are not deleted any more once layers were taken out here (each is a few
kilobytes), and layers are hidden at once and removed one by one, between draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from napari_medt.layers import notes_of

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

__all__ = ["remove_one_by_one"]

_DRAWN = 100  # ms in which a viewer draws


def remove_one_by_one(viewer: napari.viewer.Viewer, layers: Sequence[napari.layers.Layer]) -> None:
    """Take away layers of this plugin: hidden and forgotten at once, removed as the viewer draws."""
    from qtpy.QtCore import QTimer
    from vispy.gloo.glir import GlirProgram  # type: ignore[import-untyped]

    GlirProgram.delete = _keep
    waiting = [layer for layer in layers if layer in viewer.layers]
    for layer in waiting:
        notes_of(layer)["role"] = "leaving"  # nobody finds it any more
        layer.visible = False

    def remove_next() -> None:
        if not waiting:
            return
        layer = waiting.pop(0)
        with suppress(RuntimeError):  # the window was closed meanwhile
            if layer in viewer.layers:
                viewer.layers.remove(layer)
            QTimer.singleShot(_DRAWN, remove_next)

    QTimer.singleShot(_DRAWN, remove_next)


def _keep(_: Any) -> None:
    """Leave a shader program where it is."""
