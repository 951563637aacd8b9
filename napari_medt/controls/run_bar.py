"""What is seen of a run: Cancel, how far it is, and what is said of it."""

from __future__ import annotations

from napari.utils.notifications import show_error
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_medt.running.steps_run import StepsRun

__all__ = ["RunBar"]


class RunBar(QWidget):
    """Shows a run and cancels it.

    Parameters
    ----------
    run
        The run.
    button
        What starts it, with Cancel beside it; without one, Cancel is only there while something runs.
    parent
        Parent widget.
    """

    def __init__(self, run: StepsRun, button: QPushButton | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._comes_and_goes = button is None
        self.cancel = QPushButton("Cancel")
        self.bar = QProgressBar()
        self.status = QLabel()
        row = QHBoxLayout()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        if button is None:
            row.addWidget(self.bar, 1)
            row.addWidget(self.cancel)
            self.bar.setTextVisible(False)
        else:
            row.addWidget(button, 2)
            row.addWidget(self.cancel, 1)
            column.addWidget(self.bar)
        column.addWidget(self.status)
        self.status.setWordWrap(True)
        self.cancel.setToolTip("Stop after the tile that is being computed; nothing is changed.")
        self.bar.setToolTip("How much of it is done.")
        self.status.setToolTip("What was done last, and what to do next.")
        self.set_running(False)
        self.cancel.clicked.connect(run.cancel)
        run.progressed.connect(self._on_progressed)

    def set_running(self, running: bool) -> None:
        """Show whether something runs; how far it is, is not known yet."""
        self.cancel.setEnabled(running)
        self.cancel.setVisible(running or not self._comes_and_goes)
        self.bar.setVisible(running)
        self.bar.setRange(0, 0)

    def say(self, words: str) -> None:
        """Tell a person what was done, or what to do."""
        self.status.setText(words)

    def report(self, message: str) -> None:
        """Tell a person what is wrong, as a notification too."""
        sentence = message[:1].upper() + message[1:]
        self.say(sentence)
        show_error(sentence)

    def _on_progressed(self, share: float, line: str) -> None:
        self.bar.setRange(0, 0 if share < 0 else 1000)
        self.bar.setValue(round(share * 1000))
        self.say(line)
