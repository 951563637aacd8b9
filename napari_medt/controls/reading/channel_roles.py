"""Which channel of an image is given to each channel of a model."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QWidget

from src_models.images.axes import ordinal

__all__ = ["ChannelRoles"]


class ChannelRoles(QWidget):
    """A row with a list of the image's channels for each of the model's.

    Parameters
    ----------
    parent
        Parent widget.
    """

    chosen = Signal(tuple)  #: the image's channels, counted from 0, in the order of the model's

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.combos: list[QComboBox] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)

    def offer(self, roles: Sequence[str], count: int, channels: Sequence[int]) -> None:
        """List so many channels of the image for each of the model's, and choose some without telling."""
        while self._row.count():
            widget = self._row.takeAt(0).widget()
            widget.setParent(None)
            widget.deleteLater()
        self.combos = [QComboBox() for _ in roles]
        for role, combo, channel in zip(roles, self.combos, channels, strict=True):
            combo.addItems([ordinal(index) for index in range(count)])
            combo.setToolTip(f"The channel of the image that the model gets as {role}; one may be given several times.")
            with QSignalBlocker(combo):
                combo.setCurrentIndex(channel)
            combo.activated.connect(self._on_activated)
            self._row.addWidget(QLabel(role))
            self._row.addWidget(combo, 1)

    def _on_activated(self) -> None:
        self.chosen.emit(tuple(combo.currentIndex() for combo in self.combos))
