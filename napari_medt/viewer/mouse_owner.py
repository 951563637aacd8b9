"""Who has the mouse of a viewer: one at a time, for a click or a drag must not do two things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    import napari.viewer

__all__ = ["MouseOwner", "MouseUser", "tool_words"]

_PAN = "pan_zoom"
_WORDS = {
    "paint": "A brush is active: clicks paint.",
    "erase": "The eraser is active: clicks erase.",
    "fill": "The fill bucket is active: clicks fill.",
    "polygon": "The polygon tool is active: clicks draw.",
    "pick": "The colour picker is active: clicks choose a label.",
}


class MouseUser(Protocol):
    """Who can have the mouse."""

    def mouse_lost(self) -> None:
        """Hear that somebody else has taken it."""

    def tool_changed(self) -> None:
        """Hear that a tool of the active layer, such as a brush, was taken in hand or put down."""


class MouseOwner:
    """The one who has a viewer's mouse. A tool of the active layer comes before; who has the mouse is told of it.

    All who want the mouse of one viewer share one of these: see :meth:`of`.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._user: MouseUser | None = None
        self._active: Any = None
        viewer.layers.selection.events.active.connect(self._on_active)
        self._on_active()

    @classmethod
    def of(cls, viewer: napari.viewer.Viewer) -> MouseOwner:
        """Return the one of a viewer; it lives as long as anybody keeps it."""
        own = getattr(viewer, "__wrapped__", viewer)
        found = _OF_VIEWERS.get(id(own))
        if found is None:
            found = _OF_VIEWERS[id(own)] = cls(own)
        return found

    @property
    def tool(self) -> str | None:
        """The tool of the active layer that clicks belong to; None where they move the view."""
        active = self._viewer.layers.selection.active
        return None if active is None or str(active.mode) == _PAN else str(active.mode)

    def take(self, user: MouseUser, *, put_down: bool = False) -> None:
        """Take the mouse from whoever has it.

        Parameters
        ----------
        user
            Who takes it.
        put_down
            Whether the tool of the active layer is put down, too.
        """
        former, self._user = self._user, user
        if former is not None and former is not user:
            former.mouse_lost()
        if put_down and self.tool is not None:
            self._viewer.layers.selection.active.mode = _PAN

    def leave(self, user: MouseUser) -> None:
        """Give the mouse back, if it is this one's."""
        if self._user is user:
            self._user = None

    def _on_active(self, event: Any = None) -> None:
        if self._active is not None:
            self._active.events.mode.disconnect(self._on_mode)
        self._active = self._viewer.layers.selection.active
        if self._active is not None:
            self._active.events.mode.connect(self._on_mode)
        self._on_mode()

    def _on_mode(self, event: Any = None) -> None:
        if self._user is not None:
            self._user.tool_changed()


_OF_VIEWERS: WeakValueDictionary[int, MouseOwner] = WeakValueDictionary()


def tool_words(tool: str) -> str:
    """Say what clicks do while a tool is in hand."""
    return _WORDS.get(tool, f"The tool {tool.replace('_', ' ')} of the chosen layer is active: clicks are its.")
