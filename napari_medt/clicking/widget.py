"""The dock widget "Click": click on an object and it is segmented; mend it with more clicks; accept; next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import napari.layers
import napari.viewer
from qtpy.QtWidgets import QWidget

from napari_medt.clicking.accepted_objects import AcceptedObjects
from napari_medt.clicking.chosen_image import ChosenImage
from napari_medt.clicking.context import ClickContext
from napari_medt.clicking.drawing import ClickDrawing
from napari_medt.clicking.giving import Giving
from napari_medt.clicking.layers import prepare_layers
from napari_medt.clicking.learning.rounds import ClickRounds
from napari_medt.clicking.panels.objects_dialog import ask_where_to
from napari_medt.clicking.saving import ObjectsToSave
from napari_medt.clicking.suggesting import Suggesting
from napari_medt.clicking.switch import ClickSwitch
from napari_medt.clicking.unsaved import UnsavedObjects
from napari_medt.controls.accessible.focus_frame import FocusFrames
from napari_medt.controls.dock_closing import DockClosing
from napari_medt.controls.dock_tabs import DockTabs
from napari_medt.controls.keys import ClickKeys
from napari_medt.controls.mouse import ClickMouse
from src_models.clicking.in_work import ObjectAsSeen

__all__ = ["ClickWidget"]


class ClickWidget(QWidget):
    """Segment objects by clicking on them.

    Parameters
    ----------
    napari_viewer
        The viewer that the widget works in.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        FocusFrames(self)
        self._viewer = napari_viewer
        context = self._context = ClickContext(napari_viewer, self)
        self.controls, self.layers, self.subjects, self.work = (
            context.controls,
            context.layers,
            context.subjects,
            context.work,
        )
        self.unsaved = UnsavedObjects(
            napari_viewer, context.controls, context.subjects, context.work, context.report, self._open
        )
        self.drawing = ClickDrawing(context, self, self.unsaved.note)
        self.suggesting = Suggesting(context, self.drawing)
        self.rounds = ClickRounds(context, self)
        self.accepted = AcceptedObjects(context, self.drawing, self.suggesting, self.unsaved.watch, self.rounds.keep)
        self.giving = Giving(context, self.drawing, self.accepted, self.suggesting, self.unsaved.watch)
        self.chosen = ChosenImage(context, self.drawing, self.suggesting, self.unsaved)
        self.mouse = ClickMouse(napari_viewer, self)
        self.keys = ClickKeys(self, self._keys())
        self.switch = ClickSwitch(self.controls, self.mouse, self.keys)
        self._connect()
        self._closing = DockClosing(self)
        DockTabs(self)
        self._closing.closed.connect(self._leave)
        self.chosen.changed()
        self.rounds.open()
        context.questions.ask(prepare_layers)
        self.controls.on.setChecked(True)
        self.unsaved.offer()

    @property
    def seen(self) -> ObjectAsSeen | None:
        """The object in view, as it was answered last."""
        return self._context.seen

    def open_model(self, path: str | Path) -> None:
        """Add a model file to the list of models and choose it."""
        self.controls.models.open_file(Path(path))

    def click(self, world: Sequence[float], positive: bool = True) -> None:
        """Click at a place in the world, on the object or beside it; without an object, an accepted one opens again."""
        self.giving.click(world, positive)

    def mend(self) -> None:
        """Open the object of a Labels layer under the pointer, to go on from it by clicks."""
        self.giving.mend(self._viewer.cursor.position)

    def drag(self, line: Sequence[Sequence[float]], positive: bool = True, scribbling: bool = False) -> None:
        """Draw a box, or a scribble, along world positions."""
        self.giving.drag(line, positive, scribbling)

    def accept(self) -> None:
        """Write the object into the labels, once what was clicked before is answered."""
        self.accepted.accept()

    def accept_all(self) -> None:
        """Write the suggestion that is shown, and all that wait."""
        self.accepted.accept_all()

    def undo(self) -> None:
        """Take the last click back."""
        self.giving.undo()

    def redo(self) -> None:
        """Give again what was taken back last."""
        self.giving.redo()

    def reset(self) -> None:
        """Drop the object, and the suggestions; what is accepted stays."""
        self.giving.reset()

    def larger(self) -> None:
        """Take the next larger object around the same clicks."""
        self.giving.larger()

    def smaller(self) -> None:
        """Take the next smaller object around the same clicks."""
        self.giving.smaller()

    def end_here(self) -> None:
        """Let the object end in the slice in view."""
        self.giving.end_here()

    def carry(self) -> None:
        """Carry the object, or else the one that was accepted last, to the other slices."""
        self.giving.carry()

    def suggest(self) -> None:
        """Suggest objects like those accepted last, or skip the one that is suggested."""
        self.suggesting.suggest()

    def show_attention(self, on: bool) -> None:
        """Show the attention with which the present answer was found, or hide it."""
        self.drawing.show_attention(on)

    def save(self) -> None:
        """Ask where to, and write the labels and the clicks of their objects."""
        target = self._context.target()
        if target is None:
            return
        labels = self.subjects.labels()
        if labels is None:
            self._context.report("There are no objects to save yet: accept one, or choose labels under Write into.")
            return
        chosen = ask_where_to(self, labels.name)
        if chosen is not None:
            path, may_replace = chosen
            objects = ObjectsToSave.of(labels, target.layer)
            self._context.questions.ask(
                partial(objects.write, path, overwrite=may_replace), partial(self._saved, labels)
            )

    def _open(self) -> None:
        self.chosen.open()

    def _saved(self, labels: napari.layers.Labels, paths: Sequence[Path]) -> None:
        self.unsaved.saved(labels)
        self.controls.set_status(f"Saved: {' and '.join(path.name for path in paths)}.")

    def _keys(self) -> dict[str, Callable[[], object]]:
        """Return what keys do."""
        return {
            "A": self.accept,
            "Shift+A": self.accept_all,
            "Z": self.undo,
            "Shift+Z": self.redo,
            "R": self.reset,
            "Plus, Shift+Plus, Equal": self.larger,
            "Minus": self.smaller,
            "P": self.carry,
            "E": self.end_here,
            "N": self.suggest,
            "M": self.mend,
            "X": self.controls.flip.toggle,
            "V": self.controls.attention.toggle,
            "B": self.controls.toggle_drag,
        }

    def _connect(self) -> None:
        controls = self.controls
        controls.images.layer_changed.connect(self.chosen.changed)
        controls.images.layer_changed.connect(self.rounds.open)
        controls.models.model_changed.connect(self.chosen.changed)
        controls.models.model_changed.connect(self.rounds.on_model_changed)
        controls.models.refused.connect(self._context.report)
        controls.window.changed.connect(self.chosen.open)
        controls.accepting.changed.connect(self.drawing.draw_object)
        controls.attention.toggled.connect(self.show_attention)
        controls.map_name.activated.connect(self._on_map_chosen)
        for button, act in (
            (controls.accept, self.accept),
            (controls.accept_all, self.accept_all),
            (controls.undo, self.undo),
            (controls.redo, self.redo),
            (controls.reset, self.reset),
            (controls.larger, self.larger),
            (controls.smaller, self.smaller),
            (controls.carry, self.carry),
            (controls.stop, self.work.stop),
            (controls.end_here, self.end_here),
            (controls.next, self.suggest),
            (controls.save, self.save),
        ):
            button.clicked.connect(act)
        self.mouse.clicked.connect(self.click)
        self.mouse.dragging.connect(self.drawing.draw_drag)
        self.mouse.dragged.connect(self.drag)
        self.keys.space.connect(self._on_space)
        self._viewer.layers.events.inserted.connect(self._on_layers_changed)
        self._viewer.layers.events.removed.connect(self._on_layers_changed)

    def _on_map_chosen(self) -> None:
        self.show_attention(self.controls.attention.isChecked())

    def _on_layers_changed(self) -> None:
        self.chosen.layers_changed()

    def _on_space(self, held: bool) -> None:
        self.mouse.panning = held

    def _leave(self, viewer_stays: bool) -> None:
        """End all work: the dock, or the window, was closed."""
        self.drawing.leave()
        self.switch.switch(False)
        self.work.leave()
        self.rounds.leave()
        self.unsaved.leave()
        self.controls.images.disconnect_viewer()
        self.controls.window.set_layer(None)
        for emitter in (self._viewer.layers.events.inserted, self._viewer.layers.events.removed):
            with suppress(ValueError):  # it may be gone already
                emitter.disconnect(self._on_layers_changed)
        if viewer_stays:
            self.layers.remove()
