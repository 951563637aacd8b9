"""Accepted objects are kept for the model of clicks, and it learns from them beside a person's work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari.layers
from qtpy.QtCore import QObject

from napari_medt.clicking.context import ClickContext
from napari_medt.clicking.writing import object_labels
from napari_medt.controls.learning.rounds import Rounds
from napari_medt.preferences import Preferences
from napari_medt.viewer.viewed_image import ViewedImage
from src_models.clicking.in_work import ClickedImage
from src_models.clicking.learning.settings import ClickLearningSettings
from src_models.clicking.writing import Plan
from src_models.errors import UserError
from src_models.finetuning.correction_folder import CorrectionFolder
from src_models.finetuning.round import Learner

if TYPE_CHECKING:
    from src_models.clicking.learning.kept_objects import KeptObject
    from src_models.models.checkpoint import Model

__all__ = ["ClickRounds"]


class ClickRounds(Rounds):
    """The objects of the chosen image that are kept, and rounds of learning from them.

    Parameters
    ----------
    context
        The state of the widget.
    parent
        The widget.
    """

    def __init__(self, context: ClickContext, parent: QObject) -> None:
        controls = context.controls
        super().__init__(controls.learning, controls.images, controls.models, context.report, "clicks", parent)
        self._context = context
        self._panel = controls.learning
        self.settings = ClickLearningSettings()  # what a person does not choose
        self._unwritten: list[tuple[Path, Sequence[KeptObject]]] = []
        self._in_labels: dict[str, tuple[napari.layers.Labels, int]] = {}  # numbered objects, by their ids

    def begin(self, chosen: Preferences) -> Callable[[Model, Path], Learner]:
        """Return what begins a round, once the objects that were taken back are left out."""
        return partial(_begin, replace(self.settings, device=chosen.device), self._gone())

    def show_count(self, held: CorrectionFolder | None) -> None:
        """Show how many objects there are to learn from."""
        self._panel.set_count(0 if held is None else _count(held))

    def keep(
        self, subject: ClickedImage, target: ViewedImage, labels: napari.layers.Labels, plans: Sequence[Plan]
    ) -> None:
        """Keep objects that were just written into labels."""
        folder = self.folder_of(target.layer)
        read = partial(self._context.sessions.to_keep, subject, plans, object_labels(labels), target.source)
        self._context.ask(subject, read, partial(self._write, folder, labels, plans))

    def leave(self) -> None:
        """End all work: the best is kept, and objects that wait to be written are."""
        super().leave()
        from src_models.clicking.learning.kept_objects import keep_objects

        for folder, objects in self._unwritten:
            try:
                keep_objects(folder, objects)
            except UserError as error:
                self.report(str(error))

    def _write(
        self, folder: Path, labels: napari.layers.Labels, plans: Sequence[Plan], objects: Sequence[KeptObject]
    ) -> None:
        waiting = (folder, objects)
        self._unwritten.append(waiting)
        for plan, kept in zip(plans, objects, strict=True):
            self._in_labels.pop(kept.earlier or "", None)
            if not plan.is_class:
                self._in_labels[kept.id] = labels, plan.value
        self.questions.ask(
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
        self.report(f"This object is in the labels, and not among those to learn from: {sentence}")

    def _gone(self) -> Callable[[], list[str]]:
        """Return what finds the objects that a person took back out of their labels; it may be called in any thread."""
        there = set(self._context.viewer.layers)
        looked = {own: (labels.data, value) for own, (labels, value) in self._in_labels.items() if labels in there}
        return partial(_taken_back, looked)


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
