"""The controls with which a model learns from what was kept: from how much, how it goes, and what was learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QTreeWidgetItem, QVBoxLayout, QWidget

from napari_medt.controls.folder_row import FolderRow
from napari_medt.controls.short_list import ShortList

if TYPE_CHECKING:
    from src_models.finetuning.versions import ModelVersion

__all__ = ["RoundPanel", "RoundWords"]

_NAME, _GAIN, _NOTE = range(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundWords:
    """What a panel says of the learning that it is for.

    Parameters
    ----------
    gain
        Title of the column that tells what each version gained.
    reading
        What is said while what was kept is read.
    learn, why, status, list, use
        Tooltips.
    """

    gain: str
    reading: str
    learn: str
    why: str
    status: str
    list: str
    use: str


class RoundPanel(QWidget):
    """Learn, Pause, Stop and keep the best, Discard; the folder, and the versions in it.

    What it says of a count, of an update and of a version is up to who inherits it.

    Parameters
    ----------
    words
        What it says of all else.
    parent
        Parent widget.
    """

    begun = Signal()  #: learn
    paused = Signal(bool)  #: wait, or go on
    stopped = Signal()  #: end and keep the best
    discarded = Signal()  #: end and keep nothing
    wanted = Signal(object)  #: use this version (its name), or the model that everything began with (None)
    noted = Signal(str, str)  #: a version's name, and a person's words on it

    def __init__(self, words: RoundWords, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = words
        self._running = False
        self._missing = ""
        self.learn = QPushButton()
        self.why = QLabel()
        self.pause = QPushButton("Pause")
        self.stop = QPushButton("Stop and keep the best")
        self.discard = QPushButton("Discard")
        self.bar = QProgressBar()
        self.status = QLabel()
        self.result = QLabel()
        self.folder = FolderRow()
        self.list = ShortList(("Version", words.gain, "Note"), _NOTE)
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
        self.set_running(False)
        self.set_versions((), None, None)

    def show_update(self, update: Any) -> None:
        """Show how it goes."""
        self.bar.setRange(0, 1000)
        self.bar.setValue(round(1000 * update.done))
        if self.pause.isChecked():
            self.status.setText("Paused. The best so far is kept.")
        elif self.stop.isEnabled():
            self.status.setText(self.words_of_update(update))

    def words_of_update(self, update: Any) -> str:
        """Return how learning goes, in a line."""
        raise NotImplementedError

    def words_of_gain(self, version: ModelVersion) -> str:
        """Return what a version gained, in a few characters."""
        raise NotImplementedError

    def offer(self, words: str, missing: str) -> None:
        """Offer to learn.

        Parameters
        ----------
        words
            What is on the button.
        missing
            What a person has to do first, as a sentence; empty where there is enough to learn from.
        """
        self._missing = missing
        self.learn.setText(words)
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
            self.status.setText(self._words.reading)
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
            _row(each.name, each.name, self.words_of_gain(each), each.note, in_use=each.name == active)
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
        self.learn.setEnabled(not self._missing and not self._running)
        self.why.setText(self._missing)
        self.why.setVisible(bool(self._missing) and not self._running)

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
        words = self._words
        self.learn.setToolTip(words.learn)
        self.why.setToolTip(words.why)
        self.pause.setToolTip("Wait after the present step, so that the computer is yours; press again to go on.")
        self.stop.setToolTip("End now. The best network found so far becomes a new version.")
        self.discard.setToolTip("End now and keep nothing: the model stays as it was.")
        self.bar.setToolTip("How much of the learning is done.")
        self.status.setToolTip(words.status)
        self.result.setToolTip("How the last round ended.")
        self.list.setToolTip(words.list)
        self.use.setToolTip(words.use)


def _row(name: str | None, title: str, gain: str, note: str, *, in_use: bool) -> QTreeWidgetItem:
    row = QTreeWidgetItem([f"{title} (in use)" if in_use else title, gain, note])
    row.setData(_NAME, Qt.ItemDataRole.UserRole, name)
    if name is not None:
        row.setFlags(row.flags() | Qt.ItemFlag.ItemIsEditable)
    return row
