"""The controls with which a model of clicks learns: from how many objects, how it goes, and what was learnt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QWidget

from napari_medt.controls.learning.round_panel import RoundPanel, RoundWords
from src_models.clicking.learning.settings import LEAST_OBJECTS

if TYPE_CHECKING:
    from src_models.clicking.learning.progress import Ious
    from src_models.finetuning.versions import ModelVersion
    from src_models.training.rounds.progress import RoundUpdate

__all__ = ["ClickLearnPanel"]

_WORDS = RoundWords(
    gain="IoU after 1, 3, 5 clicks",
    reading="Reading the objects...",
    learn=(
        "Let the model of clicks learn from the objects that you accepted: about a minute, beside your work. "
        "The model file stays as it is; what is learnt becomes a new version, if it needs fewer clicks on objects "
        "that were held back and is no worse on others."
    ),
    why="How many objects are missing before the model can learn.",
    status="How learning goes. IoU is how well answers agree with objects that were held back.",
    list="What was learnt, and IoU on objects that were held back, before and after. Double-click a note to edit it.",
    use="Answer clicks with the chosen version from now on.",
)


class ClickLearnPanel(RoundPanel):
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
        """Say how many objects there are to learn from."""
        objects = "1 object" if count == 1 else f"{count} objects"
        missing = LEAST_OBJECTS - count
        more = "1 more object" if missing == 1 else f"{missing} more objects"
        why = f"Accept {more} first: of fewer than {LEAST_OBJECTS}, none could be held back to judge."
        self.offer(f"Learn from what I accepted ({objects})", why if missing > 0 else "")

    def words_of_update(self, update: RoundUpdate[Ious]) -> str:
        """Return how learning goes, in a line."""
        first = f"after the first click was {update.start[0]:.0%}, of the best so far {update.best[0]:.0%}"
        return f"At most {update.seconds_idle:.0f} s of work left. IoU {first}."

    def words_of_gain(self, version: ModelVersion) -> str:
        """Return the IoU before and after, by number of clicks."""
        after: Mapping[str, float] | None = version.iou
        if not after:
            return ""
        scores: Any = [", ".join(f"{each:.2f}" for each in iou.values()) for iou in (version.iou_before or {}, after)]
        return " to ".join(score for score in scores if score)
