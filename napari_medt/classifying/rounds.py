"""What a person said of objects is kept for the model of classes, and it learns from that beside a person's work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_medt.classifying.panels.controls import ClassifyControls
from napari_medt.classifying.shown import ShownClasses
from napari_medt.controls.learning.rounds import Rounds
from napari_medt.preferences import Preferences
from src_models.finetuning.correction_folder import CorrectionFolder
from src_models.finetuning.round import Learner

if TYPE_CHECKING:
    from pathlib import Path

    from src_models.models.checkpoint import Model

__all__ = ["ClassRounds", "KeptClass"]


@dataclass(slots=True, eq=False)
class KeptClass:
    """What is on disk of a class that a person gave."""

    name: str | None = None


class ClassRounds(Rounds):
    """The classes that were given to objects of the chosen image, and rounds of learning from them."""

    def __init__(self, controls: ClassifyControls, report: Callable[[str], object], parent: QObject) -> None:
        super().__init__(controls.learning, controls.images, controls.models, report, "classes", parent)
        self._panel = controls.learning

    def begin(self, chosen: Preferences) -> Callable[[Model, Path], Learner]:
        raise NotImplementedError

    def show_count(self, held: CorrectionFolder | None) -> None:
        self._panel.set_count(0)

    def keep(self, shown: ShownClasses, own: int, name: str) -> KeptClass:
        return KeptClass()

    def take_back(self, kept: KeptClass) -> None:
        pass

    def apply(self, shown: ShownClasses) -> int:
        return 0
