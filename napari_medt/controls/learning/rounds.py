"""Rounds of learning from a folder of what a person gave, off the GUI thread; and the versions that came of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari.layers
from qtpy.QtCore import QObject

from napari_medt.controls.layer_combo import ImageLayerCombo
from napari_medt.controls.learning.round_panel import RoundPanel
from napari_medt.controls.model_combo import ModelCombo
from napari_medt.preferences import Preferences, read_preferences
from napari_medt.running.ordered_work import OrderedWork
from napari_medt.running.questions import Questions
from src_models.finetuning.correction_folder import (
    CorrectionFolder,
    default_folder,
    read_folder,
    use_version,
    write_note,
)
from src_models.finetuning.round import Learner, LearningRound, Learnt, Trouble

if TYPE_CHECKING:
    from src_models.models.checkpoint import Model

__all__ = ["Rounds"]


class Rounds(QObject):
    """The folder of the chosen image, rounds of learning from it, and which version is in use.

    What learns, and how what is in the folder is shown, is up to who inherits it.

    Parameters
    ----------
    panel
        The controls of learning.
    images, models
        Where the image and the model are chosen.
    report
        Tells a person what is wrong.
    kind
        Tells the folder apart from those of other widgets for the same image.
    parent
        The widget.
    items
        Reads what there is to learn from in a folder; None reads corrections of pixels.
    """

    def __init__(
        self,
        panel: RoundPanel,
        images: ImageLayerCombo,
        models: ModelCombo,
        report: Callable[[str], object],
        kind: str,
        parent: QObject,
        items: Callable[[Path], tuple[Any, ...]] | None = None,
    ) -> None:
        super().__init__(parent)
        self.panel = panel
        self.images = images
        self.models = models
        self.report = report
        self._kind = kind
        self._items = items
        self.work = OrderedWork(f"kept {kind}", self)
        self.questions = Questions(self.work, report)
        self.learning = OrderedWork(f"learning {kind}", self)
        self.task: LearningRound | None = None
        self.held: CorrectionFolder | None = None
        self._folders: dict[Hashable, Path] = {}
        self._connect()

    def begin(self, chosen: Preferences) -> Callable[[Model, Path], Learner]:
        """Return what begins a round in the other thread, given the model and the folder."""
        raise NotImplementedError

    def show_count(self, held: CorrectionFolder | None) -> None:
        """Show how much there is to learn from in the folder; None where there is no image."""
        raise NotImplementedError

    def folder(self) -> Path | None:
        """Return where what is given for the chosen image is kept."""
        image = self.images.layer()
        return None if image is None else self.folder_of(image)

    def folder_of(self, image: napari.layers.Image) -> Path:
        """Return where what is given for an image is kept."""
        return self._folders.get(image.unique_id) or default_folder(f"{image.name} - {self._kind}")

    def set_folder(self, folder: Path) -> None:
        """Keep what is given for the chosen image in another folder."""
        image = self.images.layer()
        if image is not None:
            self._folders[image.unique_id] = Path(folder)
            self.open()

    def open(self) -> None:
        """Look at what is kept for the chosen image, and use the version that is in use there."""
        folder = self.folder()
        self.panel.folder.set_folder(folder)
        if folder is None:
            self.held = None
            self.show_count(None)
            self.panel.set_versions((), None, None)
            return
        work = partial(read_folder, folder, self.models.paths(), self._items)
        self.questions.ask(work, self._show, refused=self.panel.say)

    def learn(self) -> None:
        """Begin a round."""
        folder, model = self.folder(), self.models.path()
        if self.task is not None or folder is None or model is None:
            return
        chosen = read_preferences()
        self.task = LearningRound(model, folder, threads=chosen.threads, begin=self.begin(chosen))
        self.panel.set_running(True)
        self.learning.ask("learn", self.task.steps)

    def pause(self, waits: bool) -> None:
        """Wait, or go on."""
        if self.task is not None:
            (self.task.pause if waits else self.task.resume)()

    def stop(self) -> None:
        """End the round and keep the best."""
        if self.task is not None:
            self.panel.set_ending("Ending; the best is kept...")
            self.task.stop()

    def discard(self) -> None:
        """End the round and keep nothing."""
        if self.task is not None:
            self.panel.set_ending("Ending; nothing is kept...")
            self.task.discard()

    def use(self, name: str | None) -> None:
        """Use a version from now on, or the model that they began with."""
        held = self.held
        if held is None:
            return
        if name is None and held.base is None:
            self.report("The file of the first model is not known here: open it in the list Model.")
            return
        self._use(held.folder, name)

    def on_model_changed(self) -> None:
        """Note which of the versions is in use."""
        held, path = self.held, self.models.path()
        if held is None or path is None or held.folder != self.folder():
            return
        version = held.version_at(path)
        name = None if version is None else version.name
        if name != held.active and (name is not None or path == held.base):
            self._use(held.folder, name)

    def leave(self) -> None:
        """End all work: the best is kept."""
        if self.task is not None:
            self.task.stop()
        self.learning.leave()
        self.work.leave()

    def _connect(self) -> None:
        panel = self.panel
        panel.begun.connect(self.learn)
        panel.paused.connect(self.pause)
        panel.stopped.connect(self.stop)
        panel.discarded.connect(self.discard)
        panel.wanted.connect(self.use)
        panel.noted.connect(self._note)
        panel.folder.changed.connect(self.set_folder)
        self.learning.stepped.connect(self._on_step)
        self.learning.done.connect(self._on_done)
        self.learning.refused.connect(self._on_refused)

    def _use(self, folder: Path, name: str | None) -> None:
        self.questions.ask(partial(use_version, folder, name, self.models.paths(), self._items), self._show)

    def _show(self, held: CorrectionFolder) -> None:
        """Show what a folder holds, and use what is in use there."""
        if held.folder != self.folder():
            return
        self.held = held
        active = held.version(held.active)
        path = active.path if active is not None else held.base
        if path is not None and path != self.models.path():
            self.models.open_file(path)
        self.show_count(held)
        self.panel.set_versions(held.versions, held.active, None if held.base is None else held.base.stem)

    def _note(self, name: str, text: str) -> None:
        folder = self.folder()
        if folder is not None:
            self.questions.ask(partial(write_note, folder, name, text))

    def _on_step(self, _asked: Any, step: Any) -> None:
        if self.task is None:
            return
        if isinstance(step, Trouble):
            self.panel.wait_for_person("Waiting: make room on the disk, then press Go on.")
            self.report(f"Learning waits, and what was learnt is in memory: {step.message}")
        else:
            self.panel.show_update(step)

    def _on_done(self, _asked: Any, learnt: Learnt | None) -> None:
        self._end("" if learnt is None else learnt.sentence)

    def _on_refused(self, _asked: Any, sentence: str) -> None:
        self._end("")
        self.report(sentence)

    def _end(self, sentence: str) -> None:
        self.task = None
        self.panel.set_running(False)
        self.panel.say(sentence)
        self.open()
