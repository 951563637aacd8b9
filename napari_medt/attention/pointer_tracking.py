"""Where a person points in a viewer: moves of the mouse, and clicks that pin a place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import napari.viewer
from qtpy.QtCore import QObject, Signal

from napari_medt.viewer.mouse_owner import MouseOwner

__all__ = ["PointerTracking"]

_STILL = 4.0  # canvas pixels that a hand may move within a click


class PointerTracking(QObject):
    """Listens to a viewer's mouse while it is switched on; napari's own tools work as ever.

    Parameters
    ----------
    viewer
        The viewer.
    parent
        Parent object.
    """

    moved = Signal(object)  #: the pointer is at this world position
    clicked = Signal(object)  #: a click, not a drag, at this world position
    lost = Signal()  #: another one has taken the mouse: this one is switched off

    def __init__(self, viewer: napari.viewer.Viewer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._on = False
        self._owner = MouseOwner.of(viewer)

    def switch(self, on: bool) -> None:
        """Take the mouse, or give it back."""
        if on:
            self._owner.take(self)
        else:
            self._owner.leave(self)
        self._listen(on)

    def mouse_lost(self) -> None:
        """Switch off: another one has taken the mouse."""
        self._listen(False)
        self.lost.emit()

    def tool_changed(self) -> None:
        """Go on: a tool of the active layer takes clicks, not where the pointer is."""

    def _listen(self, on: bool) -> None:
        if on == self._on:
            return
        self._on = on
        if on:
            self._viewer.mouse_move_callbacks.append(self._on_move)
            self._viewer.mouse_drag_callbacks.append(self._on_press)
            return
        for callbacks, callback in (
            (self._viewer.mouse_move_callbacks, self._on_move),
            (self._viewer.mouse_drag_callbacks, self._on_press),
        ):
            with suppress(ValueError):  # it may be gone already
                callbacks.remove(callback)

    def _on_move(self, viewer: Any, event: Any) -> None:
        if viewer.dims.ndisplay == 2:
            self.moved.emit(tuple(event.position))

    def _on_press(self, viewer: Any, event: Any) -> Iterator[None]:
        if event.button != 1 or event.modifiers or viewer.dims.ndisplay != 2 or self._owner.tool:
            return
        start = event.pos
        yield
        while event.type == "mouse_move":
            if max(abs(event.pos[0] - start[0]), abs(event.pos[1] - start[1])) > _STILL:
                return  # a drag moves the view
            yield
        self.clicked.emit(tuple(event.position))
