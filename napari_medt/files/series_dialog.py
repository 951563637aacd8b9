"""Asking which of several images in a file are opened, each as a layer of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_medt.running.waiting import has_window
from src_models.files.series.image_series import ImageSeries, wanted_images

if TYPE_CHECKING:
    from src_models.files.images import ImageFile

__all__ = ["SeriesDialog", "ask_series", "chosen_images"]

_ALL_AT_ONCE = 8  # images that are ticked to begin with; of more, the first one is


class SeriesDialog(QDialog):
    """A list of the images in a file, of which a person ticks those to be opened.

    Parameters
    ----------
    path
        The file or folder.
    images
        What it holds.
    parent
        Parent widget.
    """

    def __init__(self, path: Path, images: Sequence[ImageSeries], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._images = tuple(images)
        self.setWindowTitle("Which images?")
        self.list = QListWidget()
        self.list.setAccessibleName("Images in the file")
        self.list.setToolTip("Tick the images to open; each becomes a layer.")
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        proper = wanted_images(images)
        first = proper if len(proper) <= _ALL_AT_ONCE else proper[:1]
        for image in images:
            item = QListWidgetItem(_words(image), self.list)
            item.setCheckState(Qt.CheckState.Checked if image in first else Qt.CheckState.Unchecked)
        self.all, self.none = QPushButton("All"), QPushButton("None")
        self.all.setToolTip("Tick every image.")
        self.none.setToolTip("Tick no image.")
        self.all.clicked.connect(self._tick_all)
        self.none.clicked.connect(self._tick_none)
        kinds = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(kinds.Open | kinds.Cancel)
        self.open = self.buttons.button(kinds.Open)
        self.open.setToolTip("Open the images that are ticked.")
        self.buttons.button(kinds.Cancel).setToolTip("Open nothing.")
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.list.itemChanged.connect(self._on_ticked)
        self._lay_out(path)
        self._on_ticked()

    def ticked(self) -> tuple[ImageSeries, ...]:
        """Return the images that are ticked."""
        states = (self.list.item(row).checkState() for row in range(self.list.count()))
        return tuple(image for image, state in zip(self._images, states, strict=True) if state == Qt.CheckState.Checked)

    def _lay_out(self, path: Path) -> None:
        row = QHBoxLayout()
        for button in (self.all, self.none):
            row.addWidget(button)
        row.addStretch()
        row.addWidget(self.buttons)
        column = QVBoxLayout(self)
        says = QLabel(f"{path.name} holds {len(self._images)} images. Which ones do you want to open?")
        says.setWordWrap(True)
        column.addWidget(says)
        column.addWidget(self.list)
        column.addLayout(row)
        self.resize(460, min(200 + 24 * len(self._images), 560))

    def _tick_all(self) -> None:
        self._tick(True)

    def _tick_none(self) -> None:
        self._tick(False)

    def _tick(self, ticked: bool) -> None:
        for row in range(self.list.count()):
            self.list.item(row).setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)

    def _on_ticked(self) -> None:
        self.open.setEnabled(bool(self.ticked()))


def ask_series(path: Path, images: Sequence[ImageSeries]) -> tuple[ImageSeries, ...]:
    """Ask which images of a file to open; nothing is returned if a person cancels.

    Where there is no window to ask in, or this is not its thread, all images proper are meant.
    """
    if not has_window():
        return wanted_images(images)
    dialog = SeriesDialog(path, images, QApplication.activeWindow())
    try:
        return dialog.ticked() if dialog.exec() else ()
    finally:
        dialog.deleteLater()


def chosen_images(path: str | Path) -> Iterator[ImageFile]:
    """Open the image in a file; of several, those that a person chooses.

    Raises
    ------
    ImageError
        If one cannot be read.
    """
    from src_models.files.images import list_series, read_image

    images = list_series(path)
    if len(wanted_images(images)) == 1:
        yield read_image(path)
        return
    for image in ask_series(Path(path), images):
        yield read_image(path, series=image.number)


def _words(image: ImageSeries) -> str:
    size = "" if image.shape is None else f" - {' x '.join(map(str, image.shape))}"
    return f"{image.name}{size}{' (beside the image)' if image.beside else ''}"
