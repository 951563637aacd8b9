"""The controls with which a model of classes learns: from how many corrections, how it goes, and what was learnt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QWidget

from napari_medt.controls.learning.round_panel import RoundPanel, RoundWords

if TYPE_CHECKING:
    from src_models.finetuning.versions import ModelVersion

__all__ = ["ClassLearnPanel"]

_WORDS = RoundWords(
    gain="Right before → after",
    reading="Reading what you corrected...",
    learn=(
        "Let the model learn from the objects whose class you gave: about a minute, beside your work. The model file "
        "stays as it is; what is learnt becomes a new version, and Classify uses it from then on."
    ),
    why="What is missing before the model can learn.",
    status="How learning goes: how many of the corrections that were held back the model gets right.",
    list=(
        "What was learnt, and the share of held-back corrections that was right before and after. Double-click a note "
        "to edit it."
    ),
    use="Classify with the chosen version from now on. Nothing is deleted: you can go back.",
)


class ClassLearnPanel(RoundPanel):
    """Learn, Pause, Stop and keep the best, Discard; the folder, and the versions in it.

    Parameters
    ----------
    parent
        Parent widget.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(_WORDS, parent)
        self.set_count(0)

    def set_count(self, count: int) -> None:
        """Say how many corrections there are to learn from."""
        corrections = "1 correction" if count == 1 else f"{count} corrections"
        missing = "Give a few objects their right class first." if not count else ""
        self.offer(f"Learn from {corrections}" if count else "Learn from my corrections", missing)

    def words_of_update(self, update: Any) -> str:
        """Return how learning goes, in a line."""
        return ""

    def words_of_gain(self, version: ModelVersion) -> str:
        """Return the share of held-back corrections that was right before and after."""
        return ""
