"""The controls of learning: what learns, start, pause and end, and how it goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QSpinBox, QVBoxLayout, QWidget

from napari_medt.controls.learning.learning_controls import LearningControls
from napari_medt.correcting.panels.loss_plot import LossPlot
from napari_medt.preferences import keep_correct_again, read_correct_again
from src_models.training.rounds.work import words_of_time_left

if TYPE_CHECKING:
    from src_models.finetuning.parts import LearningPart
    from src_models.finetuning.progress import LearningUpdate

__all__ = ["LearnPanel", "PartCombo"]

_SECONDS = 55


class LearnPanel(LearningControls):
    """Learn, Pause, Stop and keep the best, Discard; and the curves.

    Parameters
    ----------
    parent
        Parent widget.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Reading the corrections...", parent)
        self._parts: dict[str, LearningPart] = {}
        self._count = 0
        self._ready = False
        self.part = PartCombo()
        self.cost = QLabel()
        self.seconds = QSpinBox()
        self.preview = QCheckBox("Preview in the image while it learns")
        self.again = QCheckBox("Segment what is in view again afterwards")
        self.plot = LossPlot()
        self._build()
        self._explain()
        self.set_parts(())
        self.set_running(False)
        self.part.currentIndexChanged.connect(self._on_part)
        self.again.toggled.connect(keep_correct_again)

    def chosen_part(self) -> str:
        """Return what learns."""
        part: str = self.part.currentData() or "full"
        return part

    def set_parts(self, parts: Sequence[LearningPart]) -> None:
        """Offer what can learn, with what each costs; the choice is kept where it still can be made."""
        chosen = self.chosen_part()
        with QSignalBlocker(self.part):
            self.part.clear()
            self._parts = {part.name: part for part in parts}
            if not parts:
                self.part.addItem("The whole network", "full")
            for part in parts:
                usual = " (usual)" if part.name == "full" else ""
                self.part.addItem(f"{part.title}{usual}", part.name)
            self.part.setCurrentIndex(max(0, self.part.findData(chosen)))
        self._on_part()

    def set_count(self, count: int, ready: bool) -> None:
        """Say how many corrections there are to learn from, and whether there is a model."""
        self._count, self._ready = count, ready
        corrections = "1 correction" if count == 1 else f"{count} corrections"
        self.learn.setText(f"Learn from {corrections}" if count else "Learn from my corrections")
        self.learn.setEnabled(ready and not self._running)

    def set_running(self, running: bool) -> None:
        """Show whether learning is under way."""
        super().set_running(running)
        self.learn.setEnabled(self._ready and not running)
        for setting in (self.part, self.seconds):
            setting.setEnabled(not running)
        if running:
            self.plot.clear()

    def show_update(self, update: LearningUpdate) -> None:
        """Show how it goes, in the curves, too."""
        self.plot.add(update)
        super().show_update(update)

    def words_of_update(self, update: LearningUpdate) -> str:
        """Return how learning goes, in a line."""
        best = f"Agreement with you was {update.start_dice:.0%}, best so far {update.best_dice:.0%}"
        return f"{words_of_time_left(update.seconds_left, update.seconds_idle)} {best}."

    def _on_part(self) -> None:
        part = self._parts.get(self.chosen_part())
        self.cost.setText("" if part is None else part.cost)
        self.cost.setToolTip("What learning this costs and gives." if part is None else part.detail)
        self.cost.setVisible(bool(self.cost.text()))

    def _build(self) -> None:
        self.preview.setChecked(True)
        self.again.setChecked(read_correct_again())
        self.seconds.setRange(5, 36_000)
        self.seconds.setValue(_SECONDS)
        self.seconds.setSuffix(" s")
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("What learns", self.part)
        form.addRow(self.cost)
        form.addRow("Time to learn", self.seconds)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.learn)
        column.addLayout(self.buttons)
        for widget in (self.bar, self.status, self.result, self.plot, self.preview, self.again):
            column.addWidget(widget)
        column.addLayout(form)
        self.cost.setWordWrap(True)
        self.cost.setMinimumHeight(2 * self.cost.fontMetrics().lineSpacing())

    def _explain(self) -> None:
        self.learn.setToolTip(
            "Let the model learn from everything that is marked. The model file stays as it is; what is learnt becomes "
            "a new version. You can go on painting and marking: that is learnt from in the next round."
        )
        self.part.setToolTip("What changes in the network while it learns. The whole network is right nearly always.")
        self.seconds.setToolTip(
            "How long it learns at most while the computer does nothing else. Where other programs compute, too, it "
            "takes longer and says so; it ends earlier when nothing is gained any more."
        )
        self.preview.setToolTip("Outline in blue what the network finds in the slice in view, every few seconds.")
        self.again.setToolTip(
            "When a round has gained something, let the new version segment what is in view, and outline in green what "
            "it finds. Your labels are not touched; Segment to correct then gives it to you as labels at once."
        )
        self.status.setToolTip("How learning goes. Agreement is the Dice score on corrections that were held back.")


class PartCombo(QComboBox):
    """The parts of a network that can learn; they are asked for once a person turns to the list."""

    wanted = Signal()

    def enterEvent(self, event: Any) -> None:
        """Ask when the pointer comes."""
        self.wanted.emit()
        super().enterEvent(event)

    def focusInEvent(self, event: Any) -> None:
        """Ask when the keyboard comes."""
        self.wanted.emit()
        super().focusInEvent(event)
