"""What a person presses while a model learns, whatever it learns from: pause, stop, discard; and how it goes."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

__all__ = ["LearningControls"]


class LearningControls(QWidget):
    """Learn, Pause, Stop and keep the best, Discard; where they lie is up to who inherits it.

    Parameters
    ----------
    reading
        What is said while what there is to learn from is read.
    parent
        Parent widget.
    """

    begun = Signal()  #: learn
    paused = Signal(bool)  #: wait, or go on
    stopped = Signal()  #: end and keep the best
    discarded = Signal()  #: end and keep nothing

    def __init__(self, reading: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._reading = reading
        self._running = False
        self.learn = QPushButton()
        self.pause = QPushButton("Pause")
        self.stop = QPushButton("Stop and keep the best")
        self.discard = QPushButton("Discard")
        self.bar = QProgressBar()
        self.status = QLabel()
        self.result = QLabel()
        self.pause.setCheckable(True)
        self.bar.setTextVisible(False)
        self.buttons = QHBoxLayout()
        for button in self._ending:
            self.buttons.addWidget(button)
        for label in (self.status, self.result):
            label.setWordWrap(True)
        self.result.hide()
        self.learn.clicked.connect(self.begun)
        self.pause.toggled.connect(self._on_pause)
        self.stop.clicked.connect(self.stopped)
        self.discard.clicked.connect(self.discarded)
        self.pause.setToolTip("Wait after the present step, so that the computer is yours; press again to go on.")
        self.stop.setToolTip("End now. The best network found so far becomes a new version.")
        self.discard.setToolTip("End now and keep nothing: the model stays as it was.")
        self.bar.setToolTip("How much of the learning is done.")
        self.result.setToolTip("How the last round ended.")

    def words_of_update(self, update: Any) -> str:
        """Return how learning goes, in a line."""
        raise NotImplementedError

    def show_update(self, update: Any) -> None:
        """Show how it goes."""
        self.bar.setRange(0, 1000)
        self.bar.setValue(round(1000 * update.done))
        if self.pause.isChecked():
            self.status.setText("Paused. The best so far is kept.")
        elif self.stop.isEnabled():
            self.status.setText(self.words_of_update(update))

    def set_running(self, running: bool) -> None:
        """Show whether learning is under way."""
        self._running = running
        for button in self._ending:
            button.setVisible(running)
            button.setEnabled(running)
        for widget in (self.bar, self.status):
            widget.setVisible(running)
        if running:
            self.bar.setRange(0, 0)
            self.status.setText(self._reading)
            self.say("")
        else:
            self._show_pause(False)

    def set_ending(self, words: str) -> None:
        """Show that learning ends after the present step."""
        for button in self._ending:
            button.setEnabled(False)
        self.status.setText(words)

    def wait_for_person(self, words: str) -> None:
        """Show that learning waits, and why."""
        self._show_pause(True)
        self.status.setText(words)

    def say(self, sentence: str) -> None:
        """Say how the last round ended."""
        self.result.setText(sentence)
        self.result.setVisible(bool(sentence))

    @property
    def _ending(self) -> tuple[QPushButton, ...]:
        return self.pause, self.stop, self.discard

    def _show_pause(self, waits: bool) -> None:
        """Show whether it waits, without telling."""
        with QSignalBlocker(self.pause):
            self.pause.setChecked(waits)
        self.pause.setText("Go on" if waits else "Pause")

    def _on_pause(self, waits: bool) -> None:
        self.pause.setText("Go on" if waits else "Pause")
        if waits:
            self.status.setText("Pausing after this step...")
        self.paused.emit(waits)
