"""The list of recorded attention maps: a small picture of each, what it means, and whether it is shown."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSignalBlocker, QSize, Qt, Signal
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import QHBoxLayout, QLabel, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from napari_medt.attention.panels.thumbnails import thumbnail
from src_models.attention.map_contrast import object_contrast
from src_models.attention.words import contrast_sentence, map_words

if TYPE_CHECKING:
    from src_models.attention.placed_map import PlacedMap

__all__ = ["MapPanel"]

_SIDE = 56  # of a small picture, in px of a screen of old
_RATIOS = (1, 2)  # pixels of a screen to one of those
_ROWS = 3  # in view at once
_MEANING = 104  # px: as many lines as the longest meaning takes in a narrow dock


class MapPanel(QWidget):
    """Choose which maps are layers, and how they are laid out.

    Parameters
    ----------
    parent
        Parent widget.
    """

    ticked = Signal(str, bool)  #: the name of a map, and whether it is to be shown
    overlay_wanted = Signal()
    grid_wanted = Signal()
    animation_wanted = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = QListWidget()
        self.meaning = QLabel()
        self._labels: Any = None
        self._maps: dict[str, PlacedMap] = {}
        self.overlay = QPushButton("Overlay")
        self.grid = QPushButton("Side by side")
        self.animate = QPushButton("Animate")
        self._build()
        self._explain()
        self.list.itemChanged.connect(self._on_item_changed)
        self.list.currentItemChanged.connect(self._explain_chosen)
        self.overlay.clicked.connect(self.overlay_wanted)
        self.grid.clicked.connect(self.grid_wanted)
        self.animate.toggled.connect(self.animation_wanted)

    def set_maps(self, maps: Sequence[PlacedMap], shown: Collection[str], labels: Any = None) -> None:
        """List maps; those in `shown` are ticked. `labels` are the objects that the same run found."""
        self._maps, self._labels = {placed.name: placed for placed in maps}, labels
        with QSignalBlocker(self.list):
            self.list.clear()
            for placed in maps:
                self._add(placed, placed.name in shown)
            self.list.setCurrentRow(0 if maps else -1)
        self._explain_chosen()
        for button in (self.overlay, self.grid, self.animate):
            button.setEnabled(bool(maps))

    def names(self) -> list[str]:
        """Return the names of the ticked maps, in the list's order."""
        items = (self.list.item(row) for row in range(self.list.count()))
        return [item.data(Qt.ItemDataRole.UserRole) for item in items if item.checkState() == Qt.CheckState.Checked]

    def tick(self, name: str, shown: bool) -> None:
        """Tick or untick a map without a signal: its layer was shown or hidden elsewhere."""
        with QSignalBlocker(self.list):
            for row in range(self.list.count()):
                if self.list.item(row).data(Qt.ItemDataRole.UserRole) == name:
                    self.list.item(row).setCheckState(Qt.CheckState.Checked if shown else Qt.CheckState.Unchecked)

    def _add(self, placed: PlacedMap, shown: bool) -> None:
        words = map_words(placed.name, placed.kind)
        item = QListWidgetItem(f"{words.name}\ncells of {placed.scale[-1]:.3g} px", self.list)
        item.setData(Qt.ItemDataRole.UserRole, placed.name)
        item.setToolTip(f"{words.meaning}\nIn the papers and in files: {words.term}. Tick it to see it over the image.")
        item.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
        item.setCheckState(Qt.CheckState.Checked if shown else Qt.CheckState.Unchecked)
        item.setIcon(_icon(placed))

    def _build(self) -> None:
        self.list.setIconSize(QSize(_SIDE, _SIDE))
        self.list.setWordWrap(True)
        self.list.setFixedHeight(_ROWS * (_SIDE + 8))
        self.animate.setCheckable(True)
        row = QHBoxLayout()
        for button in (self.overlay, self.grid, self.animate):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.list)
        column.addWidget(self.meaning)
        column.addLayout(row)
        self.meaning.setWordWrap(True)
        self.meaning.setFixedHeight(_MEANING)
        self.meaning.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.set_maps((), ())

    def _explain(self) -> None:
        self.list.setAccessibleName("Attention maps")
        self.list.setToolTip(
            "Tick a map to see it over the image. Maps that were ticked here go when another model or image is chosen, "
            "and when this dock is closed; maps of the Segment widget stay. 'Keep' under Save keeps a copy."
        )
        self.meaning.setToolTip("What the map that is chosen in the list means, and what it shows of this image.")
        self.overlay.setToolTip("Show the ticked maps over the image, which is seen through them where they are low.")
        self.grid.setToolTip("Show image and ticked maps beside each other, each with its name; they move together.")
        self.animate.setToolTip(
            "Show the ticked maps one after the other (all, if none is ticked). Press again to stop."
        )

    def _explain_chosen(self, *_: Any) -> None:
        item = self.list.currentItem()
        placed = self._maps.get(item.data(Qt.ItemDataRole.UserRole)) if item else None
        if placed is None:
            self.meaning.setText("")
            return
        said = map_words(placed.name, placed.kind).meaning
        contrast = None if self._labels is None else object_contrast(placed, self._labels)
        if contrast is not None:
            said += f" {contrast_sentence(placed.name, contrast.inside, contrast.outside, contrast.separation)}"
        self.meaning.setText(said)

    def _on_item_changed(self, item: QListWidgetItem) -> None:
        self.list.setCurrentItem(item)
        self.ticked.emit(item.data(Qt.ItemDataRole.UserRole), item.checkState() == Qt.CheckState.Checked)


def _icon(placed: PlacedMap) -> QIcon:
    icon = QIcon()
    for ratio in _RATIOS:
        picture = thumbnail(placed, _SIDE * ratio)
        height, width = picture.shape[:2]
        image = QImage(picture.data, width, height, 4 * width, QImage.Format.Format_RGBA8888)
        pixmap = QPixmap.fromImage(image.copy())  # the copy owns its pixels
        pixmap.setDevicePixelRatio(ratio)
        for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):  # else it would be tinted, and its colours say something
            icon.addPixmap(pixmap, mode)
    return icon
