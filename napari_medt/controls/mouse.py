"""What a person does with the mouse to show an object: clicks, boxes and scribbles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import napari.viewer
from qtpy.QtCore import QObject, Signal

from napari_medt.viewer.mouse_owner import MouseOwner

__all__ = ["ClickMouse"]

_STILL = 4.0  # canvas pixels that a hand may move within a click
_LEFT, _RIGHT = 1, 2


class ClickMouse(QObject):
    """Listens to a viewer's mouse while it is switched on; tools of the active layer, such as a brush, come first.

    Whoever is switched on last has the mouse, and puts down the tool that is in hand.

    Parameters
    ----------
    viewer
        The viewer.
    parent
        Parent object.
    drags
        Whether drags are listened to. Else they move the view, as they do without this.
    """

    clicked = Signal(object, bool)  #: at this world position; whether on the object (else beside it)
    dragging = Signal(object)  #: world positions along a drag that goes on
    dragged = Signal(object, bool, bool)  #: world positions along it, whether on the object, whether Ctrl was held
    lost = Signal()  #: another one has taken the mouse: this one is switched off
    tool_in_hand = Signal(object)  #: a tool of the active layer was taken in hand (its name), or put down (None)

    def __init__(self, viewer: napari.viewer.Viewer, parent: QObject | None = None, *, drags: bool = True) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._on = False
        self._drags = drags
        self._owner = MouseOwner.of(viewer)
        self.panning = False  # the drags that come move the view

    def switch(self, on: bool) -> None:
        """Take the mouse, or give it back."""
        if on:
            self._owner.take(self, put_down=True)
        else:
            self._owner.leave(self)
        self._listen(on)

    def mouse_lost(self) -> None:
        """Switch off: another one has taken the mouse."""
        self._listen(False)
        self.lost.emit()

    def tool_changed(self) -> None:
        """Tell of the tool that is in hand."""
        self.tool_in_hand.emit(self._owner.tool)

    def _listen(self, on: bool) -> None:
        if on == self._on:
            return
        self._on = on
        if on:
            self._viewer.mouse_drag_callbacks.append(self._on_press)
            return
        with suppress(ValueError):  # it may be gone already
            self._viewer.mouse_drag_callbacks.remove(self._on_press)

    def _on_press(self, viewer: Any, event: Any) -> Iterator[None]:
        modifiers = {str(getattr(modifier, "name", modifier)) for modifier in event.modifiers}
        known = event.button in (_LEFT, _RIGHT) and modifiers <= {"Shift", "Control"}
        if not known or self.panning or viewer.dims.ndisplay != 2 or self._owner.tool is not None:
            return
        positive = event.button == _LEFT and "Shift" not in modifiers
        camera = viewer.scene.camera
        panned, zoomed = camera.mouse_pan, camera.mouse_zoom
        if self._drags:
            camera.mouse_pan = camera.mouse_zoom = False  # else the drag would move the view
        start, line = event.pos, [tuple(event.position)]
        still = True
        try:
            yield
            while event.type == "mouse_move":
                still = still and max(abs(event.pos[0] - start[0]), abs(event.pos[1] - start[1])) <= _STILL
                line.append(tuple(event.position))
                if self._drags and not still:
                    self.dragging.emit(line)
                yield
        finally:
            camera.mouse_pan, camera.mouse_zoom = panned, zoomed
        if still:
            self.clicked.emit(line[0], positive)
        elif self._drags:
            self.dragged.emit([*line, tuple(event.position)], positive, "Control" in modifiers)
