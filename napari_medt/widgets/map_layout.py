"""How attention maps are laid out in a viewer: over the image, beside it, or one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import napari.layers
import napari.viewer
from qtpy.QtCore import QObject, QTimer

__all__ = ["MapLayout"]

_INTERVAL = 900  # ms that each map is shown for


class MapLayout(QObject):
    """Lays layers out, and undoes it.

    Parameters
    ----------
    viewer
        The viewer.
    parent
        Parent object.
    """

    def __init__(self, viewer: napari.viewer.Viewer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL)
        self._timer.timeout.connect(self._show_next)
        self._cycled: list[napari.layers.Layer] = []
        self._restore: Callable[[], None] | None = None
        self._next = 0

    @property
    def animating(self) -> bool:
        """Whether maps are shown one after the other."""
        return self._timer.isActive()

    def overlay(self) -> None:
        """Lay everything over each other."""
        if self._viewer.canvas.grid.enabled:
            self._viewer.canvas.grid.enabled = False
            self._fit()

    def side_by_side(self) -> None:
        """Give every layer that is seen a view of its own; the views move together."""
        self._viewer.canvas.grid.stride = 1
        self._viewer.canvas.grid.enabled = True
        self._fit()

    def _fit(self) -> None:
        QTimer.singleShot(0, self._viewer.fit_to_view)  # the views get their sizes first

    def start(self, layers: Sequence[napari.layers.Layer]) -> None:
        """Show layers one after the other, over the image."""
        self.stop()
        self.overlay()
        self._cycled, self._next = list(layers), 0
        seen = [layer.visible for layer in self._cycled]
        cycled = self._cycled

        def restore() -> None:
            for layer, visible in zip(cycled, seen, strict=True):
                layer.visible = visible

        self._restore = restore
        self._show_next()
        self._timer.start()

    def stop(self) -> None:
        """Show again what was shown before."""
        self._timer.stop()
        if self._restore is not None:
            self._restore()
        self._restore = None

    def _show_next(self) -> None:
        shown = [layer for layer in self._cycled if layer in self._viewer.layers]
        if not shown:
            return
        for number, layer in enumerate(shown):
            layer.visible = number == self._next % len(shown)
        self._next += 1
