"""Saying of what class an object is: the classes as buttons with their keys, a new class, and undo."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_medt.classifying.colours import class_colour
from napari_medt.classifying.panels.swatch import swatch

__all__ = ["KEYS", "ClassPanel"]

KEYS = 9  # classes that have a key of their own
_COLUMNS = 2
_OFF = "Switch it on, then click an object in the image; or click a row of the table."
_ON = "Click an object in the image, or a row of the table."


class ClassPanel(QWidget):
    """Buttons, one for each class, for the chosen object.

    Parameters
    ----------
    parent
        Parent widget.
    """

    given = Signal(str)  #: the chosen object is of this class
    undone = Signal()  #: take back what was said last
    next_wanted = Signal()  #: go to the next object of which the model is unsure

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.on = QPushButton("Click on objects to correct them")
        self.words = QLabel(_OFF)
        self.buttons: list[QPushButton] = []
        self._group = QButtonGroup(self)
        self.new = QLineEdit()
        self.add = QPushButton("Add")
        self.next = QPushButton("Next unsure one (N)")
        self.undo = QPushButton("Undo (Z)")
        self.said = QLabel()
        self._chosen = False
        self._can_be_on = False
        self._build()
        self._explain()
        self._group.buttonClicked.connect(self._on_pressed)
        self.add.clicked.connect(self._on_added)
        self.new.returnPressed.connect(self._on_added)
        self.next.clicked.connect(self.next_wanted)
        self.undo.clicked.connect(self.undone)
        self.set_classes(())
        self.set_ready(False, can_be_on=False)
        self.set_undo(0)

    def set_classes(self, classes: Sequence[str]) -> None:
        """Offer classes, in this order."""
        while len(self.buttons) < len(classes):
            self._add_button()
        for place, button in enumerate(self.buttons):
            button.setVisible(place < len(classes))
            if place < len(classes):
                name = classes[place]
                key = f"{place + 1}  " if place < KEYS else ""
                button.setText(f"{key}{name}".replace("&", "&&"))
                button.setProperty("class_name", name)
                button.setIcon(swatch(class_colour(place)))
                by_key = f" Key {place + 1}, while clicking is on." if place < KEYS else ""
                button.setToolTip(
                    f"The chosen object is of the class {name}: press it too where the model is right.{by_key}"
                )
        self._offer()

    def set_ready(self, ready: bool, *, can_be_on: bool) -> None:
        """Show whether something was classified, and whether there are objects to click on."""
        self._can_be_on = can_be_on
        self.on.setVisible(can_be_on or not ready)
        self.on.setEnabled(can_be_on)
        self.next.setVisible(can_be_on)
        self.next.setEnabled(ready)
        for widget in (self.new, self.add):
            widget.setEnabled(ready)
        if not ready:
            self.show_object(None, None)

    def show_object(self, name: str | None, present: str | None) -> None:
        """Show which object is chosen, and of what class it is now; None for none."""
        self._chosen = name is not None
        if name is None:
            self.words.setText(_ON if self.on.isChecked() else _OFF)
            self.words.setVisible(self._can_be_on or not self.on.isEnabled())
        else:
            self.words.setText(f"{name}: {present}. What is it really?")
            self.words.show()
        for button in self.buttons:
            font = button.font()
            font.setBold(present is not None and button.property("class_name") == present)
            button.setFont(font)
        self._offer()

    def set_on(self, on: bool, why_not: str = "") -> None:
        """Show whether clicks in the image choose objects, and if they do not, why."""
        with QSignalBlocker(self.on):
            self.on.setChecked(on)
        self.on.setText("Clicking is on: press to switch it off" if on else "Click on objects to correct them")
        if not self._chosen or why_not:
            self.words.setText(why_not or (_ON if on else _OFF))

    def set_undo(self, count: int, words: str = "") -> None:
        """Show how much can be taken back, and what was said last."""
        self.undo.setEnabled(count > 0)
        self.said.setText(words)
        self.said.setVisible(bool(words))

    def press(self, place: int) -> None:
        """Press the button of a class by its place, where there is one that can be pressed."""
        if place < len(self.buttons) and not self.buttons[place].isHidden() and self.buttons[place].isEnabled():
            self.buttons[place].click()

    def _offer(self) -> None:
        for button in self.buttons:
            button.setEnabled(self._chosen)
        self.add.setText("It is this" if self._chosen else "Add")

    def _add_button(self) -> None:
        button = QPushButton()
        button.setStyleSheet("text-align: left; padding-left: 6px")
        self._group.addButton(button)
        self._grid.addWidget(button, len(self.buttons) // _COLUMNS, len(self.buttons) % _COLUMNS)
        self.setTabOrder(self.buttons[-1] if self.buttons else self.on, button)
        self.buttons.append(button)

    def _on_pressed(self, button: QPushButton) -> None:
        self.given.emit(button.property("class_name"))

    def _on_added(self) -> None:
        name = self.new.text().strip()
        if name:
            self.new.clear()
            self.given.emit(name)

    def _build(self) -> None:
        self.on.setCheckable(True)
        self.new.setPlaceholderText("a class that is not there yet")
        self._grid = QGridLayout()
        self._grid.setSpacing(3)
        for column in range(_COLUMNS):
            self._grid.setColumnStretch(column, 1)
        new = QHBoxLayout()
        new.addWidget(self.new, 1)
        new.addWidget(self.add)
        last = QHBoxLayout()
        last.addWidget(self.next, 1)
        last.addWidget(self.undo, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.on)
        column.addWidget(self.words)
        column.addLayout(self._grid)
        column.addLayout(new)
        column.addLayout(last)
        column.addWidget(self.said)
        for label in (self.words, self.said):
            label.setWordWrap(True)

    def _explain(self) -> None:
        self.on.setToolTip(
            "Choose objects by clicking on them in the image; the keys 1 to 9 then give them a class. While it is off, "
            "clicks are napari's."
        )
        self.words.setToolTip("The chosen object; it has a white frame in the image.")
        self.new.setAccessibleName("A new class")
        self.new.setToolTip("Type the name of a class that the model does not know; it can learn it from you.")
        self.add.setToolTip("The chosen object is of the class that you typed. Without one, the class is only added.")
        self.next.setToolTip(
            "Go to the next object of which the model is least sure, and which you did not look at yet."
        )
        self.undo.setToolTip("Take back the class that you gave last.")
        self.said.setToolTip("What you said last, and how much is kept.")
