"""Where accepted objects go: into which labels, as what, and whether finished objects are safe."""

from __future__ import annotations

from collections.abc import Sequence

import napari.layers
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QHBoxLayout, QSpinBox, QWidget

__all__ = ["AcceptPanel"]

_NEW = "new labels"
_OBJECT, _CLASS = "numbered objects", "class"


class AcceptPanel(QWidget):
    """Choose what accepting does.

    Parameters
    ----------
    parent
        Parent widget.
    """

    changed = Signal()  #: accepting would write something else

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layers: list[napari.layers.Labels] = []
        self.labels = QComboBox()
        self.labels.setAccessibleName("Labels that are written into")
        self.labels.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.labels.setMinimumContentsLength(10)
        self.labels.setToolTip(
            "The Labels layer that accepted objects are written into: new ones, or some that lie on the image pixel by "
            "pixel. Ctrl+Z takes one back there."
        )
        self.kind = QComboBox()
        self.kind.setAccessibleName("How objects are numbered")
        self.kind.addItems([_OBJECT, _CLASS])
        self.kind.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.kind.setToolTip("Number every object for itself, or write the number of a class for all of its objects.")
        self.class_id = QSpinBox()
        self.class_id.setAccessibleName("Number of the class")
        self.class_id.setRange(1, 65535)
        self.class_id.setToolTip("Number of the class that is written.")
        self.overwrite = QCheckBox("Overwrite finished objects")
        self.overwrite.setToolTip(
            "Take pixels from objects that are finished; a click on one of them then begins a new object. Otherwise "
            "they keep what they have, and a click opens one again."
        )
        written = QHBoxLayout()
        written.setContentsMargins(0, 0, 0, 0)
        written.addWidget(self.kind, 1)
        written.addWidget(self.class_id)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Write into", self.labels)
        form.addRow("Write as", written)
        form.addRow(self.overwrite)
        self.kind.currentIndexChanged.connect(self._on_kind)
        self.labels.currentIndexChanged.connect(self.changed)
        self.class_id.valueChanged.connect(self.changed)
        self.overwrite.toggled.connect(self.changed)
        self.offer([])
        self._on_kind()

    def layer(self) -> napari.layers.Labels | None:
        """Return the chosen labels; None for new ones."""
        index = self.labels.currentIndex() - 1
        return self._layers[index] if 0 <= index < len(self._layers) else None

    def value(self) -> int | None:
        """Return the class to write; None where objects are numbered."""
        return self.class_id.value() if self.kind.currentText() == _CLASS else None

    def offer(self, layers: Sequence[napari.layers.Labels]) -> None:
        """List labels; the chosen ones stay chosen, if they are still there."""
        chosen = self.layer()
        self._layers = list(layers)
        with QSignalBlocker(self.labels):
            self.labels.clear()
            self.labels.addItems([_NEW, *(layer.name for layer in layers)])
            if chosen in self._layers:
                self.labels.setCurrentIndex(1 + self._layers.index(chosen))
        self.changed.emit()

    def choose(self, layer: napari.layers.Labels) -> None:
        """Choose labels that are listed."""
        if layer in self._layers:
            self.labels.setCurrentIndex(1 + self._layers.index(layer))

    def _on_kind(self) -> None:
        self.class_id.setVisible(self.kind.currentText() == _CLASS)
        self.changed.emit()
