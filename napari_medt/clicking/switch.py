"""Whether clicks segment: the button that says so, the mouse and the keys go together."""

from __future__ import annotations

from qtpy.QtCore import QObject, QSignalBlocker

from napari_medt.clicking.panels.controls import ClickControls
from napari_medt.controls.keys import ClickKeys
from napari_medt.controls.mouse import ClickMouse
from napari_medt.viewer.mouse_owner import tool_words

__all__ = ["ClickSwitch"]

_OFF = "Clicks are napari's again. Press the button above to click on objects."
_LOST = "Another tool of this plugin has the mouse now. Press the button above to click on objects again."


class ClickSwitch(QObject):
    """Switches clicking on and off, and shows when something else has the mouse.

    While a tool of the active layer is in hand, such as a brush, clicks and keys are napari's; they segment again when
    it is put down, which pressing the button does.

    Parameters
    ----------
    controls
        The controls of the Click widget.
    mouse, keys
        What is switched.
    """

    def __init__(self, controls: ClickControls, mouse: ClickMouse, keys: ClickKeys) -> None:
        super().__init__(mouse)
        self._controls = controls
        self._mouse = mouse
        self._keys = keys
        controls.on.toggled.connect(self.switch)
        mouse.lost.connect(self._on_lost)
        mouse.tool_in_hand.connect(self._on_tool)

    def switch(self, on: bool) -> None:
        """Let clicks segment, or not any more."""
        self._mouse.switch(on)  # which puts down what is in hand
        self._keys.resting = False
        self._keys.switch(on)
        self._show(on, _OFF)

    def _on_lost(self) -> None:
        self._keys.switch(False)
        self._show(False, _LOST)

    def _on_tool(self, tool: str | None) -> None:
        self._keys.resting = tool is not None  # a held space bar moves the view whatever is in hand
        if tool is None:
            self._show(True)
        else:
            self._show(False, f"{tool_words(tool)} Press the button above to put it down and click on objects.")

    def _show(self, on: bool, why_not: str = "") -> None:
        with QSignalBlocker(self._controls.on):
            self._controls.on.setChecked(on)
        self._controls.set_on(on, why_not)
