"""How attention maps are laid out in a viewer: over the image, beside it, or one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

import napari.layers
import napari.viewer
from qtpy.QtCore import QObject, QTimer

__all__ = ["MapLayout"]

_NAME = "name_overlay"
_LEGENDS = (_NAME, "colorbar")
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
        self._captioned: list[napari.layers.Layer] = []  # here, for as long as there are views
        self._waiting: list[tuple[napari.layers.Layer, str]] = []
        viewer.canvas.grid.events.enabled.connect(self._on_grid)

    @property
    def animating(self) -> bool:
        """Whether maps are shown one after the other."""
        return self._timer.isActive()

    def overlay(self) -> None:
        """Lay everything over each other."""
        if self._viewer.canvas.grid.enabled:
            self._lay(side_by_side=False)

    def side_by_side(self) -> None:
        """Give every layer that is seen a view of its own, with its name; the views move together."""
        self._viewer.canvas.grid.stride = 1
        self._lay(side_by_side=True)

    def leave(self) -> None:
        """Undo everything: nobody looks any more."""
        self.stop()
        with suppress(ValueError):  # it may be gone already
            self._viewer.canvas.grid.events.enabled.disconnect(self._on_grid)
        while self._waiting:
            self._show_next_legend()
        self._uncaption()

    def _lay(self, *, side_by_side: bool) -> None:
        """Lay out; names and colour bars are put away meanwhile and come back one by one: together they take long."""
        for layer in self._viewer.layers:
            for legend in _LEGENDS:
                overlay = getattr(layer, legend, None)
                if overlay is not None and overlay.visible:
                    overlay.visible = False
                    self._waiting.append((layer, legend))
        self._viewer.canvas.grid.enabled = side_by_side
        self._fit()
        QTimer.singleShot(0, self._show_next_legend)

    def _on_grid(self) -> None:
        """Give each view the name of its layer, whoever asked for views."""
        if not self._viewer.canvas.grid.enabled:
            self._uncaption()
            return
        for layer in self._viewer.layers:
            if layer.visible and not layer.name_overlay.visible and (layer, _NAME) not in self._waiting:
                self._captioned.append(layer)
                self._waiting.append((layer, _NAME))
        QTimer.singleShot(0, self._show_next_legend)

    def _uncaption(self) -> None:
        captioned, self._captioned = self._captioned, []
        self._waiting = [(layer, legend) for layer, legend in self._waiting if layer not in captioned]
        for layer in captioned:
            layer.name_overlay.visible = False

    def _show_next_legend(self) -> None:
        if self._waiting:
            layer, legend = self._waiting.pop(0)
            getattr(layer, legend).visible = True
            QTimer.singleShot(0, self._show_next_legend)

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
