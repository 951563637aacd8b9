"""Rounds of learning, off the GUI thread."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_medt.correcting.context import CorrectContext
from napari_medt.correcting.layers import PREVIEW
from napari_medt.correcting.learning.folder_in_use import FolderInUse
from napari_medt.preferences import read_preferences
from napari_medt.running.ordered_work import OrderedWork
from src_models.errors import UserError
from src_models.finetuning.correction_folder import CorrectionFolder
from src_models.finetuning.round import LearningRound, Learnt, Preview, Trouble
from src_models.finetuning.settings import FinetuneSettings

__all__ = ["LearningRounds"]

_STEPS_PER_SECOND = 6  # at most, so that a longer time is used
_LOOK_MS = 500  # between two looks at which slice is in view, while learning


class LearningRounds(QObject):
    """Rounds of learning from the folder of corrections in use.

    Parameters
    ----------
    correcting
        The state of the widget.
    folder
        The folder.
    parent
        The widget.
    """

    learnt = Signal()  #: a new version is in use, and listed

    def __init__(self, correcting: CorrectContext, folder: FolderInUse, parent: QObject) -> None:
        super().__init__(parent)
        self._context = correcting
        self._controls = correcting.controls
        self._folder = folder
        self.work = OrderedWork("learning", self)
        self.settings = FinetuneSettings()  # what a person does not choose
        self.task: LearningRound | None = None
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
        kind = self._controls.kind.said()
        self.task = LearningRound(self._context.model(), folder, settings, chosen.threads, kind)
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

    def count_marked(self) -> str:
        """Count a correction that was marked, and return what there is to say of it."""
        if self.task is None:
            return ""
        self._marked_meanwhile += 1
        return "It is learnt from in the next round."

    def leave(self) -> None:
        """End the round: the best is kept."""
        self._timer.stop()
        if self.task is not None:
            self.task.stop()
        self.work.leave()

    def _connect(self) -> None:
        trying, panel = self._context.trying, self._controls.learning
        panel.begun.connect(trying(self.learn))
        panel.paused.connect(self.pause)
        panel.stopped.connect(self.stop)
        panel.discarded.connect(self.discard)
        self._folder.listed.connect(self._on_listed)
        self.work.stepped.connect(self._on_step)
        self.work.done.connect(self._on_done)
        self.work.refused.connect(self._on_refused)

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

    def _on_listed(self, held: CorrectionFolder) -> None:
        if self._fresh is not None and self._fresh == held.active:
            self._fresh = None
            self.learnt.emit()

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
        self._controls.learning.say(self._sentence(learnt))
        if learnt.version is not None:
            self._fresh = learnt.version.name
            self._context.say(f"{learnt.version.name} is in use now. Below: before and after.")
        else:
            self._context.say("The model is as it was.")
        self._folder.open()

    def _sentence(self, learnt: Learnt) -> str:
        if not self._marked_meanwhile:
            return learnt.sentence
        count = self._marked_meanwhile
        marked = "1 correction was" if count == 1 else f"{count} corrections were"
        return f"{learnt.sentence} {marked} marked meanwhile: press Learn to learn from them too."

    def _on_refused(self, _asked: Any, sentence: str) -> None:
        self._end()
        self._controls.learning.say("")
        self._context.report(sentence)
        self._folder.open()

    def _end(self) -> None:
        self.task = None
        self._timer.stop()
        self._controls.learning.set_running(False)
        self._context.layers.drop(PREVIEW)
