"""A box that a person drags over the image: what it is for is said before, and the brush is given back after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QPushButton

from napari_medt.controls.mouse import ClickMouse
from napari_medt.correcting.context import CorrectContext
from napari_medt.correcting.layers import NEXT
from src_models.errors import UserError

if TYPE_CHECKING:
    import napari.layers

__all__ = ["Box", "BoxDrag"]

Box = tuple[tuple[int, int], tuple[int, int]]  # (first row, row after the last), (first column, column after)


class BoxDrag(QObject):
    """Waits for one drag at a time.

    Parameters
    ----------
    correcting
        The state of the widget.
    labels
        Gives the labels that are corrected; raises a UserError where there are none.
    parent
        What it belongs to.
    """

    def __init__(
        self, correcting: CorrectContext, labels: Callable[[], napari.layers.Labels], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._context = correcting
        self._labels = labels
        self._button: QPushButton | None = None  # that was pressed; it stays down while a drag is waited for
        self._then: Callable[[Box], None] | None = None
        self._painting: tuple[napari.layers.Labels, str] | None = None  # the tool that was in hand before
        self.mouse = ClickMouse(correcting.viewer, self)
        self.mouse.dragging.connect(correcting.trying(self._show))
        self.mouse.dragged.connect(correcting.trying(self._on_dragged))
        self.mouse.lost.connect(self._give_up)
        self.mouse.tool_in_hand.connect(self._on_tool)
        self.mouse.clicked.connect(lambda *_: correcting.report("Hold the mouse button and drag a box."))

    def wait(self, button: QPushButton, words: str, then: Callable[[Box], None], wanted: bool) -> None:
        """Wait for a drag, or not any more.

        Parameters
        ----------
        button
            The button that asks for it, which can be checked.
        words
            What to drag, for people.
        then
            Gets the box.
        wanted
            Whether the button was pressed or released.

        Raises
        ------
        UserError
            If there are no labels to correct.
        """
        if not wanted:
            if button is self._button:
                self._end()
            return
        try:
            labels = self._labels()
        except UserError:
            button.setChecked(False)
            raise
        self._give_up()  # one drag is for one thing
        self._button, self._then = button, then
        self._context.viewer.layers.selection.active = labels
        self._painting = labels, str(labels.mode)
        self.mouse.switch(True)
        self._context.say(words)

    def leave(self) -> None:
        """Stop listening."""
        self.mouse.switch(False)

    def _show(self, line: Sequence[Sequence[float]]) -> None:
        target = self._context.target()
        (y0, x0), (y1, x1) = target.corner(line[0]), target.corner(line[-1])
        self._context.layers.show_box(target, target.plane, [(y0, x0), (y0, x1), (y1, x1), (y1, x0), (y0, x0)])

    def _on_dragged(self, line: Sequence[Sequence[float]], *_: Any) -> None:
        target, then = self._context.target(), self._then
        rows, columns = zip(target.corner(line[0]), target.corner(line[-1]), strict=True)
        self._give_up()
        if then is not None:
            then((_span(rows), _span(columns)))

    def _on_tool(self, tool: str | None) -> None:
        """Wait no more when a person takes a tool in hand, which drags belong to; that one stays in hand."""
        if tool is not None and self._painting is not None:
            self._painting = None
            self._give_up()

    def _give_up(self) -> None:
        if self._button is not None:
            self._button.setChecked(False)

    def _end(self) -> None:
        self.mouse.switch(False)
        self._button = self._then = None
        if self._painting is not None and self._painting[0] in self._context.viewer.layers:
            labels, tool = self._painting
            labels.mode = tool
        self._painting = None
        self._context.layers.hide(NEXT)


def _span(ends: Sequence[float]) -> tuple[int, int]:
    return round(min(ends)), round(max(ends)) + 1
