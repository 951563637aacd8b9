"""Which part of an image a network is run on."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox, QWidget

from napari_medt.viewer.regions import RegionChoice, default_choice, region_choices
from src_models.images.axes import AxesReading

__all__ = ["RegionCombo"]


class RegionCombo(QComboBox):
    """Offers this plane, all planes, or what is in view; what suits the image is chosen at first.

    Parameters
    ----------
    parent
        Parent widget.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Run on")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)

    def offer(self, reading: AxesReading, dimensions: int) -> None:
        """Offer what an image has; a choice that still can be made is kept.

        Parameters
        ----------
        reading
            How the image is read.
        dimensions
            2 or 3: the network's.
        """
        choices = region_choices(reading, dimensions)
        offered = [self.itemData(i) for i in range(self.count())]
        chosen = self.currentData() if offered == list(choices) else default_choice(reading, dimensions)
        self.clear()
        for choice, text in choices.items():
            self.addItem(text, choice)
        self.setCurrentIndex(self.findData(chosen))

    def choice(self) -> RegionChoice:
        """Return what is chosen."""
        choice: RegionChoice = self.currentData() or "all"
        return choice
