"""The controls of learning: what learns, start, pause and end, and how it goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_medt.correcting.panels.loss_plot import LossPlot
from napari_medt.preferences import keep_correct_again, read_correct_again
from src_models.training.rounds.work import words_of_time_left

if TYPE_CHECKING:
    from src_models.finetuning.parts import LearningPart
    from src_models.finetuning.progress import LearningUpdate

__all__ = ["LearnPanel", "PartCombo"]

_SECONDS = 55


class LearnPanel(QWidget):
    """Learn, Pause, Stop and keep the best, Discard; and the curves.

    Parameters
    ----------
    parent
        Parent widget.
    """

    begun = Signal()  #: learn
    paused = Signal(bool)  #: wait, or go on
    stopped = Signal()  #: end and keep the best
    discarded = Signal()  #: end and keep nothing

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._parts: dict[str, LearningPart] = {}
        self._count = 0
        self._ready = False
        self._running = False
        self.learn = QPushButton()
        self.pause = QPushButton("Pause")
        self.stop = QPushButton("Stop and keep the best")
        self.discard = QPushButton("Discard")
        self.part = PartCombo()
        self.cost = QLabel()
        self.seconds = QSpinBox()
        self.preview = QCheckBox("Preview in the image while it learns")
        self.again = QCheckBox("Segment what is in view again afterwards")
        self.bar = QProgressBar()
        self.status = QLabel()
        self.plot = LossPlot()
        self.result = QLabel()
        self._build()
        self._explain()
        self.set_parts(())
        self.set_running(False)
        self.part.currentIndexChanged.connect(self._on_part)
        self.learn.clicked.connect(self.begun)
        self.pause.toggled.connect(self._on_pause)
        self.stop.clicked.connect(self.stopped)
        self.discard.clicked.connect(self.discarded)
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
        self._running = running
        self.learn.setEnabled(self._ready and not running)
        for button in (self.pause, self.stop, self.discard):
            button.setVisible(running)
            button.setEnabled(running)
        for setting in (self.part, self.seconds):
            setting.setEnabled(not running)
        self.bar.setVisible(running)
        self.status.setVisible(running)
        if running:
            self.bar.setRange(0, 0)
            self.status.setText("Reading the corrections...")
            self.result.hide()
            self.plot.clear()
        else:
            self._uncheck_pause()

    def set_ending(self, words: str) -> None:
        """Show that learning ends after the present step."""
        for button in (self.pause, self.stop, self.discard):
            button.setEnabled(False)
        self.status.setText(words)

    def wait_for_person(self, words: str) -> None:
        """Show that learning waits, and why."""
        with QSignalBlocker(self.pause):
            self.pause.setChecked(True)
        self.pause.setText("Go on")
        self.status.setText(words)

    def show_update(self, update: LearningUpdate) -> None:
        """Show how it goes."""
        self.plot.add(update)
        self.bar.setRange(0, 1000)
        self.bar.setValue(round(1000 * update.done))
        if self.pause.isChecked():
            self.status.setText("Paused. The best so far is kept.")
        elif self.stop.isEnabled():
            best = f"Agreement with you was {update.start_dice:.0%}, best so far {update.best_dice:.0%}"
            self.status.setText(f"{words_of_time_left(update.seconds_left, update.seconds_idle)} {best}.")

    def show_result(self, sentence: str) -> None:
        """Say how it ended."""
        self.result.setText(sentence)
        self.result.setVisible(bool(sentence))

    def _on_part(self) -> None:
        part = self._parts.get(self.chosen_part())
        self.cost.setText("" if part is None else part.cost)
        self.cost.setToolTip("What learning this costs and gives." if part is None else part.detail)
        self.cost.setVisible(bool(self.cost.text()))

    def _on_pause(self, waits: bool) -> None:
        self.pause.setText("Go on" if waits else "Pause")
        if waits:
            self.status.setText("Pausing after this step...")
        self.paused.emit(waits)

    def _uncheck_pause(self) -> None:
        with QSignalBlocker(self.pause):
            self.pause.setChecked(False)
        self.pause.setText("Pause")

    def _build(self) -> None:
        self.pause.setCheckable(True)
        self.preview.setChecked(True)
        self.again.setChecked(read_correct_again())
        self.seconds.setRange(5, 36_000)
        self.seconds.setValue(_SECONDS)
        self.seconds.setSuffix(" s")
        self.bar.setTextVisible(False)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("What learns", self.part)
        form.addRow(self.cost)
        form.addRow("Time to learn", self.seconds)
        buttons = QHBoxLayout()
        for button in (self.pause, self.stop, self.discard):
            buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.learn)
        column.addLayout(buttons)
        for widget in (self.bar, self.status, self.result, self.plot, self.preview, self.again):
            column.addWidget(widget)
        column.addLayout(form)
        for label in (self.cost, self.status, self.result):
            label.setWordWrap(True)
        self.cost.setMinimumHeight(2 * self.cost.fontMetrics().lineSpacing())
        self.result.hide()

    def _explain(self) -> None:
        self.learn.setToolTip(
            "Let the model learn from everything that is marked. The model file stays as it is; what is learnt becomes "
            "a new version. You can go on painting and marking: that is learnt from in the next round."
        )
        self.pause.setToolTip("Wait after the present step, so that the computer is yours; press again to go on.")
        self.stop.setToolTip("End now. The best network found so far becomes a new version.")
        self.discard.setToolTip("End now and keep nothing: the model stays as it was.")
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
        self.bar.setToolTip("How much of the learning is done.")
        self.result.setToolTip("How the last round ended.")
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
