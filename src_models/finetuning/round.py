"""A round of learning that runs in a worker thread: it can be paused, stopped, discarded, and looked at meanwhile.

The best network so far is on disk at every moment: whatever ends the process, it is kept. When the disk does not take
it, learning waits until a person has made room. No viewer and no Qt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from src_models.errors import UserError
from src_models.finetuning.correction_folder import versions_folder
from src_models.models.loaded import load_model
from src_models.prediction.jobs import RegionRun

if TYPE_CHECKING:
    from src_models.finetuning.kinds.label_kind import LabelKind
    from src_models.finetuning.settings import FinetuneSettings
    from src_models.finetuning.versions import ModelVersion, ModelVersions
    from src_models.models.checkpoint import Model

__all__ = ["Learner", "LearningRound", "Learnt", "Preview", "Trouble"]

PREVIEW_EVERY = 3.0  # s
_PREVIEW_SHARE = 6  # learning takes at least this many times as long as its previews


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """What the network as it is now finds in the plane in view; labels have an axis for every axis of the layer."""

    job: RegionRun
    labels: Any
    step: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why learning waits, in a sentence for people."""

    message: str


@dataclass(frozen=True, slots=True)
class Learnt:
    """How a round ended: the new version, if one came of it, and what to tell the person."""

    version: ModelVersion | None
    sentence: str


class Learner(Protocol):
    """What learns: step by step, with the best so far at hand."""

    def steps(self) -> Generator[Any, None, Any]:
        """Learn; what is yielded after each step has a number, ``step``, and says whether it is ``improved``."""
        ...

    def stop(self) -> None:
        """End after the present step."""
        ...

    def best(self) -> Model | None:
        """Return the best so far, if it is better than what learning began with."""
        ...

    def preview(self) -> Model:
        """Return the network as it is."""
        ...

    def result(self) -> Any:
        """Return how it ended, in a ``sentence``."""
        ...


class LearningRound:
    """One round of learning.

    Parameters
    ----------
    model
        The file of the model to begin with; it is not touched.
    folder
        The set of corrections.
    settings
        How to learn.
    threads
        Threads to compute with on the CPU; 0 for all cores but one.
    kind
        What the labels mean; None guesses.
    begin
        Returns what learns, given the model and the folder, for models that learn in another way; None for
        :class:`~src_models.finetuning.learning.Learning`.
    """

    def __init__(
        self,
        model: Path,
        folder: Path,
        settings: FinetuneSettings | None = None,
        threads: int = 0,
        kind: LabelKind | None = None,
        begin: Callable[[Model, Path], Learner] | None = None,
    ) -> None:
        self._model = model
        self._folder = folder
        self._settings = settings
        self._threads = threads
        self._kind = kind
        self._begin = begin or self._usual
        self._go_on = Event()
        self._go_on.set()
        self._stopping = self._discarding = False
        self._written: Path | None = None  # the version of this round
        self._preview_due = 0.0
        self.wanted: RegionRun | None = None  # what the next preview shows; set from another thread

    @property
    def paused(self) -> bool:
        """Whether it waits."""
        return not self._go_on.is_set()

    def pause(self) -> None:
        """Wait after the present step."""
        self._go_on.clear()

    def resume(self) -> None:
        """Go on."""
        self._go_on.set()

    def stop(self) -> None:
        """End after the present step; the best is kept."""
        self._stopping = True
        self._go_on.set()

    def discard(self) -> None:
        """End after the present step; nothing is kept."""
        self._discarding = True
        self.stop()

    def steps(self) -> Generator[Any, None, Learnt]:
        """Learn; closing the generator ends it, and the best is kept.

        Yields
        ------
        LearningUpdate (or what else the learner tells), Preview or Trouble
            After each step; what is found in the plane in view; why it waits.

        Returns
        -------
        Learnt
            How it ended.

        Raises
        ------
        UserError
            If there is nothing to learn from, or the network cannot learn from it.
        """
        from src_models.computing.execution import computing_threads
        from src_models.finetuning.versions import ModelVersions

        with computing_threads(self._threads or None):
            model = load_model(self._model)
            learning = self._begin(model, self._folder)
            versions = ModelVersions(versions_folder(self._folder))
            try:
                yield from self._learn(learning, versions)
            finally:
                with suppress(UserError):  # of a full disk, which was said; the file is in the list all the same
                    if self._written is not None and self._discarding:
                        versions.discard(self._written)
                    elif self._written is not None:
                        versions.activate(self._written.stem)
            return self._ended(learning, versions)

    def _usual(self, model: Model, folder: Path) -> Learner:
        from src_models.finetuning.learning import Learning

        return Learning(model, folder, self._settings, kind=self._kind)

    def _learn(self, learning: Learner, versions: ModelVersions) -> Generator[Any, None, None]:
        with closing(learning.steps()) as steps:
            for update in steps:
                if update.improved:
                    yield from self._keep(learning, versions)
                yield update
                yield from self._look(learning, update.step)
                self._go_on.wait()
                if self._discarding:
                    return
                if self._stopping:
                    learning.stop()
        if not self._discarding and self._written is None and learning.best() is not None:
            yield from self._keep(learning, versions)

    def _keep(self, learning: Learner, versions: ModelVersions) -> Generator[Trouble, None, None]:
        """Write the best network; while the disk does not take it, wait for the person."""
        best = learning.best()
        while best is not None and not self._discarding:
            try:
                if self._written is None:
                    self._written = versions.add(best, self._model).path
                else:
                    versions.keep(best, self._written)
                return
            except UserError as error:
                if self._stopping:
                    raise
                self.pause()
                yield Trouble(str(error))
                self._go_on.wait()

    def _look(self, learning: Learner, step: int) -> Generator[Preview, None, None]:
        """Segment the plane in view with the network as it is, if that is due."""
        from src_models.prediction.segment import segment_steps

        job, began = self.wanted, time.monotonic()
        if job is None or step == 0 or began < self._preview_due:
            return
        settings, model = job.settings, learning.preview()
        region = job.region.around(model.header.slices)
        cut = region.cut(job.data)
        steps = segment_steps(
            cut,
            model,
            axes=region.sub_reading(cut),
            channels=region.sub_chosen,
            grey_range=settings.grey_range,
            diameter=settings.diameter,
            tile=settings.tile,
            result=settings.result,
            device=settings.device,
            name=f"layer {job.layer_name!r}",
        )
        found = None
        while found is None and not self._stopping:
            try:
                next(steps)
            except StopIteration as end:
                found = end.value
            except UserError:
                break  # of an image that this model cannot take: there is no preview of it
        took = time.monotonic() - began
        self._preview_due = time.monotonic() + max(PREVIEW_EVERY, _PREVIEW_SHARE * took)
        if found is not None:
            yield Preview(job, job.region.expand(np.asarray(found.labels)), step)

    def _ended(self, learning: Learner, versions: ModelVersions) -> Learnt:
        if self._discarding:
            return Learnt(None, "Discarded: nothing was kept, and the model is as it was.")
        sentence = learning.result().sentence
        version = next((each for each in versions.list() if each.path == self._written), None)
        return Learnt(version, sentence)
