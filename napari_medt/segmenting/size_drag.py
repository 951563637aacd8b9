"""A line dragged across one object: how long it is says how large objects are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import napari.layers
import napari.viewer
import numpy as np
from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtWidgets import QApplication

from napari_medt.controls.mouse import ClickMouse
from napari_medt.segmenting.layers import SizeLine
from napari_medt.viewer.viewed_image import ViewedImage, target_in_viewer

__all__ = ["SizeDrag"]


class SizeDrag(QObject):
    """Lets a person drag a line over an image while it is on; the line is seen until then.

    Parameters
    ----------
    viewer
        The viewer.
    parent
        Parent object.
    """

    measured = Signal(float)  #: length of a line, in pixels of the image
    ended = Signal()  #: Escape was pressed, the image went, or somebody else has taken the mouse

    # Also when Python has cleared this, and Qt, which asks it still, has not.
    _image: napari.layers.Image | None = None

    def __init__(self, viewer: napari.viewer.Viewer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._mouse = ClickMouse(viewer, self)
        self._line = SizeLine(viewer)
        self._mouse.dragging.connect(self._draw)
        self._mouse.dragged.connect(self._on_dragged)
        self._mouse.lost.connect(self._on_lost)

    @property
    def on(self) -> bool:
        """Whether a line can be dragged."""
        return self._image is not None

    def start(self, image: napari.layers.Image) -> None:
        """Let a line be dragged over an image.

        Raises
        ------
        ImageError
            If it is viewed in 3D, is hidden, or cannot be read.
        """
        target_in_viewer(self._viewer, image)
        self.stop()
        self._image = image
        self._mouse.switch(True)
        application = QApplication.instance()
        if application is not None:
            application.installEventFilter(self)

    def stop(self) -> None:
        """Let no more be dragged, and take the line away."""
        if self._image is None:
            return
        self._image = None
        self._mouse.switch(False)
        self._line.remove()
        application = QApplication.instance()
        if application is not None:
            application.removeEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """End at Escape, wherever the focus is; nothing else is taken."""
        if self._image is None or event is None:
            return False
        if event.type() not in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride):
            return False
        if event.key() != Qt.Key.Key_Escape:
            return False
        self._on_lost()
        return True

    def _on_lost(self) -> None:
        self.stop()
        self.ended.emit()

    def _on_dragged(self, places: Sequence[Any], _positive: bool, _control: bool) -> None:
        self._draw(places)
        target = self._target()
        if target is not None:
            start, stop = (np.asarray(target.corner(place)) for place in (places[0], places[-1]))
            self.measured.emit(float(np.linalg.norm(stop - start)))

    def _draw(self, places: Sequence[Any]) -> None:
        target = self._target()
        if target is None:
            return
        self._line.show(target, *(target.layer.world_to_data(place) for place in (places[0], places[-1])))

    def _target(self) -> ViewedImage | None:
        if self._image is None or self._image not in self._viewer.layers:
            self._on_lost()
            return None
        return target_in_viewer(self._viewer, self._image)
