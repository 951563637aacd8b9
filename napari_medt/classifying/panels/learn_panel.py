"""The controls with which a model of classes learns: from how many corrections, how it goes, and what was learnt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QWidget

from napari_medt.controls.learning.round_panel import RoundPanel, RoundWords
from src_models.training.rounds.work import words_of_time_left

if TYPE_CHECKING:
    from src_models.classifying.learning.progress import Judged
    from src_models.finetuning.versions import ModelVersion
    from src_models.training.rounds.progress import RoundUpdate

__all__ = ["ClassLearnPanel"]

# As a round of learning wants them; it loads torch. Of so many objects, as many judge.
LEAST_TEACHING, LEAST_JUDGING, LEAST = 4, 2, 8

_WORDS = RoundWords(
    gain="Right",
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
        self.set_count(0, 0)

    def set_count(self, teaching: int, judging: int) -> None:
        """Say how many objects there are to learn from, and how many of them are held back to judge by."""
        count = teaching + judging
        objects = "1 object" if count == 1 else f"{count} objects"
        enough = teaching >= LEAST_TEACHING and judging >= LEAST_JUDGING
        missing = max(1, LEAST - count)
        more = "1 more object" if missing == 1 else f"{missing} more objects"
        why = f"Give {more} the right class first, also such that are right already: some are held back to judge by."
        self.offer(f"Learn from {objects}" if count else "Learn from what I corrected", "" if enough else why)

    def words_of_update(self, update: RoundUpdate[Judged]) -> str:
        """Return how learning goes, in a line."""
        start, best = update.start, update.best
        held = f"Of {start.count} held-back objects, {start.right} were right; with the best so far, {best.right} are."
        return f"{words_of_time_left(update.seconds_left, update.seconds_idle)} {held}"

    def words_of_gain(self, version: ModelVersion) -> str:
        """Return the share of held-back objects that was right before and after."""
        if version.accuracy is None:
            return ""
        before = "" if version.accuracy_before is None else f"{version.accuracy_before:.0%} → "
        return f"{before}{version.accuracy:.0%}"
