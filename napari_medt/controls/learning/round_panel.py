"""The controls with which a model learns from what was kept: from how much, how it goes, and what was learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_medt.controls.folder_row import FolderRow
from napari_medt.controls.learning.learning_controls import LearningControls
from napari_medt.controls.learning.version_list import VersionList, version_row

if TYPE_CHECKING:
    from src_models.finetuning.versions import ModelVersion

__all__ = ["RoundPanel", "RoundWords"]


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


class RoundPanel(LearningControls):
    """Learn, Pause, Stop and keep the best, Discard; the folder, and the versions in it.

    What it says of a count, of an update and of a version is up to who inherits it.

    Parameters
    ----------
    words
        What it says of all else.
    parent
        Parent widget.
    """

    wanted = Signal(object)  #: use this version (its name), or the model that everything began with (None)
    noted = Signal(str, str)  #: a version's name, and a person's words on it

    def __init__(self, words: RoundWords, parent: QWidget | None = None) -> None:
        super().__init__(words.reading, parent)
        self._words = words
        self._missing = ""
        self.why = QLabel()
        self.folder = FolderRow()
        self.list = VersionList(words.gain)
        self.use = QPushButton("Use this one")
        self._build()
        self._explain()
        self.use.clicked.connect(self._on_use)
        self.list.noted.connect(self.noted)
        self.set_running(False)
        self.set_versions((), None, None)

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
        super().set_running(running)
        self._offer()

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
        first, in_use = base or "the first model", " (in use)"
        rows = [version_row(None, first if active else first + in_use, "", "where it began")]
        for each in versions:
            title = each.name + (in_use if each.name == active else "")
            rows.append(version_row(each.name, title, self.words_of_gain(each), each.note))
        self.list.set_versions(rows, active)
        self.list.setVisible(bool(versions))
        self.use.setVisible(bool(versions))

    def chosen_name(self) -> str | None:
        """Return the name of the chosen version; None for the model that everything began with."""
        return self.list.chosen_name()

    def _offer(self) -> None:
        self.learn.setEnabled(not self._missing and not self._running)
        self.why.setText(self._missing)
        self.why.setVisible(bool(self._missing) and not self._running)

    def _on_use(self) -> None:
        self.wanted.emit(self.chosen_name())

    def _build(self) -> None:
        kept = QHBoxLayout()
        kept.addWidget(QLabel("Kept in"))
        kept.addWidget(self.folder, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.learn)
        column.addWidget(self.why)
        column.addLayout(self.buttons)
        for widget in (self.bar, self.status, self.result):
            column.addWidget(widget)
        column.addLayout(kept)
        column.addWidget(self.list)
        column.addWidget(self.use)
        self.why.setWordWrap(True)

    def _explain(self) -> None:
        words = self._words
        self.learn.setToolTip(words.learn)
        self.why.setToolTip(words.why)
        self.status.setToolTip(words.status)
        self.list.setToolTip(words.list)
        self.use.setToolTip(words.use)
