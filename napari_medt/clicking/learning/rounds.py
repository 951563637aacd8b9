"""Accepted objects are kept for the model of clicks, and it learns from them beside a person's work."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari.layers
from qtpy.QtCore import QObject

from napari_medt.clicking.context import ClickContext
from napari_medt.clicking.writing import object_labels
from napari_medt.preferences import read_preferences
from napari_medt.running.ordered_work import OrderedWork
from napari_medt.running.questions import Questions
from napari_medt.viewer.viewed_image import ViewedImage
from src_models.clicking.in_work import ClickedImage
from src_models.clicking.learning.settings import ClickLearningSettings
from src_models.clicking.writing import Plan
from src_models.errors import UserError
from src_models.finetuning.correction_folder import (
    CorrectionFolder,
    default_folder,
    read_folder,
    use_version,
    write_note,
)
from src_models.finetuning.round import LearningRound, Learnt, Trouble

if TYPE_CHECKING:
    from src_models.clicking.learning.kept_objects import KeptObject
    from src_models.models.checkpoint import Model

__all__ = ["ClickRounds"]


class ClickRounds(QObject):
    """The objects of the chosen image that are kept, and rounds of learning from them.

    Parameters
    ----------
    context
        The state of the widget.
    parent
        The widget.
    """

    def __init__(self, context: ClickContext, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._panel = context.controls.learning
        self.work = OrderedWork("kept objects", self)
        self._questions = Questions(self.work, context.report)
        self.learning = OrderedWork("learning clicks", self)
        self.settings = ClickLearningSettings()  # what a person does not choose
        self.task: LearningRound | None = None
        self._folders: dict[Hashable, Path] = {}
        self._unwritten: list[tuple[Path, Sequence[KeptObject]]] = []
        self._in_labels: dict[str, tuple[napari.layers.Labels, int]] = {}  # numbered objects, by their ids
        self._held: CorrectionFolder | None = None
        self._connect()

    def folder(self) -> Path | None:
        """Return where objects of the chosen image are kept."""
        image = self._context.controls.images.layer()
        return None if image is None else self._folder_of(image)

    def set_folder(self, folder: Path) -> None:
        """Keep objects of the chosen image in another folder."""
        image = self._context.controls.images.layer()
        if image is not None:
            self._folders[image.unique_id] = Path(folder)
            self.open()

    def open(self) -> None:
        """Look at what is kept for the chosen image, and use the version that is in use there."""
        folder = self.folder()
        self._panel.folder.set_folder(folder)
        if folder is None:
            self._held = None
            self._panel.set_count(0)
            self._panel.set_versions((), None, None)
            return
        self._questions.ask(partial(read_folder, folder, self._models()), self._show, refused=self._panel.say)

    def keep(
        self, subject: ClickedImage, target: ViewedImage, labels: napari.layers.Labels, plans: Sequence[Plan]
    ) -> None:
        """Keep objects that were just written into labels."""
        folder = self._folder_of(target.layer)
        read = partial(self._context.sessions.to_keep, subject, plans, object_labels(labels), target.source)
        self._context.ask(subject, read, partial(self._write, folder, labels, plans))

    def learn(self) -> None:
        """Begin a round."""
        folder, model = self.folder(), self._context.controls.models.path()
        if self.task is not None or folder is None or model is None:
            return
        chosen = read_preferences()
        begin = partial(_begin, replace(self.settings, device=chosen.device), self._gone())
        self.task = LearningRound(model, folder, threads=chosen.threads, begin=begin)
        self._panel.set_running(True)
        self.learning.ask("learn", self.task.steps)

    def pause(self, waits: bool) -> None:
        """Wait, or go on."""
        if self.task is not None:
            (self.task.pause if waits else self.task.resume)()

    def stop(self) -> None:
        """End the round and keep the best."""
        if self.task is not None:
            self._panel.set_ending("Ending; the best is kept...")
            self.task.stop()

    def discard(self) -> None:
        """End the round and keep nothing."""
        if self.task is not None:
            self._panel.set_ending("Ending; nothing is kept...")
            self.task.discard()

    def use(self, name: str | None) -> None:
        """Answer clicks with a version, or with the model that they began with."""
        held = self._held
        if held is None:
            return
        if name is None and held.base is None:
            self._context.report("The file of the first model is not known here: open it in the list Model.")
            return
        self._questions.ask(partial(use_version, held.folder, name, self._models()), self._show)

    def on_model_changed(self) -> None:
        """Note which of the versions is in use."""
        held, path = self._held, self._context.controls.models.path()
        if held is None or path is None or held.folder != self.folder():
            return
        version = held.version_at(path)
        name = None if version is None else version.name
        if name != held.active and (name is not None or path == held.base):
            self._questions.ask(partial(use_version, held.folder, name, self._models()), self._show)

    def leave(self) -> None:
        """End all work: the best is kept, and objects that wait to be written are."""
        if self.task is not None:
            self.task.stop()
        self.learning.leave()
        self.work.leave()
        from src_models.clicking.learning.kept_objects import keep_objects

        for folder, objects in self._unwritten:
            try:
                keep_objects(folder, objects)
            except UserError as error:
                self._context.report(str(error))

    def _connect(self) -> None:
        panel = self._panel
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

    def _folder_of(self, image: napari.layers.Image) -> Path:
        return self._folders.get(image.unique_id) or default_folder(f"{image.name} - clicks")

    def _models(self) -> list[Path]:
        return self._context.controls.models.paths()

    def _write(
        self, folder: Path, labels: napari.layers.Labels, plans: Sequence[Plan], objects: Sequence[KeptObject]
    ) -> None:
        waiting = (folder, objects)
        self._unwritten.append(waiting)
        for plan, kept in zip(plans, objects, strict=True):
            self._in_labels.pop(kept.earlier or "", None)
            if not plan.is_class:
                self._in_labels[kept.id] = labels, plan.value
        self._questions.ask(
            partial(_keep, folder, objects),
            partial(self._on_written, waiting),
            refused=partial(self._on_unwritten, waiting),
        )

    def _on_written(self, waiting: tuple[Path, Sequence[KeptObject]], count: int) -> None:
        self._unwritten = [each for each in self._unwritten if each is not waiting]
        if waiting[0] == self.folder():
            self._panel.set_count(count)

    def _on_unwritten(self, waiting: tuple[Path, Sequence[KeptObject]], sentence: str) -> None:
        self._unwritten = [each for each in self._unwritten if each is not waiting]
        self._context.report(f"This object is in the labels, and not among those to learn from: {sentence}")

    def _show(self, held: CorrectionFolder) -> None:
        """Show what a folder holds, and use what is in use there."""
        if held.folder != self.folder():
            return
        self._held = held
        active = held.version(held.active)
        path = active.path if active is not None else held.base
        if path is not None and path != self._context.controls.models.path():
            self._context.controls.models.open_file(path)
        self._panel.set_count(_count(held))
        self._panel.set_versions(held.versions, held.active, None if held.base is None else held.base.stem)

    def _gone(self) -> Callable[[], list[str]]:
        """Return what finds the objects that a person took back out of their labels; it may be called in any thread."""
        there = set(self._context.viewer.layers)
        looked = {own: (labels.data, value) for own, (labels, value) in self._in_labels.items() if labels in there}
        return partial(_taken_back, looked)

    def _note(self, name: str, text: str) -> None:
        folder = self.folder()
        if folder is not None:
            self._questions.ask(partial(write_note, folder, name, text))

    def _on_step(self, _asked: Any, step: Any) -> None:
        if self.task is None:
            return
        if isinstance(step, Trouble):
            self._panel.wait_for_person("Waiting: make room on the disk, then press Go on.")
            self._context.report(f"Learning waits, and what was learnt is in memory: {step.message}")
        else:
            self._panel.show_update(step)

    def _on_done(self, _asked: Any, learnt: Learnt | None) -> None:
        self._end("" if learnt is None else learnt.sentence)

    def _on_refused(self, _asked: Any, sentence: str) -> None:
        self._end("")
        self._context.report(sentence)

    def _end(self, sentence: str) -> None:
        self.task = None
        self._panel.set_running(False)
        self._panel.say(sentence)
        self.open()


def _keep(folder: Path, objects: Sequence[KeptObject]) -> int:
    from src_models.clicking.learning.kept_objects import keep_objects

    return keep_objects(folder, objects)


def _begin(settings: ClickLearningSettings, gone: Callable[[], list[str]], model: Model, folder: Path) -> Any:
    """Return what learns, once the objects that were taken back are left out."""
    from src_models.clicking.learning.kept_objects import withdraw_objects
    from src_models.teaching.learner import click_learning

    withdraw_objects(folder, gone())
    return click_learning(model, folder, settings)


def _taken_back(looked: Mapping[str, tuple[Any, int]]) -> list[str]:
    import numpy as np

    present: dict[int, set[int]] = {}
    for data, _ in looked.values():
        if id(data) not in present:
            present[id(data)] = set(np.unique(data).tolist())
    return [own for own, (data, value) in looked.items() if value not in present[id(data)]]


def _count(held: CorrectionFolder) -> int:
    from src_models.clicking.learning.kept_objects import count_items

    return count_items(held.items)
