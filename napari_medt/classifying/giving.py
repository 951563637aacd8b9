"""A person chooses objects, by clicks or in the table, and says of what class they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import napari.viewer
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QWidget

from napari_medt.classifying.explaining import Explaining
from napari_medt.classifying.layers import ClassLayers
from napari_medt.classifying.panels.class_panel import KEYS
from napari_medt.classifying.panels.controls import ClassifyControls
from napari_medt.classifying.rounds import ClassRounds
from napari_medt.classifying.shown import ShownClasses
from napari_medt.controls.keys import ClickKeys
from napari_medt.controls.mouse import ClickMouse
from napari_medt.viewer.mouse_owner import tool_words

__all__ = ["ClassGiving"]

_LOST = "Another tool of this plugin has the mouse now. Press the button above to click on objects again."


@dataclass(frozen=True, slots=True, eq=False)
class _Given:
    """What a person said once: of which object, and what they had said of it before."""

    shown: ShownClasses
    own: int
    before: str | None


class ClassGiving(QObject):
    """The chosen object, and what is said of it.

    Parameters
    ----------
    viewer
        The viewer.
    controls
        The controls.
    layers
        Where the chosen object is framed, and objects have their colours.
    rounds
        Keeps what is said.
    explaining
        Shows why the chosen object has its class.
    parent
        The widget.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        controls: ClassifyControls,
        layers: ClassLayers,
        rounds: ClassRounds,
        explaining: Explaining,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._controls = controls
        self._panel = controls.correct
        self._layers = layers
        self._rounds = rounds
        self._explaining = explaining
        self._said: list[_Given] = []
        self._own: int | None = None
        self._shown: ShownClasses | None = None
        self.mouse = ClickMouse(viewer, self, drags=False)
        self.keys = ClickKeys(parent, self._keys())
        self._connect()

    @property
    def chosen(self) -> int | None:
        """The chosen object; None where there is none."""
        return self._own

    def show(self, shown: ShownClasses | None) -> None:
        """Offer what can be said of what is shown; an object is chosen where it is the only one."""
        self._shown = shown
        panel = self._panel
        clickable = shown is not None and shown.labels is not None
        if not clickable and panel.on.isChecked():
            panel.on.setChecked(False)
        if shown is None:
            panel.set_classes(())
            panel.set_ready(False, can_be_on=False)
            self._own = None
            self._layers.hide_chosen()
            self._explaining.follow(None, None)
            return
        panel.set_classes(shown.table.classes)
        panel.set_ready(True, can_be_on=clickable)
        only = int(shown.table.ids[0]) if len(shown.table.ids) == 1 else None
        self.choose(only, go=False)

    def choose(self, own: int | None, *, go: bool) -> None:
        """Choose an object, and bring it into view where that is wanted; None for none."""
        shown = self._shown
        if shown is None or own is None or own not in shown.table:
            self._own = None
            self._panel.show_object(None, None)
            self._controls.result.objects.choose(None)
            self._controls.result.show_object(None)
            self._layers.hide_chosen()
            self._explaining.follow(shown, None)
            return
        self._own = own
        self._controls.result.objects.choose(own)
        self._controls.result.show_object(own)
        self._panel.show_object(shown.name_of(own), shown.table.class_of(own))
        if shown.labels is not None or len(shown.table.ids) > 1:
            self._layers.show_chosen(shown.target, shown.result.run.region, shown.table, own, go=go)
        self._explaining.follow(shown, own)

    def click(self, world: Sequence[float]) -> None:
        """Choose the object at a place in the world."""
        shown = self._shown
        if shown is None or shown.labels is None:
            return
        value = shown.labels.get_value(world, world=True)
        if not value:
            self.choose(None, go=False)
        elif int(value) in shown.table:
            self.choose(int(value), go=False)
        else:
            self._controls.run_bar.report(f"Object {value} was not there when you pressed Classify: press it again.")

    def give(self, name: str) -> None:
        """Say of what class the chosen object is; without one, only offer the class."""
        shown, own = self._shown, self._own
        if shown is None:
            return
        if own is None:
            shown.table.name_class(name)
            self._panel.set_classes(shown.table.classes)
            self._controls.result.refresh(None)
            return
        before = shown.table.given.get(own)
        shown.table.give(own, name)
        self._said.append(_Given(shown, own, before))
        self._rounds.keep(shown, own, name)
        self._refresh(shown, own)
        self._panel.set_undo(len(self._said), f"{shown.name_of(own)} is {name}.")

    def undo(self) -> None:
        """Take back what was said last."""
        if not self._said:
            return
        last = self._said.pop()
        last.shown.table.give(last.own, last.before)
        self._rounds.keep(last.shown, last.own, last.before)
        if last.shown is self._shown:
            self._own = last.own
            self._refresh(last.shown, last.own)
        now = last.shown.table.class_of(last.own)
        self._panel.set_undo(len(self._said), f"Taken back: {last.shown.name_of(last.own)} is {now} again.")

    def go_on(self) -> None:
        """Go to the next object of which the model is unsure."""
        shown = self._shown
        if shown is None:
            return
        waiting = [own for own in shown.table.least_sure_first().tolist() if own not in shown.table.given]
        if not waiting:
            self._controls.run_bar.say("You have looked at all of them.")
            return
        at = waiting.index(self._own) + 1 if self._own in waiting else 0
        self.choose(waiting[at % len(waiting)], go=True)

    def apply(self, shown: ShownClasses, given: Mapping[int, str]) -> None:
        """Give objects the classes that they were given before, for example before napari was closed."""
        for own, name in given.items():
            shown.table.give(own, name)
        if not given or shown is not self._shown:
            return
        self._refresh(shown, self._own)
        count = "1 object has" if len(given) == 1 else f"{len(given)} objects have"
        self._panel.set_undo(len(self._said), f"{count} the class that you gave before.")

    def leave(self) -> None:
        """Give the mouse and the keys back."""
        self.mouse.switch(False)
        self.keys.switch(False)

    def _refresh(self, shown: ShownClasses, own: int | None) -> None:
        """Show what was said of an object."""
        if shown.labels is not None:
            self._layers.write(shown.labels, shown.table, by_class=self._controls.result.by_class.isChecked())
        self._panel.set_classes(shown.table.classes)
        self._controls.result.refresh(own)
        self.choose(own, go=False)

    def _keys(self) -> dict[str, Callable[[], object]]:
        numbers = {str(place + 1): lambda place=place: self._panel.press(place) for place in range(KEYS)}
        return {**numbers, "Z": self.undo, "N": self.go_on, "V": self._controls.why.on.toggle}

    def _connect(self) -> None:
        panel = self._panel
        panel.on.toggled.connect(self._switch)
        panel.given.connect(self.give)
        panel.undone.connect(self.undo)
        panel.next_wanted.connect(self.go_on)
        self._controls.result.objects.chosen.connect(self._on_row)
        self.mouse.clicked.connect(self.click)
        self.mouse.lost.connect(self._on_lost)
        self.mouse.tool_in_hand.connect(self._on_tool)

    def _switch(self, on: bool) -> None:
        self.mouse.switch(on)  # which puts down what is in hand
        self.keys.resting = False
        self.keys.switch(on)
        self._panel.set_on(on)

    def _on_row(self, own: int) -> None:
        self.choose(own, go=True)

    def _on_lost(self, why: str = _LOST) -> None:
        self.keys.switch(False)
        self._panel.set_on(False, why)

    def _on_tool(self, tool: Any) -> None:
        self.keys.resting = tool is not None
        words = "" if tool is None else f"{tool_words(tool)} Press the button above to click on objects."
        self._panel.set_on(tool is None, words)
