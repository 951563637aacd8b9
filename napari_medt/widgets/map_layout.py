"""How attention maps are laid out in a viewer: over the image, beside it, or one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

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
        self._captioned: list[napari.layers.Layer] = []
        viewer.canvas.grid.events.enabled.connect(self._on_grid)

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
        """Give every layer that is seen a view of its own, with its name; the views move together."""
        self._viewer.canvas.grid.stride = 1
        self._viewer.canvas.grid.enabled = True
        self._fit()

    def leave(self) -> None:
        """Undo everything: nobody looks any more."""
        self.stop()
        with suppress(ValueError):  # it may be gone already
            self._viewer.canvas.grid.events.enabled.disconnect(self._on_grid)
        self._uncaption()

    def _on_grid(self) -> None:
        if self._viewer.canvas.grid.enabled:
            QTimer.singleShot(0, self._caption_next)
        else:
            self._uncaption()

    def _caption_next(self) -> None:
        """Show the name of the next layer that is seen without one: one at a time, for each takes a moment to draw."""
        if not self._viewer.canvas.grid.enabled:
            return
        for layer in self._viewer.layers:
            if layer.visible and not layer.name_overlay.visible and layer not in self._captioned:
                self._captioned.append(layer)
                layer.name_overlay.visible = True
                QTimer.singleShot(0, self._caption_next)
                return

    def _uncaption(self) -> None:
        captioned, self._captioned = self._captioned, []
        for layer in captioned:
            layer.name_overlay.visible = False

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
