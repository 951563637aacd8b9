"""A list of series with a picture each, from which a person chooses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem, QWidget

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from src_models.files.volumes.dicom_preview.series_preview import SeriesPreview

__all__ = ["SeriesList"]

_PICTURE = 96  # px
_LONGEST = 120  # letters of a reason; all of it is in the tooltip


class SeriesList(QListWidget):
    """Series to choose from; those that cannot be opened say why, and cannot be chosen.

    Parameters
    ----------
    previews
        The series.
    parent
        Parent widget.
    """

    opened = Signal()  #: a series was double-clicked

    def __init__(self, previews: Sequence[SeriesPreview], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._previews = tuple(previews)
        self.setIconSize(QSize(_PICTURE, _PICTURE))
        self.setWordWrap(True)
        self.setSpacing(3)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Series")
        self.setToolTip("Choose the series to open, several with Ctrl or Shift; each becomes a layer.")
        blank = QPixmap(_PICTURE, _PICTURE)
        blank.fill(Qt.GlobalColor.black)
        for one in previews:
            item = QListWidgetItem(QIcon(blank), _words(one), self)
            item.setToolTip("\n".join((one.title, *filter(None, (one.refusal, *one.notes)))))
            if not one.opens:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsSelectable & ~Qt.ItemFlag.ItemIsEnabled)
        self.itemDoubleClicked.connect(self.opened)
        self._choose_largest()

    def chosen(self) -> tuple[SeriesPreview, ...]:
        """Return the series that are selected, in their order."""
        rows = sorted(index.row() for index in self.selectedIndexes())
        return tuple(self._previews[row] for row in rows)

    def show_picture(self, row: int, grey: NDArray[np.uint8] | None) -> None:
        """Show the picture of a series, in the middle of its place.

        Parameters
        ----------
        row
            The series.
        grey
            (y, x); None where there is none.
        """
        import numpy as np

        if grey is None:
            return
        square = np.zeros((_PICTURE, _PICTURE), np.uint8)
        rows, columns = (min(size, _PICTURE) for size in grey.shape)
        top, left = (_PICTURE - rows) // 2, (_PICTURE - columns) // 2
        square[top : top + rows, left : left + columns] = grey[:rows, :columns]
        pixels = square.tobytes()  # the image looks at them, and does not keep them
        image = QImage(pixels, _PICTURE, _PICTURE, _PICTURE, QImage.Format.Format_Grayscale8)
        icon, picture = QIcon(), QPixmap.fromImage(image)
        for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):  # else a selected one is tinted
            icon.addPixmap(picture, mode)
        self.item(row).setIcon(icon)

    def _choose_largest(self) -> None:
        """Select the series with the most slices, which is the one that most people want."""
        rows = [row for row, one in enumerate(self._previews) if one.opens]
        if rows:
            self.setCurrentRow(max(rows, key=lambda row: self._previews[row].slices))


def _words(one: SeriesPreview) -> str:
    lines = [one.title, *one.facts()]
    if one.refusal:
        kind = "Opens resampled" if one.uneven else "Cannot be opened"
        reason = one.refusal if len(one.refusal) <= _LONGEST else f"{one.refusal[:_LONGEST].rsplit(' ', 1)[0]} ..."
        lines.append(f"{kind}: {reason}")
    return "\n".join(lines)
