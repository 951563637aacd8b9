"""What a person said of objects is kept for the model of classes, and it learns from that beside a person's work."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_medt.classifying.panels.controls import ClassifyControls
from napari_medt.classifying.shown import ShownClasses
from napari_medt.controls.learning.rounds import Rounds
from napari_medt.preferences import Preferences
from src_models.errors import UserError
from src_models.finetuning.correction_folder import CorrectionFolder
from src_models.finetuning.round import Learner

if TYPE_CHECKING:
    from src_models.classifying.class_corrections import ClassItem
    from src_models.corrections.correction import Source
    from src_models.models.checkpoint import Model

__all__ = ["ClassRounds", "GivenClass"]


@dataclass(frozen=True, slots=True, eq=False)
class GivenClass:
    """What a person said of an object; without a name, that it is the model's to say again."""

    folder: Path
    shown: ShownClasses
    source: Source
    own: int
    name: str | None


class ClassRounds(Rounds):
    """The classes that were given to objects of the chosen image, and rounds of learning from them.

    Parameters
    ----------
    controls
        The controls.
    report
        Tells a person what is wrong.
    parent
        The widget.
    """

    def __init__(self, controls: ClassifyControls, report: Callable[[str], object], parent: QObject) -> None:
        super().__init__(
            controls.learning, controls.images, controls.models, report, "classes", parent, items=_items_in
        )
        self._panel = controls.learning
        self.settings: dict[str, Any] = {}  # of learning, where they are not the usual ones
        self._unwritten: list[GivenClass] = []

    def begin(self, chosen: Preferences) -> Callable[[Model, Path], Learner]:
        """Return what begins a round."""
        return partial(_begin, {"device": chosen.device, **self.settings})

    def show_count(self, held: CorrectionFolder | None) -> None:
        """Show how many objects there are to learn from."""
        self._show_items(() if held is None else held.items)

    def keep(self, shown: ShownClasses, own: int, name: str | None) -> None:
        """Keep what a person said of an object, at once; without a name, leave it out again."""
        given = GivenClass(self.folder_of(shown.image), shown, shown.target.source, own, name)
        self._unwritten.append(given)
        self.questions.ask(
            partial(_keep, given), partial(self._on_written, given), refused=partial(self._on_unwritten, given)
        )

    def recall(self, shown: ShownClasses, then: Callable[[dict[int, str]], object]) -> None:
        """Look which objects have classes that were given before, for example before napari was closed."""
        folder = self.folder_of(shown.image)
        self.questions.ask(partial(_recall, folder, shown, shown.target.source), then)

    def leave(self) -> None:
        """End all work: the best is kept, and what waits to be written is."""
        super().leave()
        for given in self._unwritten:
            try:
                _keep(given)
            except UserError as error:
                self.report(str(error))

    def _on_written(self, given: GivenClass, items: Sequence[ClassItem]) -> None:
        self._unwritten = [each for each in self._unwritten if each is not given]
        if given.folder == self.folder():
            self._show_items(items)

    def _on_unwritten(self, given: GivenClass, sentence: str) -> None:
        self._unwritten = [each for each in self._unwritten if each is not given]
        self.report(f"This class is in the table, and not among those to learn from: {sentence}")

    def _show_items(self, items: Sequence[ClassItem]) -> None:
        judging = sum(item.split == "val" for item in items)
        self._panel.set_count(len(items) - judging, judging)


def _items_in(folder: Path) -> tuple[Any, ...]:
    if not folder.is_dir():
        return ()
    from src_models.classifying.class_corrections import ClassCorrectionSet

    return ClassCorrectionSet.open(folder).items


def _keep(given: GivenClass) -> tuple[ClassItem, ...]:
    """Write what was given into its folder, and return what that holds then."""
    from src_models.classifying.class_corrections import ClassCorrectionSet
    from src_models.classifying.layer.given import given_class

    kept = ClassCorrectionSet.open(given.folder)
    result, named = given.shown.result, given.name
    correction = given_class(result, given.own, named or result.table.found(given.own), given.source, by=_person())
    if named is not None:
        kept.add([correction])
        return kept.items
    for item in kept.items:
        if item.record.is_same_object(correction.record):
            kept.withdraw(item.file)
    return kept.items


def _recall(folder: Path, shown: ShownClasses, source: Source) -> dict[int, str]:
    from src_models.classifying.layer.given import given_again

    return given_again(shown.result, _items_in(folder), source)


def _begin(settings: dict[str, Any], model: Model, folder: Path) -> Any:
    from src_models.classifying.learning.learning import ClassLearning
    from src_models.classifying.learning.settings import ClassLearningSettings
    from src_models.files.class_sets.opening import open_class_set

    return ClassLearning(model, open_class_set(folder), ClassLearningSettings(**settings))


def _person() -> str | None:
    """Return what this computer calls who works at it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return None
