"""Which map of another model is taken from which map of this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QPushButton, QVBoxLayout, QWidget

from napari_medt.attention_look import Looked
from napari_medt.preferences import keep_attention
from napari_medt.widgets.model_combo import ModelCombo

if TYPE_CHECKING:
    from src_models.predict import PlacedMap

__all__ = ["ComparePanel"]


class ComparePanel(QWidget):
    """Choose another model, and a map of each.

    Parameters
    ----------
    preferred
        Name of the other model at first.
    parent
        Parent widget.
    """

    wanted = Signal()  #: show the difference
    pair_changed = Signal()  #: other maps were chosen

    def __init__(self, preferred: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.models = ModelCombo(preferred)
        self.ours = QComboBox()
        self.theirs = QComboBox()
        self.show_difference = QPushButton("Show difference")
        self._build()
        self._explain()
        self._looked: tuple[Looked | None, Looked | None] = (None, None)
        self.show_difference.clicked.connect(self.wanted)
        self.models.model_changed.connect(self._on_model_changed)
        self.ours.currentTextChanged.connect(self._match)
        self.theirs.currentTextChanged.connect(self.pair_changed)
        self.set_looked(None, None)

    def set_looked(self, ours: Looked | None, theirs: Looked | None) -> None:
        """Offer the maps of a run of this model, and of one of the other; maps of one name are a pair at first."""
        self._looked = ours, theirs
        for combo, looked in ((self.ours, ours), (self.theirs, theirs)):
            kept = combo.currentText()
            with QSignalBlocker(combo):
                combo.clear()
                combo.addItems(looked.names() if looked else [])
                combo.setCurrentIndex(max(0, combo.findText(kept)) if looked else -1)
        with QSignalBlocker(self):
            self._match(self.ours.currentText())
        self.setEnabled(ours is not None)
        self.show_difference.setEnabled(ours is not None)

    def difference(self) -> PlacedMap | None:
        """Return the chosen map of this model less that of the other; None until both were run.

        Raises
        ------
        UserError
            If the two maps do not lie on the same image.
        """
        from src_models.map_difference import difference

        ours, theirs = self._looked
        if ours is None or theirs is None or not (self.ours.currentText() and self.theirs.currentText()):
            return None
        return difference(
            ours.map(self.ours.currentText()),
            theirs.map(self.theirs.currentText()),
            models=(ours.outcome.model_name, theirs.outcome.model_name),
        )

    def _on_model_changed(self) -> None:
        path = self.models.path()
        if path is not None:
            keep_attention(other_model=path.stem)
        self.set_looked(self._looked[0], None)

    def _match(self, name: str) -> None:
        with QSignalBlocker(self.theirs):
            index = self.theirs.findText(name)
            if index >= 0:
                self.theirs.setCurrentIndex(index)
        self.pair_changed.emit()

    def _build(self) -> None:
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Other model", self.models)
        form.addRow("Its map", self.theirs)
        form.addRow("This model's map", self.ours)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(form)
        column.addWidget(self.show_difference)
        for combo in (self.ours, self.theirs):
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)

    def _explain(self) -> None:
        self.ours.setToolTip("The map of the model above that is compared.")
        self.theirs.setToolTip("The map of the other model that is taken from it.")
        self.show_difference.setToolTip(
            "Run the other model on the same part of the image, and show this model's map less the other's: green "
            "where this model attends more, pink where the other does, pale where both agree."
        )
