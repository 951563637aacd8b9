"""The controls of the Segment widget that depend on the model: result, maps, object size; and those of the computer."""

from __future__ import annotations

import sys
from typing import Literal

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QSlider,
    QSpinBox,
    QWidget,
)

from src_models.attention.words import map_words
from src_models.images.axes import AxesReading
from src_models.labels.pieces import ALL, WantedPieces, pieces_words
from src_models.models.architectures import attention_names, usual_attention
from src_models.models.header import ModelHeader

__all__ = [
    "AttentionList",
    "DeviceCombo",
    "DiameterBox",
    "LeftOut",
    "LinkCombo",
    "PiecesBox",
    "ResultCombo",
    "SensitivitySlider",
    "TileBox",
]

_RESULTS = {"instances": "objects, a number each", "semantic": "classes of pixels"}
_THROUGH_DEPTH = {"z": "through depth (z)", "zt": "through depth and time", "t": "through time (t)", "": "not at all"}
_LINKS = {False: _THROUGH_DEPTH, True: {"": "not at all", "t": "through time (t)"}}  # by whether there is time alone


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


class LinkCombo(QComboBox):
    """Through which axes of a stack the outlines of one object get one number."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setToolTip(
            "A stack is segmented plane by plane. Linking gives the outlines of one object in neighbouring planes the "
            "same number, by how far they overlap, so that objects are counted once; through time, they become tracks."
        )

    def offer(self, reading: AxesReading, dimensions: int) -> bool:
        """Offer what an image has, and return whether there is anything to choose; a choice stays while it fits."""
        seen_whole = "ZYX"[-dimensions:]
        stacked = {letter for letter in "ZT" if letter not in seen_whole and reading.size(letter) > 1}
        ways = _LINKS[stacked == {"T"}]
        offered = {link: text for link, text in ways.items() if set(link.upper()) <= stacked}
        if list(offered) != [self.itemData(row) for row in range(self.count())]:
            self.clear()
            for link, text in offered.items():
                self.addItem(text, link)
        return bool(stacked)

    def link(self) -> str:
        """Return ``"z"``, ``"t"``, ``"zt"``, or ``""`` for no linking."""
        return str(self.currentData() or "")


class DiameterBox(QDoubleSpinBox):
    """Size of the objects, for models that rescale images to the size they know; the least value leaves it to them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setRange(0, 2000)
        self.setDecimals(0)
        self.setSuffix(" px")
        self.setAccessibleName("Object size")
        self.set_model(None)

    def set_model(self, header: ModelHeader | None) -> None:
        """Say what a model does where nobody gives a size."""
        estimates = header is None or header.estimates_diameter
        zoom = 1.0 if header is None else header.image_zoom
        learnt = "as they are" if zoom == 1 else f"resized {zoom:.2g} times, and sees them so"
        unsaid = (
            "Automatic estimates it; give it if objects are split or merged."
            if estimates
            else f"This model learnt images {learnt}: leave it, unless objects are larger or smaller now."
        )
        own = "as it is" if zoom == 1 else f"image x {zoom:.2g}"
        self.setSpecialValueText("automatic" if estimates else own)
        self.setToolTip(
            "Diameter of a typical object, in pixels of the image. The image is rescaled so that objects have the "
            f"size that the model knows best. {unsaid}"
        )

    def diameter(self) -> float | None:
        """Return the diameter in pixels; None where it is left to the model."""
        return self.value() or None


class SensitivitySlider(QWidget):
    """How sure the network must be of an object: fewer to the left, more to the right."""

    changed = Signal()  #: another sensitivity is set

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(-100, 100)
        self.slider.setSingleStep(5)
        self.slider.setPageStep(25)
        self.slider.setTickInterval(100)
        self.slider.setTickPosition(QSlider.TickPosition.TicksBelow)
        self.said = QLabel()
        self.said.setMinimumWidth(self.said.fontMetrics().horizontalAdvance("-100 %  "))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.slider, 1)
        row.addWidget(self.said)
        tip = (
            "How sure the network must be. To the right, fainter objects are found and outlines grow; to the left, "
            "only the surest are kept and outlines shrink. In the middle it is as the model was made."
        )
        self.slider.setToolTip(tip)
        self.slider.setAccessibleName("Sensitivity")
        self.said.setToolTip(tip)
        self.slider.valueChanged.connect(self._say)
        self._say(0)

    def sensitivity(self) -> float:
        """Return the sensitivity, from -1 to 1."""
        return self.slider.value() / 100

    def _say(self, value: int) -> None:
        self.said.setText(f"{value:+d} %" if value else "usual")
        self.changed.emit()


class LeftOut(QWidget):
    """Which objects are left out: small ones, and those that the edge cuts."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.least = QDoubleSpinBox()
        self.least.setAccessibleName("Leave out objects")
        self.least.setRange(0, 2000)
        self.least.setDecimals(0)
        self.least.setPrefix("under ")
        self.least.setSuffix(" px")
        self.least.setSpecialValueText("nothing")
        self.least.setToolTip(
            "Objects smaller than this across are left out: the diameter, in pixels of the image, of a circle as large "
            "as the object."
        )
        self.edge = QCheckBox("at the edge")
        self.edge.setToolTip(
            "Leave out objects that touch the edge of what is segmented: they are cut there, and would spoil "
            "measurements of size."
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.least, 1)
        row.addWidget(self.edge)

    def least_size(self) -> float:
        """Return the least diameter (px) of objects that are kept."""
        return float(self.least.value())

    def drop_edge(self) -> bool:
        """Return whether objects at the edge go."""
        return self.edge.isChecked()


class PiecesBox(QCheckBox):
    """Whether only the largest pieces of each class are kept: as many as the model's file says, else one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("keep only the largest", parent)
        self.setAccessibleName("Keep only the largest piece of each class")
        self._says = False
        self.set_model(None)

    def set_model(self, header: ModelHeader | None) -> None:
        """Tick it where a model's file says how many pieces there are, and say which."""
        kept = header.largest_pieces if header else {}
        self._says = bool(kept)
        self.setChecked(self._says)
        self.setText("keep only the largest" if self._says else "keep only the largest of each class")
        which = f"{pieces_words(kept)} (the model's file says so); all of the others" if kept else "one of each class"
        self.setToolTip(
            "Keep only the largest piece of each organ, and leave out what was found far from it. Of a stack, pieces "
            f"go through all of its slices. Kept: {which}. Where only a part of a stack is segmented, all "
            "pieces stay."
        )

    def pieces(self) -> WantedPieces:
        """Return what is wanted; None for what the model's file says."""
        if self.isChecked():
            return None if self._says else 1
        return ALL if self._says else None


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
