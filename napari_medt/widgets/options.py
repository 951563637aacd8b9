"""The controls of the Segment widget that depend on the model: result, maps, object size; and those of the computer."""

from __future__ import annotations

import sys
from typing import Literal

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QListWidget, QListWidgetItem, QSpinBox, QWidget

from src_models.attention_words import map_words
from src_models.header import ModelHeader
from src_models.registry import attention_names, usual_attention

__all__ = ["AttentionList", "DeviceCombo", "DiameterBox", "ResultCombo", "TileBox"]

_RESULTS = {"instances": "objects, a number each", "semantic": "classes of pixels"}


class AttentionList(QListWidget):
    """The attention maps that a model can give, each with a box to tick; finest first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSpacing(2)
        self.setToolTip(
            "What the network attended to. Each ticked map becomes an image layer over the image; the first has the "
            "finest detail."
        )

    def set_model(self, header: ModelHeader | None) -> None:
        """List the maps of a model; those worth a layer are ticked."""
        self.clear()
        names = attention_names(header.architecture, header.config) if header else []
        for name in names:
            words = map_words(name)
            item = QListWidgetItem(words.name, self)
            item.setData(Qt.ItemDataRole.UserRole, name)
            item.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled)
            item.setToolTip(f"{words.meaning}\nIn the papers and in files: {words.term}.")
        self.tick(tuple(usual_attention(header.architecture, header.config)) if header else ())
        height = (
            (self.sizeHintForRow(0) + 2 * self.spacing()) * min(len(names), 5) + 2 * self.frameWidth() if names else 0
        )
        self.setFixedHeight(height)

    def names(self) -> tuple[str, ...]:
        """Return the names of the ticked maps."""
        items = [self.item(row) for row in range(self.count())]
        ticked = [item for item in items if item.checkState() == Qt.CheckState.Checked]
        return tuple(item.data(Qt.ItemDataRole.UserRole) for item in ticked)

    def tick(self, names: tuple[str, ...]) -> None:
        """Tick exactly these maps."""
        for row in range(self.count()):
            ticked = self.item(row).data(Qt.ItemDataRole.UserRole) in names
            self.item(row).setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)


class ResultCombo(QComboBox):
    """What the labels are."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        for kind, text in _RESULTS.items():
            self.addItem(text, kind)
        self.setToolTip("Whether every object gets a label of its own, or every pixel the label of its class.")

    def set_model(self, header: ModelHeader | None) -> None:
        """Choose what a model was made for."""
        self.setCurrentIndex(self.findData(header.result) if header else 0)

    def result(self) -> Literal["semantic", "instances"] | None:
        """Return the chosen kind."""
        return self.currentData()


class DiameterBox(QDoubleSpinBox):
    """Size of the objects, for models that rescale images to the size they know; the least value leaves it to them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setRange(0, 2000)
        self.setDecimals(0)
        self.setSuffix(" px")
        self.set_model(None)

    def set_model(self, header: ModelHeader | None) -> None:
        """Say what a model does where nobody gives a size."""
        estimates = header is None or header.estimates_diameter
        unsaid = (
            "Automatic estimates it; give it if objects are split or merged."
            if estimates
            else "This model learnt images as they are: leave it, unless objects are larger or smaller now."
        )
        self.setSpecialValueText("automatic" if estimates else "as it is")
        self.setToolTip(
            "Diameter of a typical object, in pixels of the image. The image is rescaled so that objects have the "
            f"size that the model knows best. {unsaid}"
        )

    def diameter(self) -> float | None:
        """Return the diameter in pixels; None where it is left to the model."""
        return self.value() or None


class TileBox(QSpinBox):
    """Size of the tiles that an image is computed in; the least value is the model's own."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setRange(0, 8192)
        self.setSingleStep(64)
        self.setSuffix(" px")
        self.setToolTip(
            "Large images are computed in overlapping tiles of this size. Smaller tiles need less memory; the result "
            "is the same."
        )
        self.set_model(None)

    def set_model(self, header: ModelHeader | None) -> None:
        """Say what automatic means for a model."""
        self.setSpecialValueText(f"automatic ({header.tile[-1]} px)" if header else "automatic")

    def tile(self) -> int | None:
        """Return the tile size; None for automatic."""
        return self.value() or None


class DeviceCombo(QComboBox):
    """Where to compute."""

    def __init__(self, preferred: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.addItem("automatic", "auto")
        self.addItem("processor (CPU)", "cpu")
        if sys.platform == "darwin":
            self.addItem("Apple graphics (MPS)", "mps")
        else:
            self.addItem("graphics card (CUDA)", "cuda")
        self.setCurrentIndex(max(0, self.findData(preferred)))
        self.setToolTip("Where the network runs. Automatic takes a graphics card if there is one.")

    def device(self) -> str:
        """Return ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``."""
        return str(self.currentData())
