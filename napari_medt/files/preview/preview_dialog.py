"""Asking which of several series in a folder are opened; their pictures come one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_medt.files.preview.series_list import SeriesList
from napari_medt.running.ordered_work import OrderedWork

if TYPE_CHECKING:
    from src_models.files.volumes.dicom_preview.series_preview import SeriesPreview

__all__ = ["PreviewDialog", "ask_which_series"]

_SIZE = (620, 640)  # px
_ROW = 112  # px


class PreviewDialog(QDialog):
    """The series in a folder, of which a person chooses those to be opened.

    Parameters
    ----------
    folder
        The folder.
    previews
        What it holds.
    beside
        What lies beside the series and is none, as a sentence; empty for nothing.
    parent
        Parent widget.
    """

    def __init__(
        self, folder: Path, previews: Sequence[SeriesPreview], beside: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Which series?")
        self.list = SeriesList(previews)
        self.every = QPushButton("Select all")
        self.every.setToolTip("Select every series that can be opened.")
        kinds = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(kinds.Open | kinds.Cancel)
        self.open = self.buttons.button(kinds.Open)
        self.open.setText("Open selected")
        self.open.setToolTip("Open the selected series, each as a layer.")
        self.buttons.button(kinds.Cancel).setToolTip("Open nothing.")
        self.every.clicked.connect(self.list.selectAll)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.list.opened.connect(self.accept)
        self.list.itemSelectionChanged.connect(self._on_selected)
        self._lay_out(folder, previews, beside)
        self._on_selected()
        self._work = OrderedWork("pictures of series", self)
        self._work.stepped.connect(self._on_picture)
        self._work.ask(None, partial(_pictures, tuple(previews)))

    def chosen(self) -> tuple[SeriesPreview, ...]:
        """Return the series that are selected."""
        return self.list.chosen()

    def done(self, result: int) -> None:
        """Close; pictures that have not come yet are not drawn any more."""
        self._work.leave(wait=False)
        super().done(result)

    def _lay_out(self, folder: Path, previews: Sequence[SeriesPreview], beside: str) -> None:
        row = QHBoxLayout()
        row.addWidget(self.every)
        row.addStretch()
        row.addWidget(self.buttons)
        column = QVBoxLayout(self)
        column.addWidget(_line(f"{folder.name} holds {len(previews)} series. Which ones do you want to open?"))
        column.addWidget(self.list, 1)
        if beside:
            column.addWidget(_line(beside))
        column.addLayout(row)
        self.resize(_SIZE[0], min(180 + _ROW * len(previews), _SIZE[1]))

    def _on_selected(self) -> None:
        self.open.setEnabled(bool(self.chosen()))

    def _on_picture(self, _: object, step: tuple[int, Any]) -> None:
        self.list.show_picture(*step)


def _line(text: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    return label


def ask_which_series(folder: Path, previews: Sequence[SeriesPreview], beside: str = "") -> tuple[SeriesPreview, ...]:
    """Ask which series to open; nothing is returned if a person cancels.

    Parameters
    ----------
    folder, previews, beside
        As for :class:`PreviewDialog`.
    """
    dialog = PreviewDialog(folder, previews, beside, QApplication.activeWindow())
    try:
        return dialog.chosen() if dialog.exec() else ()
    finally:
        dialog.deleteLater()


def _pictures(previews: Sequence[SeriesPreview]) -> Iterator[tuple[int, Any]]:
    """Draw each series; those that can be opened first."""
    from src_models.files.volumes.dicom_preview.thumbnail import thumbnail

    for row in sorted(range(len(previews)), key=lambda row: not previews[row].opens):
        yield row, thumbnail(previews[row])
