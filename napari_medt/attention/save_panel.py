"""Buttons that take attention out of the viewer: maps, picture, table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QGridLayout, QMessageBox, QPushButton, QWidget

from napari_medt.attention.files import map_files, save_maps, save_picture, save_table, scan_of
from napari_medt.attention.map_display import MapDisplay
from napari_medt.attention.pointer_follower import PointerFollower
from napari_medt.attention.recorded_run import RecordedRun
from napari_medt.viewer.reading import read_layer
from src_models.errors import UserError

__all__ = ["SavePanel"]


class SavePanel(QWidget):
    """Ask where to save what, and save it.

    Parameters
    ----------
    follower
        Knows the pinned place and the map at the pointer.
    display
        Knows the ticked maps.
    parent
        Parent widget.
    """

    saved = Signal(str)  #: what was saved, in a sentence
    refused = Signal(str)  #: why nothing was

    def __init__(self, follower: PointerFollower, display: MapDisplay, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._follower = follower
        self._display = display
        self._looked: RecordedRun | None = None
        self.maps = QPushButton("Maps...")
        self.picture = QPushButton("Picture...")
        self.table = QPushButton("Table...")
        self.keep = QPushButton("Keep")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        for column, button in enumerate((self.maps, self.picture, self.table, self.keep)):
            grid.addWidget(button, 0, column)
        self.maps.setToolTip(
            "Save the ticked maps (all, if none is ticked) as files that lie over the image: OME-TIFF, of a scan NIfTI."
        )
        self.picture.setToolTip("Save what the viewer shows as a PNG, with a colour bar.")
        self.table.setToolTip(
            "Save a CSV with the range of every map, and its value at the pinned place if there is one."
        )
        self.keep.setToolTip(
            "Keep the maps that are seen as layers that stay as they are: when another model or image is chosen, when "
            "you point elsewhere, and when this dock is closed."
        )
        self.keep.clicked.connect(self._keep)
        self.maps.clicked.connect(self._ask_folder)
        self.picture.clicked.connect(self._ask_picture)
        self.table.clicked.connect(self._ask_table)
        self.set_looked(None)

    def set_looked(self, looked: RecordedRun | None) -> None:
        """Save of this run from now on."""
        self._looked = looked
        self.setEnabled(looked is not None)

    def save_maps(self, folder: Path, names: list[str]) -> None:
        """Save maps in a folder; whether existing files may be replaced is asked."""
        if self._looked is None:
            return
        looked, reading = self._looked, read_layer(self._looked.image)
        place = scan_of(looked.image, reading)
        files = map_files(looked.outcome, names, folder, place)
        existing = [path.name for path in files.values() if path.exists()]
        if existing and not self._agrees(f"Replace {', '.join(existing)}?"):
            return
        self._try(
            f"Saved {len(files)} maps in {folder}.",
            lambda: save_maps(looked.outcome, names, folder, reading, place, overwrite=bool(existing)),
        )

    def save_picture(self, path: Path) -> None:
        """Save the view with the colour bar of the uppermost map, over an existing file."""
        layers = [layer for layer in (*self._display.ticked(), self._follower.layers.map()) if layer and layer.visible]
        viewer = self._display.viewer
        self._try(f"Saved {path}.", lambda: save_picture(viewer, layers[-1] if layers else None, path))

    def save_table(self, path: Path) -> None:
        """Save the table, over an existing file."""
        if self._looked is None:
            return
        outcome, position = self._looked.outcome, self._follower.pinned()
        self._try(f"Saved {path}.", lambda: save_table(outcome, path, position, overwrite=True))

    def _keep(self) -> None:
        kept = self._display.keep()
        if kept:
            self.saved.emit(f"Kept as layers: {', '.join(kept)}.")
        else:
            self.refused.emit("No attention is shown: tick a map, or point at the image, before you keep it.")

    def _try(self, done: str, save: Callable[[], Any]) -> None:
        try:
            save()
        except UserError as error:
            self.refused.emit(str(error))
        else:
            self.saved.emit(done)

    def _agrees(self, asked: str) -> bool:
        return QMessageBox.question(self, "Save maps", asked) == QMessageBox.StandardButton.Yes

    def _ask_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Save maps in a folder")
        if folder:
            self.save_maps(Path(folder), self._display.names())

    def _ask_picture(self) -> None:
        self._ask_file("PNG (*.png)", ".png", self.save_picture)

    def _ask_table(self) -> None:
        self._ask_file("CSV (*.csv)", ".csv", self.save_table)

    def _ask_file(self, kinds: str, suffix: str, save: Callable[[Path], None]) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Save", "", kinds)  # asks before it lets a file be replaced
        if name:
            path = Path(name)
            save(path if path.suffix else path.with_suffix(suffix))
