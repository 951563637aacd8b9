"""Are the maps of why true? What starts the check, and what it found."""

from __future__ import annotations

from qtpy.QtWidgets import QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from napari_medt.controls.run_bar import RunBar
from napari_medt.running.steps_run import StepsRun

__all__ = ["CheckPanel"]

_FINDINGS = 220  # px: a dozen lines
_WHAT = (
    "A map that looks good proves nothing. This measures, on up to 12 objects, whether what speaks for the class, and "
    "the map that is chosen above, say what the model went by."
)


class CheckPanel(QWidget):
    """The button, its progress, and the findings.

    Parameters
    ----------
    parent
        Parent widget.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.what = QLabel(_WHAT)
        self.check = QPushButton("Check the maps")
        self.run = StepsRun(self)
        self.run_bar = RunBar(self.run, self.check)
        self.findings = QPlainTextEdit()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.what, self.run_bar, self.findings):
            column.addWidget(widget)
        self.what.setWordWrap(True)
        self.findings.setReadOnly(True)
        self.findings.setFixedHeight(_FINDINGS)
        self._explain()
        self.set_running(False)
        self.say(())

    def set_running(self, running: bool) -> None:
        """Offer what can be pressed while a check is under way, or while none is."""
        self.check.setEnabled(not running)
        self.run_bar.set_running(running)

    def say(self, sentences: tuple[str, ...]) -> None:
        """Say what was found; nothing where nothing was."""
        self.findings.setPlainText("\n".join(f"\N{BULLET} {sentence}" for sentence in sentences))
        self.findings.setVisible(bool(sentences))

    def _explain(self) -> None:
        self.what.setToolTip("See the page Classify of the documentation for what is measured, and how.")
        self.check.setToolTip(
            "Remove from the pictures what the maps mark, and see whether the class goes; make the model's weights "
            "random, and see whether the maps change; and, of objects, see whether they mark the object. It takes "
            "about a minute, beside your work."
        )
        self.run_bar.cancel.setToolTip("Stop checking.")
        self.findings.setAccessibleName("Findings")
        self.findings.setToolTip("What was measured, in words; `napari-medt audit` gives all figures.")
