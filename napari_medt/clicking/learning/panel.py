"""The controls with which a model of clicks learns: from how many objects, how it goes, and what was learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QTreeWidgetItem, QVBoxLayout, QWidget

from napari_medt.controls.folder_row import FolderRow
from napari_medt.controls.short_list import ShortList
from src_models.clicking.learning.settings import LEAST_OBJECTS

if TYPE_CHECKING:
    from src_models.clicking.learning.progress import ClickLearningUpdate
    from src_models.finetuning.versions import ModelVersion

__all__ = ["ClickLearnPanel"]

_NAME, _IOU, _NOTE = range(3)


class ClickLearnPanel(QWidget):
    """Learn, Pause, Stop and keep the best, Discard; the folder, and the versions in it.

    Parameters
    ----------
    parent
        Parent widget.
    """

    begun = Signal()  #: learn
    paused = Signal(bool)  #: wait, or go on
    stopped = Signal()  #: end and keep the best
    discarded = Signal()  #: end and keep nothing
    wanted = Signal(object)  #: use this version (its name), or the model that everything began with (None)
    noted = Signal(str, str)  #: a version's name, and a person's words on it

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._count = 0
        self._running = False
        self.learn = QPushButton()
        self.why = QLabel()
        self.pause = QPushButton("Pause")
        self.stop = QPushButton("Stop and keep the best")
        self.discard = QPushButton("Discard")
        self.bar = QProgressBar()
        self.status = QLabel()
        self.result = QLabel()
        self.folder = FolderRow()
        self.list = ShortList(("Version", "IoU after 1, 3, 5 clicks", "Note"), _NOTE)
        self.use = QPushButton("Use this one")
        self._build()
        self._explain()
        self.learn.clicked.connect(self.begun)
        self.pause.toggled.connect(self._on_pause)
        self.stop.clicked.connect(self.stopped)
        self.discard.clicked.connect(self.discarded)
        self.use.clicked.connect(lambda: self.wanted.emit(self.chosen_name()))
        self.list.itemChanged.connect(self._on_edited)
        self.list.itemDoubleClicked.connect(self._on_double_click)
        self.set_count(0)
        self.set_running(False)
        self.set_versions((), None, None)

    def set_count(self, count: int) -> None:
        """Say how many objects there are to learn from."""
        self._count = count
        objects = "1 object" if count == 1 else f"{count} objects"
        self.learn.setText(f"Learn from what I accepted ({objects})")
        self._offer()

    def set_running(self, running: bool) -> None:
        """Show whether learning is under way."""
        self._running = running
        for widget in (self.pause, self.stop, self.discard):
            widget.setVisible(running)
            widget.setEnabled(running)
        for widget in (self.bar, self.status):
            widget.setVisible(running)
        if running:
            self.bar.setRange(0, 0)
            self.status.setText("Reading the objects...")
            self.say("")
        else:
            with QSignalBlocker(self.pause):
                self.pause.setChecked(False)
            self.pause.setText("Pause")
        self._offer()

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

    def show_update(self, update: ClickLearningUpdate) -> None:
        """Show how it goes."""
        self.bar.setRange(0, 1000)
        self.bar.setValue(round(1000 * update.done))
        if self.pause.isChecked():
            self.status.setText("Paused. The best so far is kept.")
        elif self.stop.isEnabled():
            first = f"after the first click was {update.start[0]:.0%}, of the best so far {update.best[0]:.0%}"
            self.status.setText(f"At most {update.seconds_left:.0f} s of work left. IoU {first}.")

    def say(self, sentence: str) -> None:
        """Say how the last round ended."""
        self.result.setText(sentence)
        self.result.setVisible(bool(sentence))

    def set_versions(self, versions: Sequence[ModelVersion], active: str | None, base: str | None) -> None:
        """List versions, oldest first below the model that they began with.

        Parameters
        ----------
        versions
            Oldest first.
        active
            Name of the one in use; None for the model that everything began with.
        base
            Name of that model, where it is known.
        """
        rows = [_row(None, base or "the first model", "", "where it began", in_use=active is None)]
        rows += [
            _row(each.name, each.name, _gain(each.iou_before, each.iou), each.note, in_use=each.name == active)
            for each in versions
        ]
        names = [row.data(_NAME, Qt.ItemDataRole.UserRole) for row in rows]
        self.list.set_rows(rows, names.index(active) if active in names else 0)
        self.list.setVisible(bool(versions))
        self.use.setVisible(bool(versions))

    def chosen_name(self) -> str | None:
        """Return the name of the chosen version; None for the model that everything began with."""
        item = self.list.currentItem()
        name: str | None = None if item is None else item.data(_NAME, Qt.ItemDataRole.UserRole)
        return name

    def _offer(self) -> None:
        missing = LEAST_OBJECTS - self._count
        self.learn.setEnabled(missing <= 0 and not self._running)
        more = "1 more object" if missing == 1 else f"{missing} more objects"
        self.why.setText(f"Accept {more} first: of fewer than {LEAST_OBJECTS}, none could be held back to judge.")
        self.why.setVisible(missing > 0 and not self._running)

    def _on_pause(self, waits: bool) -> None:
        self.pause.setText("Go on" if waits else "Pause")
        if waits:
            self.status.setText("Pausing after this step...")
        self.paused.emit(waits)

    def _on_double_click(self, item: QTreeWidgetItem, column: int) -> None:
        if column == _NOTE and item.data(_NAME, Qt.ItemDataRole.UserRole) is not None:
            self.list.editItem(item, _NOTE)

    def _on_edited(self, item: QTreeWidgetItem, column: int) -> None:
        name = item.data(_NAME, Qt.ItemDataRole.UserRole)
        if column == _NOTE and name is not None:
            self.noted.emit(name, item.text(_NOTE))

    def _build(self) -> None:
        self.pause.setCheckable(True)
        self.bar.setTextVisible(False)
        buttons = QHBoxLayout()
        for button in (self.pause, self.stop, self.discard):
            buttons.addWidget(button)
        kept = QHBoxLayout()
        kept.addWidget(QLabel("Kept in"))
        kept.addWidget(self.folder, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.learn)
        column.addWidget(self.why)
        column.addLayout(buttons)
        for widget in (self.bar, self.status, self.result):
            column.addWidget(widget)
        column.addLayout(kept)
        column.addWidget(self.list)
        column.addWidget(self.use)
        for label in (self.why, self.status, self.result):
            label.setWordWrap(True)
        self.result.hide()

    def _explain(self) -> None:
        self.learn.setToolTip(
            "Let the model of clicks learn from the objects that you accepted: about a minute, beside your work. "
            "The model file stays as it is; what is learnt becomes a new version, if it needs fewer clicks on objects "
            "that were held back and is no worse on others."
        )
        self.why.setToolTip("How many objects are missing before the model can learn.")
        self.pause.setToolTip("Wait after the present step, so that the computer is yours; press again to go on.")
        self.stop.setToolTip("End now. The best network found so far becomes a new version.")
        self.discard.setToolTip("End now and keep nothing: the model stays as it was.")
        self.bar.setToolTip("How much of the learning is done.")
        self.status.setToolTip("How learning goes. IoU is how well answers agree with objects that were held back.")
        self.result.setToolTip("How the last round ended.")
        self.list.setToolTip(
            "What was learnt, and IoU on objects that were held back, before and after. Double-click a note to edit it."
        )
        self.use.setToolTip("Answer clicks with the chosen version from now on.")


def _row(name: str | None, title: str, gain: str, note: str, *, in_use: bool) -> QTreeWidgetItem:
    row = QTreeWidgetItem([f"{title} (in use)" if in_use else title, gain, note])
    row.setData(_NAME, Qt.ItemDataRole.UserRole, name)
    if name is not None:
        row.setFlags(row.flags() | Qt.ItemFlag.ItemIsEditable)
    return row


def _gain(before: Mapping[str, float] | None, after: Mapping[str, float] | None) -> str:
    if not after:
        return ""
    scores: Any = [", ".join(f"{each:.2f}" for each in iou.values()) for iou in (before or {}, after)]
    return " to ".join(score for score in scores if score)
