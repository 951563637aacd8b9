"""The list of recorded attention maps: a small picture of each, what it means, and whether it is shown."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, QSize, Qt, Signal
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from napari_medt.thumbnails import thumbnail

if TYPE_CHECKING:
    from src_models.predict import PlacedMap

__all__ = ["MapPanel"]

_SIDE = 56
_ROWS = 3  # in view at once


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
        self.overlay = QPushButton("Overlay")
        self.grid = QPushButton("Side by side")
        self.animate = QPushButton("Animate")
        self._build()
        self._explain()
        self.list.itemChanged.connect(self._on_item_changed)
        self.overlay.clicked.connect(self.overlay_wanted)
        self.grid.clicked.connect(self.grid_wanted)
        self.animate.toggled.connect(self.animation_wanted)

    def set_maps(self, maps: Sequence[PlacedMap], shown: Collection[str]) -> None:
        """List maps; those in `shown` are ticked."""
        with QSignalBlocker(self.list):
            self.list.clear()
            for placed in maps:
                self._add(placed, placed.name in shown)
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
        size = " x ".join(str(n) for n in placed.data.shape[-2:])
        meaning = placed.description.split(": ", 1)[-1]
        item = QListWidgetItem(f"{placed.name}\n{size}: {meaning}", self.list)
        item.setData(Qt.ItemDataRole.UserRole, placed.name)
        item.setToolTip(f"{placed.description}. Tick it to see it over the image.")
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
        column.addLayout(row)
        self.set_maps((), ())

    def _explain(self) -> None:
        self.overlay.setToolTip("Show the ticked maps half transparent over the image.")
        self.grid.setToolTip("Show image and ticked maps beside each other; they move together.")
        self.animate.setToolTip(
            "Show the ticked maps one after the other (all, if none is ticked). Press again to stop."
        )

    def _on_item_changed(self, item: QListWidgetItem) -> None:
        self.ticked.emit(item.data(Qt.ItemDataRole.UserRole), item.checkState() == Qt.CheckState.Checked)


def _icon(placed: PlacedMap) -> QIcon:
    picture = thumbnail(placed, _SIDE)
    height, width = picture.shape[:2]
    image = QImage(picture.data, width, height, 4 * width, QImage.Format.Format_RGBA8888)
    return QIcon(QPixmap.fromImage(image.copy()))  # the copy owns its pixels
