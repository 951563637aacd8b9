"""Why this class: which places speak for it, shown over the chosen object."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QVBoxLayout, QWidget

__all__ = ["WhyPanel"]

_ITS_OWN = "the one it has"


class WhyPanel(QWidget):
    """Whether places are shown, and for which class they speak.

    Parameters
    ----------
    parent
        Parent widget.
    """

    changed = Signal()  #: a person wants something else shown

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.on = QCheckBox("Show what speaks for its class (V)")
        self.asked = QComboBox()
        self.words = QLabel()
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("For the class", self.asked)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.on)
        column.addLayout(form)
        column.addWidget(self.words)
        self.words.setWordWrap(True)
        self.asked.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.on.setToolTip(
            "Show, over the chosen object, which places of the image speak for its class: the brighter, the more. Dark "
            "places made no difference."
        )
        self.asked.setToolTip(
            "Ask about another class, too: what would speak for that one? Choose one that you take the object for."
        )
        self.words.setToolTip("What is shown.")
        self.on.toggled.connect(self.changed)
        self.asked.activated.connect(self.changed)
        self.set_classes(())
        self.say("")

    def set_classes(self, classes: Sequence[str]) -> None:
        """Offer the classes of the model; the chosen one stays where it is there."""
        chosen = self.asked.currentData()
        with QSignalBlocker(self.asked):
            self.asked.clear()
            self.asked.addItem(_ITS_OWN, None)
            for name in classes:
                self.asked.addItem(name, name)
            self.asked.setCurrentIndex(max(0, self.asked.findData(chosen)))
        self.setEnabled(bool(classes))

    def asked_class(self, own: str) -> str:
        """Return the class that is asked about, of an object that has a class."""
        name: str = self.asked.currentData() or own
        return name

    def say(self, words: str) -> None:
        """Say what is shown."""
        self.words.setText(words)
        self.words.setVisible(bool(words))
