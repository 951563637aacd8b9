"""What the labels that were marked mean: guessed off the GUI thread, and shown until a person says otherwise."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_medt.running.latest_question import LatestQuestion
from src_models.finetuning.correction_folder import kind_of
from src_models.finetuning.kinds.label_kind import LabelKind

if TYPE_CHECKING:
    from napari_medt.correcting.context import CorrectContext

__all__ = ["LabelMeaning"]


class LabelMeaning(QObject):
    """Asks what labels mean whenever there are others, or another model.

    Parameters
    ----------
    correcting
        The state of the widget.
    parent
        The widget.
    """

    def __init__(self, correcting: CorrectContext, parent: QObject) -> None:
        super().__init__(parent)
        self._context = correcting
        self._panel = correcting.controls.kind
        self.questions = LatestQuestion(self)
        self.questions.answered.connect(self._panel.offer)
        self.questions.refused.connect(lambda _sentence: None)  # said when a person presses Learn

    def look(self, _event: Any = None) -> None:
        """Guess what the labels in the folder in use mean."""
        folder, model = self._context.folder(), self._context.controls.models.path()
        if folder is not None and model is not None:
            self.questions.ask(partial(kind_of, folder, model))

    def on_model_changed(self) -> None:
        """Go by what is guessed again: what a person said was of another model."""
        self._panel.forget()
        self.look()

    def numbers_objects(self) -> bool:
        """Whether each object has a number of its own, as a person said or the model has it; else they are classes."""
        said, header = self._panel.numbers_objects, self._header()
        if said is not None or header is None:
            return said is not False
        return LabelKind.of(header).meaning == "objects"

    def class_names(self) -> tuple[str, ...]:
        """Return the names of the classes from 1 on; none of objects."""
        if self._panel.numbers_objects is False:
            return self._panel.kind().names
        header = self._header()
        return () if header is None or self.numbers_objects() else LabelKind.of(header).names

    def mismatch(self) -> str:
        """Return words on a model that does not find yet what a person said that labels mean; else none."""
        said, header = self._panel.numbers_objects, self._header()
        if said is None or header is None or said == (LabelKind.of(header).meaning == "objects"):
            return ""
        return f" {header.name} does not find {self._panel.kind().words} yet: to paint these, press Begin empty."

    def leave(self) -> None:
        """Ask nothing more."""
        self.questions.leave()

    def _header(self) -> Any:
        return self._context.controls.models.header()
