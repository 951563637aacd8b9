"""The dock widget "Correct and learn": mend what a model found, mark it, and let the model learn from it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import napari.viewer
from qtpy.QtWidgets import QWidget

from napari_medt.controls.accessible.focus_frame import FocusFrames
from napari_medt.controls.dock_closing import DockClosing
from napari_medt.controls.dock_tabs import DockTabs
from napari_medt.controls.keys import ClickKeys
from napari_medt.correcting.context import CorrectContext
from napari_medt.correcting.learning.comparing import Comparing
from napari_medt.correcting.learning.folder_in_use import FolderInUse
from napari_medt.correcting.learning.label_meaning import LabelMeaning
from napari_medt.correcting.learning.learning_rounds import LearningRounds
from napari_medt.correcting.marking import Marking
from napari_medt.correcting.panels.controls import CorrectControls
from napari_medt.preferences import read_correct_model
from napari_medt.viewer.reading import read_layer
from napari_medt.viewer.result_layers import load_what_layers_need
from src_models.errors import UserError

__all__ = ["CorrectWidget"]


class CorrectWidget(QWidget):
    """Correct what a model found, and let it learn.

    Parameters
    ----------
    napari_viewer
        The viewer that the widget works in.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        FocusFrames(self)
        self._viewer = napari_viewer
        preferred = read_correct_model()
        self.controls = CorrectControls(self, napari_viewer, preferred)
        self.context = CorrectContext(napari_viewer, self.controls, self)
        self.meaning = LabelMeaning(self.context, self)
        self.marking = Marking(self.context, self.meaning, self)
        self.folder = FolderInUse(self.context, self)
        self.rounds = LearningRounds(self.context, self.folder, self)
        self.looks = Comparing(self.context, self.folder, self)
        paint_background = self.context.trying(self.marking.paint_background)
        self.keys = ClickKeys(self, {"Shift+N": self.controls.next.go_on, "Shift+B": paint_background})
        self._closing = DockClosing(self)
        DockTabs(self)
        self._connect()
        if Path(preferred).suffix and Path(preferred).is_file():
            self.open_model(preferred)
        self._on_image_changed()
        self._on_model_changed()
        self.keys.switch(True)
        self.marking.unsaved.offer()
        self.context.work.ask("prepare", load_what_layers_need)

    def open_model(self, path: str | Path) -> None:
        """Add a model file to the list of models and choose it."""
        self.controls.models.open_file(Path(path))

    def set_folder(self, folder: str | Path) -> None:
        """Keep corrections of the chosen image in a folder."""
        image = self.context.image()
        if image is None:
            self.context.report("There is no image to correct: open one first (File > Open File(s)...).")
            return
        self.context.set_folder(image, Path(folder))
        self.folder.open()

    def _connect(self) -> None:
        controls = self.controls
        controls.images.layer_changed.connect(self._on_image_changed)
        controls.models.model_changed.connect(self._on_model_changed)
        controls.models.refused.connect(self.context.report)
        controls.folder.changed.connect(self.set_folder)
        self.rounds.learnt.connect(self.looks.segment_again)
        self.marking.kept.connect(self.folder.on_kept)
        self.marking.kept.connect(self.meaning.look)
        self.folder.listed.connect(self.meaning.look)
        controls.kind.changed.connect(self.context.trying(self.marking.on_meaning_changed))
        self.marking.changes.looked.connect(self.looks.follow_view)
        self.context.work.done.connect(self._on_done)
        self.context.work.refused.connect(self._on_refused)
        self._closing.closed.connect(self._leave)
        for emitter in (self._viewer.layers.events.inserted, self._viewer.layers.events.removed):
            emitter.connect(self._on_layers_changed)

    def _on_image_changed(self) -> None:
        image, header = self.context.image(), self.controls.models.header()
        self.controls.segment.setEnabled(image is not None and header is not None)
        self.controls.next.next.setEnabled(image is not None and header is not None)
        if image is None:
            self.context.ask_for_image()
            self.controls.region.clear()
        else:
            with suppress(UserError):  # said when a person presses a button
                self.controls.region.offer(read_layer(image), 2)
            if self.context.asks_for_image:
                self.context.say(
                    "Press Segment to correct, mend what is wrong, mark what is right, and let the model learn."
                )
        self.looks.forget()
        self.context.trying(self.marking.offer_labels)()
        self.folder.open()

    def _on_model_changed(self) -> None:
        self.folder.on_model_changed()
        self.meaning.on_model_changed()
        with suppress(UserError):  # of a view in 3D; said when a person presses a button
            self.marking.on_meaning_changed()
        self.controls.segment.setEnabled(self.context.image() is not None)
        self.controls.learning.set_count(
            0 if self.folder.held is None else len(self.folder.held.items), self.controls.models.path() is not None
        )
        self.looks.forget()

    def _on_layers_changed(self, event: Any = None) -> None:
        self.context.trying(self.marking.forget_removed)()
        target = self.context.image()
        if target is None and self.context.run.running:
            self.context.run.cancel()

    def _on_done(self, asked: Any, result: Any) -> None:
        what, more = asked if isinstance(asked, tuple) else (asked, None)
        if what == "keep":
            self.context.say(f"{self.marking.on_kept(more, result)} {self.rounds.count_marked()}".rstrip())
        elif what == "clear":
            self.marking.clears.on_cleared(more, result)
        elif what == "folder":
            self.folder.on_folder(result, follow=more)
        elif what == "merged":
            self.folder.on_merged(more, *result)
        elif what == "parts":
            self.controls.learning.set_parts(result)

    def _on_refused(self, asked: Any, sentence: str) -> None:
        self.context.report(sentence)

    def _leave(self, viewer_stays: bool) -> None:
        """End all work: the dock, or the window, was closed."""
        self.keys.switch(False)
        for emitter in (self._viewer.layers.events.inserted, self._viewer.layers.events.removed):
            with suppress(ValueError):  # it may be gone already
                emitter.disconnect(self._on_layers_changed)
        self.rounds.leave()
        self.meaning.leave()
        self.context.leave()
        self.marking.leave()
        self.controls.images.disconnect_viewer()
        if viewer_stays:
            self.context.layers.remove()
