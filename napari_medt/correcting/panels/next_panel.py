"""What to correct next: a button that jumps from one uncertain place to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from src_models.finetuning.candidates import Candidate

__all__ = ["NextPanel"]


class NextPanel(QWidget):
    """Steps through places, the one that would teach most first.

    Parameters
    ----------
    parent
        Parent widget.
    """

    ranking_wanted = Signal()  #: rank the places of the image
    shown = Signal(object)  #: go to this candidate

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._candidates: list[Candidate] = []
        self._at = -1
        self.next = QPushButton("Go to what to correct next (Shift+N)")
        self.again = QPushButton("Rank again")
        self.words = QLabel()
        self.next.setToolTip(
            "Go to the place where the network is least sure and where a correction would teach it most; press again "
            "for the next one. The first time, it looks through the whole image."
        )
        self.again.setToolTip("Look through the image again: after learning, other places are uncertain.")
        self.words.setToolTip("The place that is framed in the image.")
        self.words.setWordWrap(True)
        row = QHBoxLayout()
        row.addWidget(self.next, 2)
        row.addWidget(self.again, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.words)
        self.next.clicked.connect(self.go_on)
        self.again.clicked.connect(self.ranking_wanted)
        self.forget()

    def forget(self) -> None:
        """Forget the places: the image or the model is another one."""
        self._candidates, self._at = [], -1
        self.again.setEnabled(False)
        self.words.hide()

    def offer(self, candidates: Sequence[Candidate]) -> None:
        """Step through places, and go to the first."""
        self._candidates, self._at = list(candidates), -1
        self.again.setEnabled(True)
        if not self._candidates:
            self.say("There is nothing left to look at: all of this image is corrected.")
            return
        self.go_on()

    def go_on(self) -> None:
        """Go to the next place; have them ranked first where that was not done."""
        if not self._candidates:
            self.ranking_wanted.emit()
            return
        self._at = (self._at + 1) % len(self._candidates)
        candidate = self._candidates[self._at]
        plane = f"slice {', '.join(map(str, candidate.plane))}, " if candidate.plane else ""
        (top, bottom), (left, right) = candidate.region
        self.say(
            f"{self._at + 1} of {len(self._candidates)}: {plane}rows {top} to {bottom}, columns {left} to {right}, "
            "framed in white. The network is unsure here."
        )
        self.words.setToolTip(
            "The place that is framed in the image. The network's answers differ here when the image is turned: their "
            f"uncertainty (entropy) is {candidate.uncertainty:.2f}."
        )
        self.shown.emit(candidate)

    def say(self, words: str) -> None:
        """Say something about the places."""
        self.words.setText(words)
        self.words.show()
