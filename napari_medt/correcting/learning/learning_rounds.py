"""Learning off the GUI thread, and the versions that come of it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_medt.correcting.context import CorrectContext
from napari_medt.correcting.layers import PREVIEW
from napari_medt.preferences import keep_correct_model, read_preferences
from napari_medt.running.ordered_work import OrderedWork
from src_models.errors import UserError
from src_models.finetuning.correction_folder import (
    CorrectionFolder,
    Kept,
    merge,
    parts_of,
    read_folder,
    use_version,
    withdraw,
    write_note,
)
from src_models.finetuning.round import LearningRound, Learnt, Preview, Trouble
from src_models.finetuning.settings import FinetuneSettings
from src_models.models.library import find_model

if TYPE_CHECKING:
    from src_models.corrections.correction_set import CorrectionItem

__all__ = ["LearningRounds"]

_STEPS_PER_SECOND = 6  # at most, so that a longer time is used
_LOOK_MS = 500  # between two looks at which slice is in view, while learning


class LearningRounds(QObject):
    """Rounds of learning from one folder of corrections, and which version is in use.

    Parameters
    ----------
    correcting
        The state of the widget.
    parent
        The widget.
    """

    model_changed = Signal()  #: another model is in use
    learnt = Signal()  #: a new version is in use, and listed

    def __init__(self, correcting: CorrectContext, parent: QObject) -> None:
        super().__init__(parent)
        self._context = correcting
        self._controls = correcting.controls
        self.work = OrderedWork("learning", self)
        self.settings = FinetuneSettings()  # what a person does not choose
        self.task: LearningRound | None = None
        self.held: CorrectionFolder | None = None
        self._marked_meanwhile = 0
        self._fresh: str | None = None  # the version that was just learnt, until it is listed
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._look_where)
        self._connect()

    @property
    def running(self) -> bool:
        """Whether a round is under way."""
        return self.task is not None

    def open_folder(self, *, follow: bool = True) -> None:
        """Look at the folder of corrections of the chosen image.

        Parameters
        ----------
        follow
            Whether the version that is in use there is chosen as the model.
        """
        folder = self._context.folder()
        self._controls.folder.set_folder(folder)
        if folder is None:
            self._controls.learning.set_count(0, False)
            self._controls.marked.set_items(())
            self._controls.versions.set_versions((), None, None)
            return
        self._context.work.ask(("folder", follow), partial(read_folder, folder, self._controls.models.paths()))

    def learn(self) -> None:
        """Begin a round."""
        folder = self._context.folder()
        if self.task is not None:
            return
        if folder is None:
            raise UserError("There is no image to correct: open one first (File > Open File(s)...).")
        panel, chosen = self._controls.learning, read_preferences()
        settings = replace(
            self.settings,
            part=panel.chosen_part(),
            seconds=float(panel.seconds.value()),
            steps=max(self.settings.steps, _STEPS_PER_SECOND * panel.seconds.value()),
            device=chosen.device,
        )
        self.task = LearningRound(self._context.model(), folder, settings, chosen.threads)
        self._marked_meanwhile = 0
        panel.set_running(True)
        self._look_where()
        self._timer.start()
        self._context.say("Learning. You can go on painting and marking meanwhile.")
        self.work.ask("learn", self.task.steps)

    def pause(self, waits: bool) -> None:
        """Wait, or go on."""
        if self.task is not None:
            (self.task.pause if waits else self.task.resume)()

    def stop(self) -> None:
        """End the round and keep the best."""
        if self.task is not None:
            self._controls.learning.set_ending("Ending; the best is kept...")
            self.task.stop()

    def discard(self) -> None:
        """End the round and keep nothing."""
        if self.task is not None:
            self._controls.learning.set_ending("Ending; nothing is kept...")
            self.task.discard()

    def use(self, name: str | None) -> None:
        """Use a version, or the model that they began with."""
        if self.held is None:
            return
        if name is None and self.held.base is None:
            raise UserError(
                "The file of the first model is not known here: choose it in the list Model, or open it there."
            )
        work = partial(use_version, self.held.folder, name, self._controls.models.paths())
        self._context.work.ask(("folder", True), work)
        self._context.say(f"{name or 'The first model'} is in use from now on.")

    def on_kept(self, kept: Kept) -> None:
        """Count a correction that was marked."""
        folder = self._context.folder()
        if kept.marked.folder == folder:
            self._show_items(kept.items)
        if self.task is not None:
            self._marked_meanwhile += 1
            self._context.say(f"{self._controls.status.text()} It is learnt from in the next round.")

    def on_folder(self, held: CorrectionFolder, *, follow: bool) -> None:
        """Show what a folder holds, and use what is in use there."""
        if held.folder != self._context.folder():
            return
        self.held = held
        active = held.version(held.active)
        path = active.path if active is not None else held.base
        if follow and path is not None and path != self._controls.models.path():
            self._controls.models.open_file(path)
        self._show_items(held.items)
        base = held.base.stem if held.base is not None else None
        self._controls.versions.set_versions(held.versions, held.active, base)
        if self._fresh is not None and self._fresh == held.active:
            self._fresh = None
            self.learnt.emit()

    def on_model_changed(self) -> None:
        """Note which model is in use, and say what learning it costs."""
        path = self._controls.models.path()
        if path is None:
            return
        keep_correct_model(_named(path))
        self._context.work.ask("parts", partial(parts_of, path))
        held = self.held
        if held is not None and held.folder == self._context.folder():
            version = held.version_at(path)
            name = None if version is None else version.name
            if name != held.active:
                work = partial(use_version, held.folder, name, self._controls.models.paths())
                self._context.work.ask(("folder", False), work)
        self.model_changed.emit()

    def withdraw(self, item: CorrectionItem) -> None:
        """Leave a correction out from now on."""
        folder = self._context.folder()
        if folder is not None:
            self._context.work.ask(
                ("folder", False), partial(withdraw, folder, item.name, self._controls.models.paths())
            )
            self._context.say("That correction is left out from now on; your labels are as they were.")

    def merge(self, other: Path) -> None:
        """Add the corrections of another folder."""
        folder = self._context.folder()
        if folder is None:
            raise UserError("There is no image to correct: open one first (File > Open File(s)...).")
        self._context.work.ask(("merged", other), partial(merge, folder, other, self._controls.models.paths()))

    def on_merged(self, other: Path, held: CorrectionFolder, added: int) -> None:
        """Tell what came of that."""
        corrections = "1 correction was" if added == 1 else f"{added} corrections were"
        self._context.say(
            f"{corrections} added from {other.name}." if added else f"All of {other.name} is here already."
        )
        self.on_folder(held, follow=False)

    def leave(self) -> None:
        """End the round: the best is kept."""
        self._timer.stop()
        if self.task is not None:
            self.task.stop()
        self.work.leave()

    def _show_items(self, items: tuple[CorrectionItem, ...]) -> None:
        self._controls.marked.set_items(items)
        self._controls.learning.set_count(len(items), self._controls.models.path() is not None)

    def _connect(self) -> None:
        trying, panel, versions = self._context.trying, self._controls.learning, self._controls.versions
        panel.begun.connect(trying(self.learn))
        panel.paused.connect(self.pause)
        panel.stopped.connect(self.stop)
        panel.discarded.connect(self.discard)
        self._controls.marked.withdrawn.connect(trying(self.withdraw))
        self._controls.marked.merged.connect(trying(self.merge))
        versions.wanted.connect(trying(self.use))
        versions.noted.connect(self._note)
        self.work.stepped.connect(self._on_step)
        self.work.done.connect(self._on_done)
        self.work.refused.connect(self._on_refused)

    def _note(self, name: str, text: str) -> None:
        if self.held is not None:
            self._context.work.ask("note", partial(write_note, self.held.folder, name, text))

    def _look_where(self) -> None:
        """Tell the round which plane is in view, for its next preview."""
        if self.task is None:
            return
        job = None
        if self._controls.learning.preview.isChecked():
            try:
                target = self._context.target()
                job = self._context.job(target, self._context.seen(target), self._context.model())
            except UserError:  # of a view in 3D: there is no preview of it
                job = None
        self.task.wanted = job

    def _on_step(self, _asked: Any, step: Any) -> None:
        if self.task is None:
            return
        panel = self._controls.learning
        if isinstance(step, Trouble):
            panel.wait_for_person("Waiting: make room on the disk, then press Go on.")
            self._context.report(f"Learning waits, and what was learnt is in memory: {step.message}")
        elif isinstance(step, Preview):
            self._show_preview(step)
        else:
            panel.show_update(step)

    def _show_preview(self, preview: Preview) -> None:
        for image in self._context.viewer.layers:
            if image.unique_id == preview.job.layer_id and self._controls.learning.preview.isChecked():
                what = f"after {preview.step} steps"
                self._context.layers.show_outlines(image, PREVIEW, preview.job.region, preview.labels, what)
                return

    def _on_done(self, _asked: Any, learnt: Learnt | None) -> None:
        self._end()
        if learnt is None:
            return
        self._controls.learning.show_result(self._sentence(learnt))
        if learnt.version is not None:
            self._fresh = learnt.version.name
            self._context.say(f"{learnt.version.name} is in use now. Below: before and after.")
        else:
            self._context.say("The model is as it was.")
        self.open_folder()

    def _sentence(self, learnt: Learnt) -> str:
        if not self._marked_meanwhile:
            return learnt.sentence
        count = self._marked_meanwhile
        marked = "1 correction was" if count == 1 else f"{count} corrections were"
        return f"{learnt.sentence} {marked} marked meanwhile: press Learn to learn from them too."

    def _on_refused(self, _asked: Any, sentence: str) -> None:
        self._end()
        self._controls.learning.show_result("")
        self._context.report(sentence)
        self.open_folder()

    def _end(self) -> None:
        self.task = None
        self._timer.stop()
        self._controls.learning.set_running(False)
        self._context.layers.drop(PREVIEW)


def _named(path: Path) -> str:
    """Return a model's name where that finds it, else its file."""
    try:
        return path.stem if find_model(path.stem) == path else str(path)
    except UserError:
        return str(path)
