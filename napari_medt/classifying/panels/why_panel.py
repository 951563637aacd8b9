"""Why this class: what is shown over the chosen object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from src_models.attention.words import RELEVANCE, head_words, map_words, view_words

__all__ = ["LOOK", "RECORDED", "RELEVANCE", "WhyPanel"]

LOOK, RECORDED = "look", "recorded"
_WHAT = {
    RELEVANCE: "what speaks for the class",
    LOOK: "where it looks from a place",
    RECORDED: "what it looks at and takes",
}
_ITS_OWN = "the one it has"
_MEAN = -1  # Qt does not find None among the data of a combo box
_NO_ATTENTION = "This model has no attention that could be shown: it can only say what speaks for a class."


class WhyPanel(QWidget):
    """Whether something is shown, and what.

    Parameters
    ----------
    parent
        Parent widget.
    """

    changed = Signal()  #: a person wants something else shown

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.on = QCheckBox("Show why, over the chosen object (V)")
        self.what = QComboBox()
        self.classes = QComboBox()
        self.views = QComboBox()
        self.heads = QComboBox()
        self.maps = QComboBox()
        self.point = QPushButton("Click on a place to look from")
        self.no_attention = QLabel(_NO_ATTENTION)
        self.words = QLabel()
        self._build()
        self._explain()
        self.on.toggled.connect(self.changed)
        self.point.toggled.connect(self._on_point)
        self.what.currentIndexChanged.connect(self._offer)
        self.views.currentIndexChanged.connect(self._offer_heads)
        for combo in (self.what, self.classes, self.views, self.heads, self.maps):
            combo.activated.connect(self.changed)
        self._counts: Mapping[str, int] = {}
        self.set_classes(())
        self.set_attention({}, ())
        self.say("")

    def set_classes(self, classes: Sequence[str]) -> None:
        """Offer the classes of the model; the chosen one stays where it is there."""
        _fill(self.classes, {"": _ITS_OWN, **{name: name for name in classes}})
        self.setEnabled(bool(classes))

    def set_attention(self, views: Mapping[str, int], maps: Sequence[str]) -> None:
        """Offer what the model has of attention.

        Parameters
        ----------
        views
            Layers that can be asked where they look from a place, and how many heads each has.
        maps
            Maps that can be recorded.
        """
        self._counts = dict(views)
        _fill(self.views, {name: view_words(name, "") for name in views})
        _fill(self.maps, {name: map_words(name).name for name in maps})
        there = {RELEVANCE: True, LOOK: bool(views), RECORDED: bool(maps)}
        _fill(self.what, {key: words for key, words in _WHAT.items() if there[key]})
        self.no_attention.setVisible(self.classes.count() > 1 and not views and not maps)
        self._offer()

    def showing(self) -> str:
        """Return what is to be shown."""
        what: str = self.what.currentData()
        return what

    def asked(self, own: str) -> str:
        """Return the class, the layer or the map that is asked for, of an object that has a class."""
        combo = {RELEVANCE: self.classes, LOOK: self.views, RECORDED: self.maps}[self.showing()]
        name: str = combo.currentData() or own
        return name

    def head(self) -> int | None:
        """Return the head, from 0, of the layer that is asked for; None for the mean over its heads."""
        chosen: int | None = self.heads.currentData()
        return None if chosen is None or chosen < 0 else chosen

    def to_check(self) -> list[str]:
        """Return the maps whose truth is in question: what speaks for the class, and the one that is chosen."""
        if self.showing() == LOOK:
            return [RELEVANCE, f"{self.asked('')} received"]
        return [RELEVANCE, self.asked("")] if self.showing() == RECORDED else [RELEVANCE]

    def say(self, words: str) -> None:
        """Say what is shown."""
        self.words.setText(words)
        self.words.setVisible(bool(words))

    def _on_point(self, pressed: bool) -> None:
        self.on.setChecked(self.on.isChecked() or pressed)

    def _offer(self) -> None:
        """Show the choices of what is to be shown; the mouse is given back where no place is asked for."""
        what = self.showing()
        self._form.setRowVisible(self.classes, what == RELEVANCE)
        self._form.setRowVisible(self.views, what == LOOK)
        self._form.setRowVisible(self.maps, what == RECORDED)
        self._offer_heads()
        self.point.setVisible(what == LOOK)
        if what != LOOK:
            self.point.setChecked(False)

    def _offer_heads(self) -> None:
        """Offer the heads of the chosen layer; a layer of one head has no choice."""
        count = self._counts.get(self.views.currentData() or "", 0)
        heads = [None, *range(count)]
        _fill(self.heads, {_MEAN if head is None else head: head_words("", head, count) for head in heads})
        self._form.setRowVisible(self.heads, self.showing() == LOOK and count > 1)

    def _build(self) -> None:
        self._form = QFormLayout()
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form.addRow("What to show", self.what)
        self._form.addRow("For the class", self.classes)
        self._form.addRow("Layer", self.views)
        self._form.addRow("Head", self.heads)
        self._form.addRow("Map", self.maps)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.on)
        column.addLayout(self._form)
        for widget in (self.point, self.no_attention, self.words):
            column.addWidget(widget)
        for label in (self.no_attention, self.words):
            label.setWordWrap(True)
        for combo in (self.what, self.classes, self.views, self.heads, self.maps):
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.point.setCheckable(True)

    def _explain(self) -> None:
        self.on.setToolTip("Show, over the chosen object, what the model goes by and where it looks.")
        self.what.setToolTip(
            "Places that speak for the class: the brighter, the more; dark ones made no difference. Or what the model "
            "attends to, whatever the class: where it looks from one place, or how much each place is looked at."
        )
        self.classes.setToolTip(
            "Ask about another class, too: what would speak for that one? Choose one that you take the object for."
        )
        self.views.setToolTip(
            "Which layer of attention is asked. Early stages see fine detail; small windows see what is near, large "
            "windows and later stages see further."
        )
        self.heads.setToolTip(
            "Each layer looks in several ways at once, its heads. Choose one to see it alone, or the mean of all."
        )
        self.maps.setToolTip(
            "Looked-at places: how much all others look there. What is taken: how much each stage takes of the one "
            "before, and of what it sees itself."
        )
        self.point.setToolTip(
            "Press, then click in the image near the object: bright is where the model looks from there. At first, it "
            "is the middle of the object. Drags still move the view."
        )
        self.no_attention.setToolTip("Med-Former, Swin and ViT have attention.")
        self.words.setToolTip("What is shown.")


def _fill(combo: QComboBox, offered: Mapping[Any, str]) -> None:
    """Offer choices, by their data; what is chosen stays where it is there."""
    chosen = combo.currentData()
    with QSignalBlocker(combo):
        combo.clear()
        for data, words in offered.items():
            combo.addItem(words, data)
        combo.setCurrentIndex(max(0, combo.findData(chosen)) if offered else -1)
