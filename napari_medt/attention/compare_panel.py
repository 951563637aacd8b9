"""Which map of this model is compared with the one of another model that means the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_medt.attention.recorded_run import RecordedRun
from napari_medt.controls.model_combo import ModelCombo
from napari_medt.preferences import keep_attention
from src_models.attention.words import like_pairs, map_words, unlike_sentence
from src_models.models.architectures import attention_names

if TYPE_CHECKING:
    from src_models.attention.placed_map import PlacedMap

__all__ = ["ComparePanel"]


class ComparePanel(QWidget):
    """Choose another model, and one of the pairs of maps that mean the same in both.

    Parameters
    ----------
    preferred
        Name of the other model at first.
    parent
        Parent widget.
    """

    wanted = Signal()  #: show the difference
    pair_changed = Signal()  #: another pair of maps was chosen

    def __init__(self, preferred: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.models = ModelCombo(preferred)
        self.pairs = QComboBox()
        self.none = QLabel()
        self.show_difference = QPushButton("Show difference")
        self._build()
        self._explain()
        self._looked: tuple[RecordedRun | None, RecordedRun | None] = (None, None)
        self._running = False
        self.show_difference.clicked.connect(self.wanted)
        self.models.model_changed.connect(self._on_model_changed)
        self.pairs.currentIndexChanged.connect(self.pair_changed)
        self.set_looked(None, None)

    def set_looked(self, ours: RecordedRun | None, theirs: RecordedRun | None) -> None:
        """Offer the pairs of maps of a run of this model and one of the other, which need not have been run yet."""
        self._looked = ours, theirs
        kept = self.pairs.currentText()
        pairs = self._pairs()
        with QSignalBlocker(self.pairs):
            self.pairs.clear()
            for pair in pairs:
                self.pairs.addItem(map_words(pair[0]).name, pair)
            self.pairs.setCurrentIndex(max(0, self.pairs.findText(kept)) if pairs else -1)
        self.setEnabled(ours is not None)
        header = self.models.header()
        unlike = unlike_sentence(ours.outcome.model_name, header.name) if ours and header and not pairs else ""
        self.none.setText(unlike)
        self.none.setVisible(bool(unlike))
        self.pairs.setEnabled(bool(pairs))
        self.set_running(self._running)
        self.pair_changed.emit()

    def set_running(self, running: bool) -> None:
        """Offer no comparison while something runs."""
        self._running = running
        self.show_difference.setEnabled(not running and self._looked[0] is not None and self.pairs.count() > 0)

    def _pairs(self) -> list[tuple[str, str]]:
        ours, theirs = self._looked
        header = self.models.header()
        if ours is None or header is None:
            return []
        names = theirs.names() if theirs else attention_names(header.architecture, header.config)
        return like_pairs(ours.names(), names)

    def difference(self) -> PlacedMap | None:
        """Return the chosen map of this model less that of the other; None until both were run.

        Raises
        ------
        UserError
            If the two maps do not lie on the same image, or do not mean the same.
        """
        from src_models.attention.difference import difference

        ours, theirs = self._looked
        pair = self.pairs.currentData()
        if ours is None or theirs is None or pair is None:
            return None
        return difference(
            ours.map(pair[0]),
            theirs.map(pair[1]),
            models=(ours.outcome.model_name, theirs.outcome.model_name),
        )

    def _on_model_changed(self) -> None:
        path = self.models.path()
        if path is not None:
            keep_attention(other_model=path.stem)
        self.set_looked(self._looked[0], None)

    def _build(self) -> None:
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Other model", self.models)
        form.addRow("Map", self.pairs)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(form)
        column.addWidget(self.none)
        column.addWidget(self.show_difference)
        self.none.setWordWrap(True)
        self.pairs.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)

    def _explain(self) -> None:
        self.pairs.setAccessibleName("Map")
        self.pairs.setToolTip("What is compared: the maps that mean the same in both models, the most telling first.")
        self.show_difference.setToolTip(
            "Run the other model on the same part of the image, and show this model's map less the other's: green "
            "where this model's value is higher, pink where the other's is, pale where both agree."
        )
