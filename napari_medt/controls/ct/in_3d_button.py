"""A button that shows a volume with its labels and attention in 3D, and leads back to the slice."""

from __future__ import annotations

from contextlib import suppress

import napari.viewer
from napari.utils.notifications import show_warning
from qtpy.QtWidgets import QPushButton, QWidget

from napari_medt.controls.layer_combo import ImageLayerCombo
from napari_medt.viewer.scans.in_3d import has_depth, show_in_2d, show_in_3d
from src_models.errors import UserError

__all__ = ["In3dButton"]

_TIP = (
    "Show the volume from the front, with its labels as surfaces and attention seen through them: drag to turn it. "
    "A second press leads back to the slice."
)


class In3dButton(QPushButton):
    """The button; hidden for an image without depth.

    Parameters
    ----------
    viewer
        The viewer.
    images
        Where the image is chosen.
    parent
        Parent widget.
    """

    def __init__(self, viewer: napari.viewer.Viewer, images: ImageLayerCombo, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer, self._images = viewer, images
        self.setToolTip(_TIP)
        self.clicked.connect(self._on_pressed)
        images.layer_changed.connect(self._tell)
        viewer.dims.events.ndisplay.connect(self._tell)
        self._tell_way()
        if not self._has_volume():  # it is not shown here: without a parent, that would be a window of its own
            self.hide()

    def leave(self) -> None:
        """Listen to the viewer no more."""
        with suppress(ValueError):  # it may be gone already
            self._viewer.dims.events.ndisplay.disconnect(self._tell)

    def _has_volume(self) -> bool:
        image = self._images.layer()
        return image is not None and has_depth(image)

    def _tell(self, _: object = None) -> None:
        self.setVisible(self._has_volume())
        self._tell_way()

    def _tell_way(self) -> None:
        self.setText("Back to the slice" if self._viewer.dims.ndisplay == 3 else "Show in 3D")

    def _on_pressed(self) -> None:
        if self._viewer.dims.ndisplay == 3:
            show_in_2d(self._viewer)
            return
        try:
            show_in_3d(self._viewer, self._images.layer())
        except UserError as error:
            show_warning(str(error))
